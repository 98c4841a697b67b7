"""Clips for measuring decoding: the pedestrian clip, scaled up with noise, as cameras would code it; made once."""
import os
import subprocess

import measure

PEDESTRIANS = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
FOLDER = os.path.join(measure.CACHE, "clips")
SECONDS = 60

H264 = "-c:v libx264 -preset veryfast -crf 24 -sc_threshold 0 -pix_fmt yuv420p"
H265 = "-c:v libx265 -preset ultrafast -crf 26 -pix_fmt yuv420p"

# name: size, frames per second, encoder
CLIPS = {
    "1080p-gop30": ("1920:1080", 30, f"{H264} -bf 0 -g 30"),
    "1080p-gop60": ("1920:1080", 30, f"{H264} -bf 0 -g 60"),
    "1080p-gop60-baseline": ("1920:1080", 30, f"{H264} -profile:v baseline -bf 0 -g 60"),
    "1080p-gop60-b": ("1920:1080", 30, f"{H264} -bf 3 -b_strategy 0 -g 60"),
    "1080p-gop120": ("1920:1080", 30, f"{H264} -bf 0 -g 120"),
    "1080p-gop250": ("1920:1080", 30, f"{H264} -bf 0 -g 250"),
    "1080p-gop250-b": ("1920:1080", 30, f"{H264} -bf 3 -b_strategy 0 -g 250"),
    "2560-h265-gop40": (
        "2560:2560", 20, f"{H265} -x265-params log-level=none:keyint=40:min-keyint=40:scenecut=0:bframes=0"),
    "4k-h265-gop30": (
        "3840:2160", 15, f"{H265} -x265-params log-level=none:keyint=30:min-keyint=30:scenecut=0:bframes=0"),
}
# Nothing but noise, and one person who walks for some seconds; with how long nobody comes at first.
NIGHTS = {"1080p-gop60-quiet": 1000, "1080p-gop60-walker": 45}
NIGHT_ENCODER = f"{H264} -bf 0 -g 60"


def make(name, sampling):
    """Returns the clip's file; `sampling` is the program that films nights."""
    file = os.path.join(FOLDER, f"{name}.mp4")
    if not os.path.exists(file):
        measure.say(f"making {name}")
        os.makedirs(FOLDER, exist_ok=True)
        if name in NIGHTS:
            night = os.path.join(FOLDER, "night.partial.mp4")
            subprocess.run([sampling, "film", "clear", night, str(SECONDS), "30", "60", "0", "1", str(NIGHTS[name])],
                           check=True, stdout=subprocess.DEVNULL)
            encode(file, ["-i", night], ("1920:1080", 30, NIGHT_ENCODER))
        else:
            encode(file, ["-stream_loop", "-1", "-i", PEDESTRIANS], CLIPS[name])
    return file


def encode(file, source, clip):
    size, rate, encoder = clip
    filters = f"setpts=N/{rate}/TB,scale={size},noise=alls=6:allf=t"
    staged = file.replace(".mp4", ".partial.mp4")
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-y", *source, "-t", str(SECONDS), "-vf", filters, "-r", str(rate),
         *encoder.split(), staged], check=True)
    os.rename(staged, file)
