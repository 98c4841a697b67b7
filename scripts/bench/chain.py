"""Measures the whole way of a segment: decode, dewarp one view, gate, detect, JPEG, ask; in minutes of footage per CPU minute.

usage: scripts/bench.sh chain [--rounds 3] [--segments 4] [--only 'a;b'] [--onnxruntime FILE] [--binary FILE]

A worker takes 1080p segments of a minute, GOP 60, through `nightreel process --once`; a server on loopback answers what
it asks. What the program needs to start is counted. The last row compares two workers with one, by wall time.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import answers
import clips
import measure

CONFIG = """
[storage]
root = "{root}"
settle_seconds = 1

[[camera]]
id = "gate"
url = "rtsp://127.0.0.1:9/gate"
mount = "wall"

[camera.lens]
projection = "equidistant"
fov_deg = 180
center = [0.5, 0.5]
radius = 0.5

[[camera.view]]
name = "street"
hfov_deg = 90
size = [1280, 720]

[process]
sampling = "{sampling}"
workers = {workers}

[gate]
enabled = {gate}

[detect]
{detect}

[vision]
base_url = "http://127.0.0.1:{port}/v1"
model = "canned"
max_calls_per_day = 100000
"""
# name: clip, sampling, gate, target (times real time on one core)
CHAINS = {
    "exact, all looked at": ("1080p-gop60", "exact", False, 5),
    "exact, gate, busy": ("1080p-gop60", "exact", True, 8),
    "activity, busy": ("1080p-gop60", "activity", True, 12),
    "activity, nobody": ("1080p-gop60-quiet", "activity", True, 40),
}
SCALING_TARGET = 1.8


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh chain", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="medians are shown")
    parser.add_argument("--segments", type=int, default=4, help="of a minute, in each run")
    parser.add_argument("--only", help="chains by their names, with `;` between them")
    parser.add_argument("--onnxruntime", help="the library that runs the detector; default none, OpenCV does")
    parser.add_argument("--binary", help="another build than the one that is made")
    return parser.parse_args()


def lay_out(root, clip, count):
    """Fills a media folder with segments that differ by one byte that no decoder reads."""
    os.makedirs(f"{root}/gate")
    with open(clip, "rb") as file:
        footage = file.read()
    for number in range(count):
        free = (9).to_bytes(4, "big") + b"free" + bytes([number])
        with open(f"{root}/gate/segment_20260121_22{number:02}00.mp4", "wb") as file:
            file.write(footage + free)


def run(binary, chain, count, workers, server):
    clip, sampling, gate, _ = chain
    port, detect = server
    with tempfile.TemporaryDirectory(prefix="nightreel-bench-") as folder:
        lay_out(f"{folder}/media", clips.make(clip, None), count)
        config = f"{folder}/nightreel.toml"
        with open(config, "w") as file:
            file.write(CONFIG.format(root=f"{folder}/media", sampling=sampling, gate=str(gate).lower(),
                                     workers=workers, port=port, detect=detect))
        time.sleep(2)  # until the files have settled
        began, before = time.monotonic(), measure.cpu_of_children()
        command = [binary, "--config", config, "process", "--once", "--now", "--json"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        told, said = process.communicate()
        took = time.monotonic() - began
        if process.returncode != 0 or json.loads(told)["segments"]["processed"] != count:
            sys.exit(f"{count} segments were to be processed: {told.decode()}{said.decode()}")
    return {"cpu_s": measure.cpu_of_children() - before, "wall_s": took}


def real_time(runs, count):
    return count * clips.SECONDS / statistics.median(run["cpu_s"] for run in runs)


def main():
    args = arguments()
    binary = os.path.abspath(args.binary or measure.build("release"))
    port = answers.serve("canned", lambda _: ("Nothing.", 200, 5))
    library = os.path.abspath(args.onnxruntime) if args.onnxruntime else None
    server = port, f'onnxruntime = "{library}"' if library else ""
    machine, runs = measure.machine(), {}
    names = args.only.split(";") if args.only else list(CHAINS)
    for name in names:
        runs[name] = []
        for number in range(args.rounds):
            runs[name].append(run(binary, CHAINS[name], args.segments, 1, server))
            measure.say(f"{name}: round {number + 1} of {args.rounds}")
    rows = [[name, f"{statistics.median(run['cpu_s'] for run in taken) / args.segments:.2f}",
             f"**{real_time(taken, args.segments):.1f}×**", f"≥ {CHAINS[name][3]}×"] for name, taken in runs.items()]
    print(measure.table(["chain", "CPU-s per minute", "times real time on one core", "target"], rows))
    if not args.only:
        busy = CHAINS["exact, all looked at"]
        pairs = [[run(binary, busy, 2 * args.segments, workers, server) for workers in (1, 2)]
                 for _ in range(args.rounds)]
        ratio = statistics.median(one["wall_s"] / two["wall_s"] for one, two in pairs)
        print(f"two workers are {ratio:.2f} times as fast as one (target ≥ {SCALING_TARGET})")
        runs["scaling"] = pairs
    measure.write_json("chain", {"machine": machine, "segments": args.segments, "runs": runs})


if __name__ == "__main__":
    main()
