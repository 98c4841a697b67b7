#!/usr/bin/env bash
# Measures nightreel against what one would use instead, side by side in one run, and prints a table of ratios.
#
# usage: scripts/bench.sh WHAT [OPTIONS…]
#   record    recorders: CPU and memory against one `ffmpeg -c copy` per camera
#   faults    a recorder: what a kill and cameras that freeze or go away cost
#   soak      a recorder for half an hour: its memory must not grow, its footage must be whole
#   process   decoding: every 30th frame against OpenCV, PyAV, decord and video-reader-rs
#   layout    which functions recording runs, for the layout of the edge program (writes cli/edge.order)
#   detect    the detector: the shipped model on OpenCV, alone and in batches, and on ONNX Runtime
#   chain     processing: a segment's whole way, in minutes of footage per minute of CPU
#   asking    the vision model: requests and dollars against one request for each sampled frame
#   pages     the pages: 200 people with a day open, over a month of 64 cameras, beside a recorder
#   plan      retention: a plan over 2.7 million segments against bare scans of the catalogue
#   recall    what sampling by activity misses in nights with people at known times
# `scripts/bench.sh WHAT --help` lists the options. docs/benchmarks.md has the tables, with their commands.
#
# Installs what is missing, builds a release, keeps what it makes in .cache/bench/. Leaves no process behind.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-}
if [ ! -f "scripts/bench/$what.py" ] || [[ $what =~ ^(measure|answers|cameras|clips|peers|pages_.*)$ ]]; then
    sed -n '/^# usage/,/^# .scripts/s/^# //p' "$0" >&2
    exit 2
fi
shift
scripts/setup.sh demo
exec /usr/bin/python3 -B "scripts/bench/$what.py" "$@"
