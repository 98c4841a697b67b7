"""Measures decoding: every 30th frame by nightreel and by what one would use instead, in CPU seconds per minute.

usage: scripts/bench.sh process [--clips a,b] [--rounds 5] [--peers a,b] [--sampling FILE]

Makes nine clips and two quiet ones, installs the peers from PyPI into .cache/bench/venv, and runs them by turns with
nightreel. No hashes are made. Peers hand over BGR, nightreel the decoder's planes. The table shows medians.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import time

import clips
import measure

PEERS = ["opencv-read", "opencv-grab", "pyav", "pyav-seek", "decord", "video-reader-rs"]
PACKAGES = ["opencv-python-headless", "av", "decord", "video-reader-rs"]
VENV = os.path.join(measure.CACHE, "venv")
# Of the read() loop, what nightreel may take at most.
TARGETS = {
    ("1080p-gop30", "exact"): 8, ("1080p-gop60", "exact"): 2.5, ("4k-h265-gop30", "exact"): 12,
    ("2560-h265-gop40", "exact"): 2.1, ("1080p-gop60-quiet", "activity"): 10,
}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh process", description=__doc__.splitlines()[0])
    parser.add_argument("--clips", default=",".join([*clips.CLIPS, *clips.NIGHTS]), help="which, by name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default=",".join(PEERS), help="which, by name; opencv-read is always among them")
    parser.add_argument("--sampling", help="another build of processor/examples/sampling than the one that is made")
    return parser.parse_args()


def install_peers():
    python, missing = measure.venv(VENV, PACKAGES)
    for package in missing:
        measure.say(f"no {package} for this machine; it is left out")
    return python


def environment():
    """video-reader-rs ships libraries that it does not find by itself."""
    shipped = glob.glob(os.path.join(VENV, "lib/python*/site-packages/video_reader_rs.libs"))
    return os.environ | {"LD_LIBRARY_PATH": ":".join(shipped)} if shipped else None


def timed(command):
    """Runs it; returns CPU seconds, its largest resident memory and what it printed, or None where it failed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        return None
    return {"cpu_s": usage.ru_utime + usage.ru_stime, "rss_mb": usage.ru_maxrss / 1024, "told": json.loads(output)}


def measure_clip(name, rounds, sides):
    results = {side: [] for side in sides}
    for number in range(rounds):
        for side, command in sides.items():
            # by turns, so that what else the machine does falls on all alike
            results[side].append(timed(command))
        measure.say(f"{name}: round {number + 1} of {rounds}")
    return {side: runs for side, runs in results.items() if all(runs)}


def samples(side, run):
    return run["told"]["samples"] if isinstance(run["told"], dict) else run["told"]


def check(name, results):
    """Nobody is the cheaper for having given less."""
    expected = samples("exact", results["exact"][0])
    for side, runs in results.items():
        if side != "activity" and abs(samples(side, runs[0]) - expected) > 1:
            measure.say(f"{name}: {side} gave {samples(side, runs[0])} frames, not {expected}")


def row(name, results):
    median = {side: statistics.median(run["cpu_s"] for run in runs) for side, runs in results.items()}
    paired = lambda ours: statistics.median(
        read["cpu_s"] / run["cpu_s"] for read, run in zip(results["opencv-read"], results[ours]))
    ratio = lambda ours: f"**{paired(ours):.2f}**" + target(name, ours)
    best = min((cpu, peer) for peer, cpu in median.items() if peer not in ("exact", "activity"))
    cell = lambda side: f"{median[side]:.2f}" if side in median else "–"
    return [name, *map(cell, [*PEERS, "exact", "activity"]), ratio("exact"), ratio("activity"),
            f"{best[0] / median['exact']:.2f} ({best[1]})"]


def target(name, ours):
    return f" (≥ {TARGETS[name, ours]})" if (name, ours) in TARGETS else ""


def pss(sampling):
    """Memory of a worker that decodes 4K and dewarps one view."""
    told = timed([sampling, "decode", clips.make("4k-h265-gop30", sampling), "exact", "30", "dewarp"])["told"]
    return told["pss_mb"]


def main():
    args = arguments()
    sampling = os.path.abspath(args.sampling or measure.example("sampling"))
    python = install_peers()
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers.py")
    began, machine, runs = time.monotonic(), measure.machine(), {}
    for name in args.clips.split(","):
        file = clips.make(name, sampling)
        peers = dict.fromkeys(["opencv-read", *args.peers.split(",")])
        sides = {peer: [python, script, peer, file] for peer in peers}
        sides |= {ours: [sampling, "decode", file, ours, "30"] for ours in ("exact", "activity")}
        runs[name] = measure_clip(name, args.rounds, sides)
        check(name, runs[name])
        print(measure.table(HEADINGS, [row(name, runs[name])]), flush=True)
    print(measure.table(HEADINGS, [row(name, results) for name, results in runs.items()]))
    memory = pss(sampling) if "4k-h265-gop30" in runs else None
    print(f"PSS of a worker at 4K, decoding and dewarping: {memory} MB")
    machine["minutes"] = round((time.monotonic() - began) / 60)
    measure.write_json("process", {"machine": machine, "pss_4k_mb": memory, "runs": runs})


HEADINGS = ["clip", *PEERS, "exact", "activity", "read/exact", "read/activity", "best peer/exact"]

if __name__ == "__main__":
    main()
