"""Measures the pages: 200 people with a day open, over a month of 64 cameras, beside a recorder.

usage: scripts/bench.sh pages [--segments 2764800] [--clients 200] [--others 20] [--seconds 120] [--cameras 4]
                              [--only start,first,load,cli] [--binary FILE]

Makes the catalogue once a day, in .cache/bench/pages-SEGMENTS. `nightreel serve` answers and `nightreel record` records
fake cameras into the same catalogue, while so many clients ask for a day every ten seconds, and others for other pages:
once as browsers do, which take gzip and ask for what they have only if it changed, and once as plain programs. The
footage must have no frame missing.
"""
import argparse
import datetime
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

import cameras
import measure
import pages_catalogue
import soak

ADDRESS = "127.0.0.1"
# What is to be reached.
P95_TARGET_MS = 100
PSS_TARGET_MB = 150
# From the start of the recorder to the first frames of all.
RECORDER_STARTS_S = 10
CLIENTS = os.path.join(measure.REPOSITORY, "scripts", "bench", "pages_clients.py")
FIRST = ["/", "/", "/day/{before}", "/day/{before}", "/events", "/search?q=white+van", "/night", "/storage", "/metrics",
         "/play/camera-09", "/api/v1/status", "/api/v1/estimate", "/api/v1/plan", "/events.atom"]
# `retain` would look for the files, of which there are none.
COMMANDS = [["status"], ["coverage", "--day", "today"], ["coverage", "--day", "yesterday"], ["events", "--json"],
            ["events", "--camera", "camera-07", "--label", "person", "--from", "yesterday"], ["search", "white van"],
            ["queue", "list"], ["ledger"], ["estimate"], ["why", "{file}"]]


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh pages", description=__doc__.splitlines()[0])
    parser.add_argument("--segments", type=int, default=64 * 30 * 1440, help="in the catalogue, about")
    parser.add_argument("--clients", type=int, default=200, help="with a day open")
    parser.add_argument("--others", type=int, default=20, help="with another page")
    parser.add_argument("--seconds", type=int, default=120, help="of each kind of client")
    parser.add_argument("--cameras", type=int, default=4, help="that are recorded beside it")
    parser.add_argument("--only", default="start,first,load,cli", help="parts of it")
    parser.add_argument("--binary", help="another build than the one that is made")
    return parser.parse_args()


def settings(folder, urls, port):
    path = os.path.join(folder, "nightreel.toml")
    with open(path, "w") as file:
        # closed all day but for its last minute, so that `status` says all that it can
        file.write(f'[storage]\nroot = "{folder}/media"\nstate_dir = "{folder}/state"\n\n[serve]\nlisten = "{ADDRESS}:{port}"\n'
                   '\n[process]\nwindows = ["23:58-23:59"]\n'
                   '\n[vision]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "gpt-6-luna"\nmax_usd_per_day = 5.0\n'
                   '\n[[vision.price]]\nmodel = "gpt-6-luna"\ninput_per_million = 0.1\noutput_per_million = 0.5\n'
                   '\n[retention]\nmax_age_days = 29\n')
        for number in range(pages_catalogue.CAMERAS):
            file.write(f'\n[[camera]]\nid = "{pages_catalogue.camera_id(number)}"\n')
            if number < len(urls):
                file.write(f'url = "{urls[number]}"\n')
    return path


def catalogue(binary, segments):
    """Returns the folder with today's catalogue, which is made where it is missing."""
    folder = os.path.join(measure.CACHE, f"pages-{segments}")
    today = str(datetime.datetime.now(datetime.timezone.utc).date())
    made = os.path.join(folder, "made")
    if os.path.exists(made) and open(made).read() == today:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "media"))
    measure.say(f"filling a catalogue with {segments} segments")
    subprocess.run([binary, "--config", settings(folder, [], 0), "status"], check=True, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    count = pages_catalogue.fill(os.path.join(folder, "state", "catalog.sqlite3"), segments, int(time.time() * 1000))
    measure.say(f"{count[0]} segments and {count[1]} events in {time.monotonic() - began:.0f} s")
    with open(made, "w") as file:
        file.write(today)
    return folder


def free_port():
    with socket.socket() as one:
        one.bind((ADDRESS, 0))
        return one.getsockname()[1]


def get(port, path):
    """Returns how long a page took, and its bytes."""
    began = time.monotonic()
    with urllib.request.urlopen(f"http://{ADDRESS}:{port}{path}", timeout=300) as answer:
        return time.monotonic() - began, len(answer.read())


def start_server(processes, binary, config, port):
    """Starts `serve`; returns it, and how long it took until it answered."""
    began = time.monotonic()
    with open(os.path.join(os.path.dirname(config), "serve.log"), "w") as log:
        server = processes.start([binary, "--config", config, "serve"], stdout=log, stderr=log)
    while True:
        try:
            get(port, "/readyz")
            return server, time.monotonic() - began
        except OSError:
            if server.poll() is not None:
                sys.exit("the server ended by itself; see serve.log in its folder")
            time.sleep(0.02)


def first_views(port):
    """Asks for each page, twice where it is named twice."""
    before = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=11)
    return [(path, *get(port, path)) for path in (path.format(before=before) for path in FIRST)]


def crowd(args, kind, server, port):
    """Lets the clients ask, and returns what they and the server came to."""
    command = [sys.executable, CLIENTS, ADDRESS, port, args.clients, args.others, args.seconds, kind]
    meter = measure.Meter([server])
    asking = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True)
    try:
        measure.watch([meter], args.seconds, every_s=2)
        told = json.loads(asking.communicate(timeout=180)[0])
    finally:
        asking.kill()
    return {"kind": kind, **told, "server": meter.result()}


def percentile(answers, share):
    took = sorted(answer["s"] for answer in answers)
    return 1000 * took[min(len(took) - 1, int(share * len(took)))]


def load_row(told, seconds):
    days, others, server = told["days"], told["others"], told["server"]
    failed = sum(answer["status"] not in (200, 304) for answer in days + others)
    same = sum(answer["status"] == 304 for answer in days) / len(days)
    of = lambda answers: [f"{percentile(answers, share):.0f}" for share in (0.5, 0.95, 0.99)] if answers else ["–"] * 3
    p50, p95, p99 = of(days)
    return [
        told["kind"], len(days), p50, f"**{p95}** (≤ {P95_TARGET_MS})", p99, failed, f"{100 * same:.0f} %",
        f"{sum(answer['bytes'] for answer in days) / len(days) / 1000:.0f}", "/".join(of(others)),
        f"**{server['pss_peak_mb']:.0f}** (≤ {PSS_TARGET_MB})", f"{100 * server['cpu_s'] / seconds:.0f} %",
        f"{1000 * server['cpu_s'] / len(days + others):.1f}", f"{100 * told['cpu_s'] / seconds:.0f} %",
    ]


LOAD_HEADINGS = ["clients", "day views", "p50 in ms", "p95", "p99", "errors", "unchanged", "kB each", "other pages, p50/p95/p99",
                 "PSS in MB, most", "CPU of the server", "ms per request", "CPU of the clients"]


def record(processes, binary, config):
    with open(os.path.join(os.path.dirname(config), "record.log"), "w") as log:
        recorder = processes.start([binary, "--config", config, "record"], stdout=log, stderr=log)
    time.sleep(RECORDER_STARTS_S)
    return recorder


def footage_faults(folder, since, args):
    """Returns what the recorded footage lacks, and how many segments and frames were looked at."""
    faults, count, frames = [], 0, 0
    for number in range(args.cameras):
        camera = pages_catalogue.camera_id(number)
        media = os.path.join(folder, "media", camera)
        names = [name for name in sorted(os.listdir(media)) if os.path.getmtime(os.path.join(media, name)) >= since]
        segments = [soak.Segment(os.path.join(media, name)) for name in names if name.endswith(".mp4")]
        faults += soak.faults_of(camera, segments)
        count, frames = count + len(segments), frames + sum(segment.frames for segment in segments)
    return faults, count, frames


def load(args, binary, folder, port):
    """Both kinds of clients, one after the other, beside a recorder; returns what was told and the footage's faults."""
    with measure.Processes() as processes:
        urls = cameras.play(processes, args.cameras)
        config = settings(folder, urls, port)
        server, _ = start_server(processes, binary, config, port)
        began = time.time()
        recorder = record(processes, binary, config)
        meter = measure.Meter([recorder])
        meter.look()
        told = [crowd(args, kind, server, port) for kind in ("browser", "plain")]
        meter.look()
        recorded = meter.result()
        # before the cameras, whose end would be a gap
        processes.stop([recorder])
        return told, recorded, footage_faults(folder, began, args)


def commands(binary, config, folder):
    file = newest_processed(os.path.join(folder, "state", "catalog.sqlite3"))
    rows = []
    for command in COMMANDS:
        asked = [part.format(file=file) for part in command]
        began, before = time.monotonic(), measure.cpu_of_children()
        done = subprocess.run([binary, "--config", config, *asked], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        took, cpu = time.monotonic() - began, measure.cpu_of_children() - before
        rows.append([" ".join(command), f"{took:.2f}", f"{cpu:.2f}", "" if done.returncode == 0 else done.stderr.decode()])
    return rows


def newest_processed(path):
    with sqlite3.connect(path) as c:
        return c.execute("SELECT path FROM segment WHERE state = 'processed' ORDER BY id DESC LIMIT 1").fetchone()[0]


def main():
    args = arguments()
    parts = args.only.split(",")
    built = os.path.abspath(args.binary) if args.binary else measure.build("release")
    cameras.clip()
    machine, results = measure.machine(), {}
    with tempfile.TemporaryDirectory(prefix="nightreel-bench-") as copied:
        # a copy, since it takes long enough for somebody to build anew
        binary = shutil.copy(built, os.path.join(copied, "nightreel"))
        folder = catalogue(binary, args.segments)
        port = free_port()
        config = settings(folder, [], port)
        if "start" in parts or "first" in parts:
            with measure.Processes() as processes:
                server, ready = start_server(processes, binary, config, port)
                print(f"ready after {ready:.2f} s\n", flush=True)
                views = first_views(port) if "first" in parts else []
                results |= {"ready_s": ready, "first_views": views, "pss_mb": measure.pss_kb(server.pid) / 1024}
            print(measure.table(["page", "s", "kB"], [[path, f"{took:.3f}", size // 1000] for path, took, size in views]), "\n")
        if "cli" in parts:
            rows = results["commands"] = commands(binary, config, folder)
            print(measure.table(["command", "s", "CPU-s", "fault"], rows), "\n")
        faults = []
        if "load" in parts:
            told, recorder, (faults, count, frames) = load(args, binary, folder, port)
            print(measure.table(LOAD_HEADINGS, [load_row(each, args.seconds) for each in told]))
            print(f"\nrecorded beside it: {count} segments with {frames} frames, {len(faults)} faults; "
                  f"CPU of the recorder {recorder['cpu_s']} s")
            results |= {"load": told, "recorder": recorder, "faults": faults}
    for fault in faults:
        print(fault, file=sys.stderr)
    measure.write_json("pages", {"machine": machine, "arguments": vars(args), **results})
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
