"""Measures what faults cost a recording: a kill, a camera that freezes, a camera that goes and comes back.

usage: scripts/bench.sh faults [--times 5] [--binary FILE]

A kill: the time between it and the end of what the partial plays. A freeze: from the camera's stop to the first word
of it in the log. A camera that is back: from when it takes connections to the first frame that is recorded.
"""
import argparse
import datetime
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import cameras
import measure

PATIENCE_S = 60
RECORDING, NOT_RECORDING, AGAIN = ": recording camera", "not recording", "recording again"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh faults", description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="of each fault")
    parser.add_argument("--binary", help="another build than the one that is made")
    return parser.parse_args()


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def said(folder, word, after):
    """Returns when the log first has that word after a time."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with open(f"{folder}/log") as log:
            times = [seconds(line.split()[0]) for line in log if word in line]
        if found := [at for at in times if at >= after]:
            return found[0]
        time.sleep(0.05)
    sys.exit(f"the recorder did not say `{word}` within {PATIENCE_S} s")


def start(processes, binary, folder):
    urls = cameras.play(processes, 1)
    camera = processes.running[-1]
    began = time.time()
    recorder = cameras.start_nightreel(processes, binary, urls, folder)[0]
    said(folder, RECORDING, began)
    return camera, recorder, urls[0]


def kill(binary, folder):
    with measure.Processes() as processes:
        _, recorder, _ = start(processes, binary, folder)
        time.sleep(random.uniform(6, 10))
        recorder.kill()
        at = time.time()
        media = f"{folder}/media/cam00"
        partial = max(os.path.join(media, name) for name in os.listdir(media) if name.endswith(".partial"))
        asked = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v", "-count_packets",
                 "-show_entries", "stream=nb_read_packets:format_tags", "-f", "mp4", partial]
        told = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
        frames = int(told["streams"][0]["nb_read_packets"])
        return at - seconds(told["format"]["tags"]["com.nightreel.start"]) - frames / cameras.FRAMES_PER_S


def freeze(binary, folder):
    with measure.Processes() as processes:
        camera, _, _ = start(processes, binary, folder)
        time.sleep(5)
        camera.send_signal(signal.SIGSTOP)
        at = time.time()
        noticed = said(folder, NOT_RECORDING, at) - at
        camera.send_signal(signal.SIGCONT)
        return noticed


def come_back(binary, folder):
    with measure.Processes() as processes:
        camera, _, url = start(processes, binary, folder)
        time.sleep(5)
        processes.stop([camera])
        said(folder, NOT_RECORDING, 0)
        time.sleep(random.uniform(3, 8))
        cameras.play(processes, 1, port=url.split(":")[2].split("/")[0])
        at = time.time()
        return said(folder, AGAIN, at) - at


FAULTS = [
    ("killed by SIGKILL: footage lost", kill, "≤ 2 s"),
    ("frozen camera: noticed after", freeze, "≤ 10 s"),
    ("camera back: recording again after", come_back, "≤ 2 s + one GOP (2 s)"),
]


def main():
    args = arguments()
    binary = os.path.abspath(args.binary or measure.build("edge", "--no-default-features"))
    cameras.clip()
    rows, results = [], {"machine": measure.machine()}
    with tempfile.TemporaryDirectory(prefix="nightreel-faults-") as folder:
        for what, fault, target in FAULTS:
            measure.say(what.split(":")[0])
            taken = [fault(binary, f"{folder}/{fault.__name__}{number}") for number in range(args.times)]
            results[fault.__name__] = taken
            rows.append([what, f"{statistics.median(taken):.1f} s", f"{max(taken):.1f} s", target])
    print(measure.table(["fault", "median", "most", "target"], rows))
    measure.write_json("faults", results)


if __name__ == "__main__":
    main()
