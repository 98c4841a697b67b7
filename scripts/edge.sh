#!/usr/bin/env bash
# Proves that the edge build (--no-default-features) links neither OpenCV nor FFmpeg.
#
# usage: scripts/edge.sh
#
# Leaves the edge binary at target/debug/nightreel; the next cargo build puts the full one back.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet --locked --no-default-features
binary=${CARGO_TARGET_DIR:-target}/debug/nightreel
libraries=$(ldd "$binary")
# What a static or foreign binary prints has no libc in it, and would prove nothing.
grep -q 'libc\.so' <<<"$libraries"
if grep -E 'libopencv|libav|libsw|libpython' <<<"$libraries"; then
    echo "edge: the edge build links what only processing may" >&2
    exit 1
fi
"$binary" --version
