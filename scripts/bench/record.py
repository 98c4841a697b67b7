"""Measures recording: nightreel's edge binary against one ffmpeg per camera, on the same cameras at the same time.

usage: scripts/bench.sh record [--cameras 8,32,64] [--seconds 60] [--rounds 1] [--binary FILE] [--keep FOLDER]

Fake cameras play 1080p25 H.264 of 2 Mbit/s with AAC over TCP. Both sides record for a warm-up of 30 s and then
for the given time, in which CPU and PSS are looked at every 3 s. The table shows medians over the rounds.
"""
import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time

import cameras
import measure

WARM_UP_S = 30
# Of what the cameras play.
LEAST = 0.93
# What is to be reached: the share of ffmpeg's CPU, and of its memory.
CPU_TARGET = 0.35
PSS_TARGET = {8: 15, 32: 15, 64: 9}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh record", description=__doc__.splitlines()[0])
    parser.add_argument("--cameras", default="8,32,64", help="numbers of cameras, one run each")
    parser.add_argument("--seconds", type=int, default=60, help="to measure, after the warm-up")
    parser.add_argument("--rounds", type=int, default=1, help="of each run; medians are shown")
    parser.add_argument("--binary", help="another build than the one that is made")
    parser.add_argument("--keep", help="a folder that keeps what was recorded")
    return parser.parse_args()


def all_alive(sides):
    for name, started in sides.items():
        ended = [process for process in started if process.poll() is not None]
        if ended:
            sys.exit(f"{len(ended)} of {name} ended while it was measured; see its log with --keep")


def threads(started):
    return sum(len(os.listdir(f"/proc/{process.pid}/task")) for process in started)


def bytes_below(folder):
    files = (os.path.join(path, name) for path, _, names in os.walk(folder) for name in names)
    return sum(os.path.getsize(file) for file in files if ".mp4" in file)


def run(binary, count, seconds, folder):
    with measure.Processes() as processes:
        urls = cameras.play(processes, count)
        sides = {
            "nightreel": cameras.start_nightreel(processes, binary, urls, f"{folder}/nightreel"),
            "ffmpeg": cameras.start_ffmpeg(processes, urls, f"{folder}/ffmpeg"),
        }
        time.sleep(WARM_UP_S)
        all_alive(sides)
        meters = {name: measure.Meter(started) for name, started in sides.items()}
        before = {name: bytes_below(f"{folder}/{name}") for name in sides}
        took = measure.watch(meters.values(), seconds, check=lambda: all_alive(sides))
        results = {"cameras": count, "seconds": round(took, 1)}
        for name, meter in meters.items():
            written = bytes_below(f"{folder}/{name}") - before[name]
            results[name] = {
                **meter.result(),
                "threads": threads(sides[name]),
                "mbit_s_per_camera": round(written * 8 / 1e6 / took / count, 2),
            }
        # nobody is the cheaper for having recorded less
        if (least := min(results[name]["mbit_s_per_camera"] for name in sides)) < LEAST * cameras.clip_mbit_s():
            sys.exit(f"{least} Mbit/s were recorded per camera, too little to compare: is the machine too busy? {results}")
        return results


def ratios(results):
    ours, theirs = results["nightreel"], results["ffmpeg"]
    return ours["cpu_s"] / theirs["cpu_s"], theirs["pss_mb"] / ours["pss_mb"]


def row(rounds):
    count, minutes = rounds[0]["cameras"], [each["seconds"] / 60 for each in rounds]
    median = lambda side, key: statistics.median(each[side][key] for each in rounds)
    cpu = lambda side: statistics.median(
        each[side]["cpu_s"] / count / time for each, time in zip(rounds, minutes))
    cpu_ratio, pss_ratio = map(statistics.median, zip(*map(ratios, rounds)))
    return [
        count, f"{cpu('nightreel'):.3f}", f"{cpu('ffmpeg'):.3f}", f"**{cpu_ratio:.2f}×**", f"≤ {CPU_TARGET}×",
        f"{median('nightreel', 'pss_mb'):.1f}", f"{median('nightreel', 'pss_peak_mb'):.1f}",
        f"{median('ffmpeg', 'pss_mb'):.1f}", f"**1/{pss_ratio:.1f}**", f"≤ 1/{PSS_TARGET.get(count, 9)}",
    ]


HEADINGS = ["cameras", "CPU-s per camera-minute", "ffmpeg", "ratio", "target",
            "PSS in MB", "peak", "ffmpeg", "ratio", "target"]


def main():
    args = arguments()
    binary = os.path.abspath(args.binary or measure.build("edge", "--no-default-features"))
    cameras.clip()
    machine, runs = measure.machine(), []
    folder = args.keep or tempfile.mkdtemp(prefix="nightreel-bench-")
    try:
        for count in map(int, args.cameras.split(",")):
            rounds = []
            for number in range(args.rounds):
                measure.say(f"{count} cameras, round {number + 1} of {args.rounds}")
                rounds.append(run(binary, count, args.seconds, f"{folder}/{count}-{number}"))
                if not args.keep:
                    shutil.rmtree(f"{folder}/{count}-{number}")
            runs.append(rounds)
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(measure.table(HEADINGS, map(row, runs)))
    measure.write_json("record", {"machine": machine, "runs": runs})


if __name__ == "__main__":
    main()
