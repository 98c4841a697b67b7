#!/usr/bin/python3
"""Plays a clip over RTSP as an IP camera would: for ever, in real time, without re-encoding.

usage: fake_camera.py CLIP [--port 0] [--paths N] [--h265|--mjpeg] [--audio aac|g711|g711a|l16|none]
                      [--loss SHARE] [--auth digest|basic] [--password PASSWORD]

Listens on 127.0.0.1 only, prints `ready PORT` when clients may come, and ends with the process that
started it. The stream is at /cam, further ones at /cam2, /cam3 ... With --auth the user is `admin` and
the password `secret` or the one given. A SIGSTOP makes it the camera that freezes with its connections open.

The clip is H.264 (or H.265 with --h265, or motion JPEG with --mjpeg); with --audio it must carry sound in that format. Make the first
frame a keyframe and all frames of one size, and it loops without a seam.

Needs the system's Python and these Debian packages: ffmpeg python3-gi gir1.2-gst-rtsp-server-1.0
gstreamer1.0-rtsp gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
"""
import argparse
import os
import subprocess
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

USER, ROLE = "admin", "viewer"
SOUND = {
    "none": "",
    "aac": "tracks. ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97",
    "g711": "tracks. ! queue ! rtppcmupay name=pay1",
    "g711a": "tracks. ! queue ! rtppcmapay name=pay1",
    "l16": "tracks. ! queue ! audioconvert ! rtpL16pay name=pay1 pt=97",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--paths", type=int, default=1, help="number of streams")
    parser.add_argument("--h265", action="store_true")
    parser.add_argument("--mjpeg", action="store_true")
    parser.add_argument("--audio", choices=SOUND, default="none")
    parser.add_argument("--loss", type=float, default=0, help="share of the picture's packets that get lost")
    parser.add_argument("--auth", choices=["digest", "basic"])
    parser.add_argument("--password", default="secret", help="the user's, with --auth")
    return parser.parse_args()


def pipeline(args):
    codec = "h265" if args.h265 else "h264"
    # config-interval=0 on both: parameter sets come from the SDP alone, as from most cameras
    name, lossy = "pay0", ""
    if args.loss:
        name, lossy = "packets", f"! identity name=pay0 drop-probability={args.loss}"
    if args.mjpeg:
        video = f"tracks. ! queue ! jpegparse ! rtpjpegpay name={name} {lossy}"
        return f"( fdsrc name=clip ! matroskademux name=tracks {video} {SOUND[args.audio]} )"
    video = (f"tracks. ! queue ! {codec}parse config-interval=0 "
             f"! rtp{codec}pay name={name} pt=96 config-interval=0 aggregate-mode=none {lossy}")
    return f"( fdsrc name=clip ! matroskademux name=tracks {video} {SOUND[args.audio]} )"


def feed(_factory, media, clip):
    """Gives a stream its endless clip. A pipe, because it cannot seek: each client's PLAY asks for the
    range from 0, which would rewind a file for everybody else."""
    ffmpeg = subprocess.Popen(
        ["ffmpeg", "-nostdin", "-loglevel", "fatal", "-stream_loop", "-1", "-i", clip,
         "-map", "0", "-c", "copy", "-f", "matroska", "pipe:1"],
        stdout=subprocess.PIPE)
    media.get_element().get_by_name("clip").set_property("fd", ffmpeg.stdout.fileno())

    def stop(_media):
        ffmpeg.kill()
        ffmpeg.wait()
        ffmpeg.stdout.close()

    media.connect("unprepared", stop)


def guard(server, factories, args):
    """Asks for the password before anything is described."""
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth = GstRtspServer.RTSPAuth()
    if args.auth == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(USER, args.password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(USER, args.password), token)
    allowed = f"{ROLE}, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    for factory in factories:
        factory.add_role_from_structure(Gst.Structure.from_string(allowed)[0])
    server.set_auth(auth)


def factory(args):
    made = GstRtspServer.RTSPMediaFactory()
    made.set_shared(True)
    made.set_protocols(GstRtsp.RTSPLowerTrans.TCP | GstRtsp.RTSPLowerTrans.UDP)
    made.set_launch(pipeline(args))
    made.connect("media-constructed", feed, args.clip)
    return made


def end_with(parent, loop):
    """An orphan would play on after a test was killed."""
    def look():
        if os.getppid() != parent:
            loop.quit()
        return True

    GLib.timeout_add_seconds(1, look)


def main():
    args = arguments()
    if not os.path.isfile(args.clip):
        sys.exit(f"no such clip: {args.clip}")
    parent = os.getppid()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(args.port))
    factories = [factory(args) for _ in range(args.paths)]
    for number, made in enumerate(factories, start=1):
        server.get_mount_points().add_factory("/cam" if number == 1 else f"/cam{number}", made)
    if args.auth:
        guard(server, factories, args)
    # attach returns 0 where the port is taken
    if server.attach(None) == 0:
        sys.exit(f"cannot listen on port {args.port}")
    print("ready", server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()
    end_with(parent, loop)
    loop.run()


if __name__ == "__main__":
    main()
