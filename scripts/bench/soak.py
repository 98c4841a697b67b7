"""Soaks the recorder: records for half an hour, then fails unless its memory stood still and all footage is there.

usage: scripts/bench.sh soak [--cameras 16] [--minutes 30] [--binary FILE] [--keep FOLDER]

The first third of the time is the warm-up. The median PSS of the last third must be within 10 % of that of the
second. Each segment must hold the frames that its length promises and begin where the one before it ended, and
the catalogue must know of no gap.
"""
import argparse
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import cameras
import measure

DRIFT_MAX = 0.10
# Between the end of a segment and the start of the next, whose times are those of receipt.
APART_MAX_S = 0.5
# From the start of all cameras to their first frames.
START_UP_S = 20
# The clip's sound is 21 ms longer than its picture, which shows at the seam: half a frame, at most twice a minute.
FRAMES_OFF_MAX = 0.9


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh soak", description=__doc__.splitlines()[0])
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--binary", help="another build than the one that is made")
    parser.add_argument("--keep", help="a folder that keeps what was recorded")
    return parser.parse_args()


def record(binary, args, folder):
    """Records, and returns the samples of PSS as (seconds, MB)."""
    samples = []
    with measure.Processes() as processes:
        urls = cameras.play(processes, args.cameras)
        started = cameras.start_nightreel(processes, binary, urls, folder)
        began = time.monotonic()
        while (now := time.monotonic() - began) < args.minutes * 60:
            time.sleep(5)
            if started[0].poll() is not None:
                sys.exit("the recorder ended by itself; see its log with --keep")
            samples.append((now, measure.pss_kb(started[0].pid) / 1024))
        # before the cameras, whose end would be a gap
        processes.stop(started)
    return samples


def thirds(samples, minutes):
    third = minutes * 20
    return [statistics.median(mb for at, mb in samples if number * third <= at < (number + 1) * third)
            for number in range(3)]


class Segment:
    """What a finished file says of itself."""

    def __init__(self, path):
        asked = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v",
                 "-show_entries", "stream=nb_frames,duration:format_tags", path]
        told = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
        stream, tags = told["streams"][0], told["format"]["tags"]
        self.name = os.path.basename(path)
        self.frames = int(stream["nb_frames"])
        self.seconds = float(stream["duration"])
        self.start = datetime.datetime.fromisoformat(tags["com.nightreel.start"].replace("Z", "+00:00")).timestamp()


def faults_of(camera, segments):
    if not segments:
        return [f"{camera}: nothing was recorded"]
    faults = []
    for segment in segments:
        off = segment.frames - segment.seconds * cameras.FRAMES_PER_S
        if abs(off) > FRAMES_OFF_MAX:
            faults.append(f"{camera}/{segment.name}: {segment.frames} frames in {segment.seconds} s")
    for before, after in zip(segments, segments[1:]):
        apart = after.start - before.start - before.seconds
        if abs(apart) > APART_MAX_S:
            faults.append(f"{camera}/{after.name}: begins {apart:+.2f} s after the end of the one before")
    first, last = segments[0], segments[-1]
    lost = last.start + last.seconds - first.start - sum(segment.seconds for segment in segments)
    if abs(lost) > APART_MAX_S:
        faults.append(f"{camera}: {lost:+.2f} s are missing at the cuts, all together")
    return faults


def check_footage(binary, args, folder):
    """Returns what is wrong, and how many segments and frames were looked at."""
    faults, count, frames = [], 0, 0
    for number in range(args.cameras):
        camera = f"cam{number:02}"
        media = os.path.join(folder, "media", camera)
        names = sorted(os.listdir(media))
        faults += [f"{camera}/{name} was not finished" for name in names if name.endswith(".partial")]
        segments = [Segment(os.path.join(media, name)) for name in names if name.endswith(".mp4")]
        faults += faults_of(camera, segments)
        if sum(segment.seconds for segment in segments) < args.minutes * 60 - START_UP_S:
            faults.append(f"{camera}: less was recorded than the time allows")
        count += len(segments)
        frames += sum(segment.frames for segment in segments)
    return faults + gaps(binary, folder), count, frames


def gaps(binary, folder):
    config = os.path.join(folder, "nightreel.toml")
    asked = [binary, "--config", config, "coverage", "--json", "--day", "today", "--day", "yesterday"]
    told = subprocess.run(asked, capture_output=True, check=True, text=True).stdout
    faults = []
    for line in map(json.loads, told.splitlines()):
        faults += [f"{line['camera']}: the catalogue knows of {each['seconds']} s of {each['cause']}"
                   for each in line["missing"] if each["cause"] != "stopped"]
        # until the first frame
        if line["unexplained_s"] > START_UP_S:
            faults.append(f"{line['camera']}: {line['unexplained_s']} s are missing and nobody knows why")
    return faults


def main():
    args = arguments()
    folder = args.keep or tempfile.mkdtemp(prefix="nightreel-soak-")
    os.makedirs(folder, exist_ok=True)
    work = os.path.join(folder, "soak")
    built = args.binary or measure.build("edge", "--no-default-features")
    # a copy, since half an hour is long enough for somebody to build anew
    binary = shutil.copy(built, os.path.join(folder, "nightreel"))
    machine = measure.machine()
    try:
        samples = record(binary, args, work)
        faults, segments, frames = check_footage(binary, args, work)
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    warm_up, second, last = thirds(samples, args.minutes)
    drift = last / second - 1
    if abs(drift) > DRIFT_MAX:
        faults.append(f"memory: {second:.1f} MB in the second third, {last:.1f} MB in the last")
    print(measure.table(
        ["cameras", "minutes", "PSS, first third", "second", "last", "drift", "segments", "frames", "faults"],
        [[args.cameras, f"{args.minutes:g}", f"{warm_up:.1f} MB", f"{second:.1f} MB", f"{last:.1f} MB",
          f"{drift:+.1%}", segments, frames, len(faults)]]))
    for fault in faults:
        print(fault, file=sys.stderr)
    measure.write_json("soak", {"machine": machine, "samples": samples, "segments": segments,
                                "frames": frames, "faults": faults})
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
