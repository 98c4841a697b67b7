"""Measures what a plan of retention costs over a large catalogue, against bare scans of its tables.

usage: scripts/bench.sh plan [--segments 2700000] [--rounds 3] [--deletions 20000]

The catalogue is a month of 64 cameras: most of it processed, with none to three labels a segment, one in fifty looked at
twice. A scan reads every column of every row and does nothing with it. CPU is user and system time of the one process
that does both. The deletions are real files, of a few bytes each. Fails where a target is missed.
"""
import argparse
import collections
import os
import re
import statistics
import subprocess
import sys

import measure

POLICIES = ["by age", "with a floor", "by labels and size"]
MOST_TIMES, MOST_MB = 3.0, 300
TEST = ["cargo", "test", "--quiet", "--release", "--package", "nightreel-retention", "--test", "scale", "--"]


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh plan", description=__doc__.splitlines()[0])
    parser.add_argument("--segments", type=int, default=2_700_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deletions", type=int, default=20_000)
    return parser.parse_args()


def run(test, **variables):
    """Runs one of the measurements, and returns what it said by its name."""
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run([*TEST, "--ignored", "--nocapture", "--exact", test], env=environment, cwd=measure.REPOSITORY,
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stdout)
    said = collections.defaultdict(list)
    for what, number in re.findall(r"^(.+): ([0-9.]+) (?:s|MB|kB)", done.stdout, re.MULTILINE):
        said[what].append(float(number))
    return said


def main():
    args = arguments()
    measure.say(f"planning for {args.segments} segments, {args.rounds} times")
    said = run("a_plan_of_many_segments_needs_little_memory", SEGMENTS=args.segments, ROUNDS=args.rounds)
    scans = said["scan of the segments"]
    shown = [a + b for a, b in zip(scans, said["scan of what they show"])]
    print("| policy | CPU | scan of the segments | ratio | with what they show | ratio | target |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    missed = said["memory"][0] > MOST_MB
    for policy in POLICIES:
        took = said[policy]
        bare, whole = (statistics.median(a / b for a, b in zip(took, of)) for of in (scans, shown))
        # only labels are read from the other tables
        missed |= (whole if "labels" in policy else bare) > MOST_TIMES
        cells = [f"{statistics.median(took):.2f} s", f"{statistics.median(scans):.2f} s", f"{bare:.1f}×",
                 f"{statistics.median(shown):.2f} s", f"{whole:.1f}×", f"≤ {MOST_TIMES:.0f}×"]
        print("|", " | ".join([policy, *cells]), "|")
    print(f"\npeak memory {said['memory'][0]:.0f} MB (target {MOST_MB} MB)")
    measure.say(f"deleting {args.deletions} files")
    said = run("carrying_out_many_deletions_needs_no_more_memory_than_a_few", DELETIONS=args.deletions)
    took = said["carrying out"][0]
    print(f"{args.deletions} deletions: {took:.1f} s of CPU, memory grows by {said['memory'][0]:.0f} kB after the first 500")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
