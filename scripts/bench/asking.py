"""Measures what the vision model is asked, in requests, tokens and dollars, against one request for each sampled frame.

usage: scripts/bench.sh asking [--binary FILE]

A busy minute is the pedestrian clip, people everywhere; a quiet quarter of an hour is a street at night in which one
person walks by. `nightreel process --once` takes them with the gate and without, one picture a request and several;
a server on loopback answers, and counts a picture's tokens by its size as patches of 32 x 32 pixels. The prices are
those of a small model. Events are the detector's: those of which the run without a gate knows, by their labels.
"""
import argparse
import base64
import json
import math
import os
import shutil
import struct
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

[gate]
enabled = {gate}
"""
VISION = """
[vision]
base_url = "http://127.0.0.1:{port}/v1"
model = "small"
frames_per_request = {frames}
image_max_px = 512
max_calls_per_day = 100000

[[vision.price]]
model = "small"
input_per_million = 0.10
output_per_million = 0.50
"""
# name: minutes by clip
FOOTAGE = {
    "busy minute": {"1080p-gop60": 1},
    "quiet quarter of an hour": {"1080p-gop60-quiet": 14, "1080p-gop60-walker": 1},
}
# name: gate, pictures in a request
WAYS = {
    "each sampled frame": (False, 1),
    "gate": (True, 1),
    "gate, 6 in a request": (True, 6),
    "gate, 16 in a request": (True, 16),
}
SAID = {
    "caption": "Somebody walks along the street, past two cars that are parked there.", "confidence": 0.9,
    "need_detail": [], "notable": False, "objects": ["two parked cars"], "people": 1,
    "reason": "It is an ordinary street.", "tags": ["street", "walking"],
}
PROMPT_TOKENS, ANSWER_TOKENS, PER_PATCH = 250, 110, 1.2


def size_of(jpeg):
    """Reads width and height out of the frame header."""
    at = 2
    while jpeg[at] == 0xFF:
        marker, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        if 0xC0 <= marker <= 0xC3:
            height, width = struct.unpack(">HH", jpeg[at + 5:at + 9])
            return width, height
        at += 2 + length
    raise ValueError("no JPEG")


def tokens_of(picture):
    width, height = size_of(base64.b64decode(picture["image_url"]["url"].split(",", 1)[1]))
    return math.ceil(PER_PATCH * math.ceil(width / 32) * math.ceil(height / 32))


def answer(asked):
    """Says the same to everything, and counts what that would be charged."""
    parts = [part for message in asked["messages"] if isinstance(message["content"], list)
             for part in message["content"]]
    pictures = sum(tokens_of(part) for part in parts if part["type"] == "image_url")
    return json.dumps(SAID), PROMPT_TOKENS + pictures, ANSWER_TOKENS


def lay_out(root, minutes):
    """Fills a media folder with segments that differ by a few bytes that no decoder reads."""
    os.makedirs(f"{root}/gate")
    number = 0
    for clip, count in minutes.items():
        for _ in range(count):
            file = f"{root}/gate/segment_20260121_22{number:02}00.mp4"
            shutil.copyfile(clips.make(clip, None), file)
            with open(file, "ab") as end:
                end.write((9).to_bytes(4, "big") + b"free" + bytes([number]))
            number += 1


def told(command):
    """Runs it and reads the lines of JSON that it prints."""
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed: {process.stderr}")
    return [json.loads(line) for line in process.stdout.splitlines()]


def run(binary, minutes, text):
    """Takes the footage through the program and returns what it came to."""
    with tempfile.TemporaryDirectory(prefix="nightreel-bench-") as folder:
        lay_out(f"{folder}/media", minutes)
        config = f"{folder}/nightreel.toml"
        with open(config, "w") as file:
            file.write(text.format(root=f"{folder}/media"))
        time.sleep(2)  # until the files have settled
        program, before = [binary, "--config", config], measure.cpu_of_children()
        done, = told([*program, "process", "--once", "--now", "--json"])
        cpu = measure.cpu_of_children() - before
        if done["segments"]["processed"] != sum(minutes.values()):
            sys.exit(f"not all was processed: {done}")
        ledger = told([*program, "ledger", "--json"])
        events = told([*program, "events", "--json"])
    return {"cpu_s": cpu, "ledger": ledger, "events": events}


def found(events, all_events):
    """Counts those of `all_events` of which one of `events` with the same label tells too."""
    at_once = lambda a, b: a["labels"] == b["labels"] and a["start"] <= b["end"] and b["start"] <= a["end"]
    return sum(any(at_once(one, other) for other in events) for one in all_events)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh asking", description=__doc__.splitlines()[0])
    parser.add_argument("--binary", help="another build than the one that is made")
    args = parser.parse_args()
    binary = os.path.abspath(args.binary or measure.build("release"))
    port = answers.serve("small", answer)
    runs, rows = [], []
    for footage, minutes in FOOTAGE.items():
        silent = run(binary, minutes, CONFIG.replace("{gate}", "false"))
        first = None
        for way, (gate, frames) in WAYS.items():
            text = CONFIG.replace("{gate}", str(gate).lower())
            text += VISION.replace("{port}", str(port)).replace("{frames}", str(frames))
            taken = run(binary, minutes, text)
            measure.say(f"{footage}, {way}: {len(taken['ledger'])} requests")
            first = first or taken
            runs.append({"footage": footage, "way": way, **taken})
            rows.append(row((footage, way), taken, first))
        overhead = (first["cpu_s"] - silent["cpu_s"]) / len(first["ledger"])
        print(f"{footage}: {overhead * 1e3:.1f} ms of CPU a request, with the JPEG")
    print(measure.table(HEADINGS, rows))
    measure.write_json("asking", {"machine": measure.machine(), "runs": runs})


HEADINGS = ["footage", "asked about", "requests", "tokens", "dollars", "share of the dollars", "events found"]


def row(names, taken, first):
    total = lambda run, key: sum(call.get(key) or 0 for call in run["ledger"])
    tokens = total(taken, "input_tokens") + total(taken, "output_tokens")
    dollars, all_dollars = total(taken, "cost_usd"), total(first, "cost_usd")
    return [*names, len(taken["ledger"]), tokens, f"{dollars:.4f}", f"{100 * dollars / all_dollars:.1f} %",
            f"{found(taken['events'], first['events'])} of {len(first['events'])}"]


if __name__ == "__main__":
    main()
