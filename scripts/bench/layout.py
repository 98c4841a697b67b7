"""Finds the functions that recording runs all the time, for the layout of the edge program.

usage: scripts/bench.sh layout [--seconds 125] [--binary FILE]

Records three fake cameras under callgrind, which must be installed (Debian: valgrind), and notes what runs once the
recorder is under way. Writes the list that cli/build.rs hands to the linker; worth doing anew after changes to the
recorder or another version of Rust.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import cameras
import measure

CAMERAS = 3
# Under callgrind everything takes fifty times as long, the start too.
WARM_UP_S = 35
LIST = os.path.join(measure.REPOSITORY, "cli", "edge.order")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh layout", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=125, help="to watch; two minutes hold two cuts of segments")
    parser.add_argument("--binary", help="another build than the one that is made")
    return parser.parse_args()


def watch(binary, seconds, folder):
    """Returns what callgrind has counted."""
    counts = os.path.join(folder, "counts")
    callgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--demangle=no",
                 f"--callgrind-out-file={counts}"]
    with measure.Processes() as processes:
        urls = cameras.play(processes, CAMERAS)
        recorder, = cameras.start_nightreel(processes, [*callgrind, binary], urls, f"{folder}/nightreel")
        time.sleep(WARM_UP_S)
        for turn in "on", "off":
            subprocess.run(["callgrind_control", "-i", turn, str(recorder.pid)], check=True, stdout=sys.stderr)
            time.sleep(seconds if turn == "on" else 0)
        processes.stop([recorder], patience_s=120)
    with open(counts) as file:
        return file.read()


def run_functions(counts):
    """Returns the names of what ran itself, rather than what was only called."""
    names, ran = {}, set()
    for at, number, name in re.findall(r"^(c?fn)=\((\d+)\)(?: (.*))?$", counts, re.MULTILINE):
        if name:
            names[number] = name
        if at == "fn":
            ran.add(number)
    # callgrind marks what recurses by a quote and a number
    return {re.sub(r"'\d+$", "", names[number]) for number in ran}


def defined(binary):
    """Returns the functions of the program itself with their sizes."""
    listed = subprocess.run(["nm", "--print-size", binary], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return {row[3]: int(row[1], 16) for row in rows if len(row) == 4 and row[2] in "tTwW"}


def main():
    args = arguments()
    if not shutil.which("valgrind"):
        sys.exit("bench: valgrind is missing: install it, on Debian by `apt-get install valgrind`")
    binary = os.path.abspath(args.binary or measure.build("edge", "--no-default-features"))
    measure.say(f"recording {CAMERAS} cameras under callgrind, for {WARM_UP_S + args.seconds} s")
    with tempfile.TemporaryDirectory(prefix="nightreel-bench-") as folder:
        ran = run_functions(watch(binary, args.seconds, folder))
    sizes = defined(binary)
    names = sorted(ran & sizes.keys())
    if not names:
        sys.exit("bench: nothing was seen to run; was the binary stripped of its names?")
    with open(LIST, "w") as file:
        file.writelines(f"{name}\n" for name in names)
    size = sum(sizes[name] for name in names)
    measure.say(f"{len(names)} functions of {size // 1000} kB, of {sum(sizes.values()) // 1000} kB in all; "
                f"written to {os.path.relpath(LIST)}")


if __name__ == "__main__":
    main()
