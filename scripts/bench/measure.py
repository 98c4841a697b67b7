"""Measuring: CPU and memory of processes with their children, tables, and the JSON beside them.

CPU is user and system time as the kernel counts it; memory is PSS, in which a page that several processes
share counts for each by its share. Both mean something on a machine that does other things as well; only
ratios within one run are to be compared.
"""
import datetime
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import time

HZ = os.sysconf("SC_CLK_TCK")
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(REPOSITORY, ".cache", "bench")


class Processes:
    """Starts processes, and stops those that it started, by their ids."""

    def __init__(self):
        self.running = []

    def __enter__(self):
        # so that a kill of the bench ends them too
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        return self

    def __exit__(self, *_):
        self.stop(self.running)

    def start(self, command, **options):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.running.append(process)
        return process

    def stop(self, processes, patience_s=20):
        processes = list(processes)
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + patience_s
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.running.remove(process)


def cpu_of_children():
    """Returns the CPU of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def with_children(pid):
    """Returns the process and all that live below it."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as file:
                    found += map(int, file.read().split())
        except FileNotFoundError:
            pass  # it has ended meanwhile
    return found


def cpu_s(pid):
    """Seconds of CPU that a process has used, with its children: those that live and those waited for."""
    ticks = 0
    for each in with_children(pid):
        try:
            with open(f"/proc/{each}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:15]))
        except FileNotFoundError:
            pass
    return ticks / HZ


def pss_kb(pid):
    total = 0
    for each in with_children(pid):
        try:
            with open(f"/proc/{each}/smaps_rollup") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            pass
    return total


class Meter:
    """Watches the processes of one side."""

    def __init__(self, processes):
        self.pids = [process.pid for process in processes]
        self.began = self.cpu_s()
        self.pss_mb = []

    def cpu_s(self):
        return sum(map(cpu_s, self.pids))

    def look(self):
        self.pss_mb.append(sum(map(pss_kb, self.pids)) / 1024)

    def result(self):
        return {
            "cpu_s": round(self.cpu_s() - self.began, 2),
            "pss_mb": round(statistics.median(self.pss_mb), 2),
            "pss_peak_mb": round(max(self.pss_mb), 2),
        }


def watch(meters, seconds, every_s=3.0, check=lambda: None):
    """Looks at all sides by turns until the time is over; returns how long it took."""
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        time.sleep(min(every_s, max(0.0, seconds - elapsed)))
        check()
        for meter in meters:
            meter.look()
    return time.monotonic() - began


def table(headings, rows):
    """Returns a table in Markdown, as it goes into docs/benchmarks.md."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *rows)]
    line = lambda cells: "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"
    return "\n".join([line(headings), line(["-" * width for width in widths]), *map(line, rows)])


def machine():
    with open("/proc/cpuinfo") as file:
        models = (line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
        model = next(models, platform.machine())
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True).stdout.strip()
    return {
        "cores": os.cpu_count(),
        "cpu": model,
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "commit": commit,
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def write_json(name, results):
    """Writes results into .cache/bench/NAME.json, and says where."""
    os.makedirs(CACHE, exist_ok=True)
    path = os.path.join(CACHE, f"{name}.json")
    with open(path, "w") as file:
        json.dump(results, file, indent=1)
    say(f"written to {os.path.relpath(path)}")


def build(profile, *options):
    """Builds with a profile of Cargo.toml and returns the binary."""
    command = ["cargo", "build", "--profile", profile, "--locked", "--quiet", *options]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(REPOSITORY, "target"))
    return os.path.join(target, profile, "nightreel")


def example(name):
    """Builds an example of the processor in release and returns it."""
    target = os.path.dirname(build("release", "-p", "nightreel-processor", "--example", name))
    return os.path.join(target, "examples", name)


def venv(folder, packages):
    """Returns the Python of an environment with these packages, and which of them there are none of for this machine."""
    python = os.path.join(folder, "bin/python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    return python, [package for package in packages if subprocess.run([*pip, package]).returncode != 0]


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)
