#!/usr/bin/env bash
# Fuzzes every parser of our own, one target after another, from the corpora kept in fuzz/corpus.
#
# usage: scripts/fuzz.sh [TARGET…] [--seconds N] [--keep]
#   TARGET       a file of fuzz/fuzz_targets without its .rs; default all
#   --seconds N  how long each runs; default 600
#   --keep       then minimises the corpora and keeps what is new in them
#
# Needs a nightly compiler and cargo-fuzz: rustup toolchain install nightly; cargo install cargo-fuzz --locked
# Prints a line per target. What breaks one lies in fuzz/artifacts/TARGET, and the script ends with 1.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=600
keep=
targets=()
while [ $# -gt 0 ]; do
    case $1 in
        --seconds)
            seconds=${2:?"--seconds needs a number"}
            shift
            ;;
        --keep) keep=yes ;;
        -*)
            sed -n 's/^# //p; /^set/q' "$0" >&2
            exit 2
            ;;
        *) targets+=("$1") ;;
    esac
    shift
done
if [ ${#targets[@]} = 0 ]; then
    mapfile -t targets < <(find fuzz/fuzz_targets -name '*.rs' -printf '%f\n' | sed 's/\.rs$//' | sort)
fi

# What a kept corpus may have; the largest inputs go first.
most_files=199
most_bytes=100000
# Larger inputs find nothing that smaller ones do not, and each takes longer.
limits=(-max_len=8192 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256)

fuzz() { # COMMAND ARGUMENT…
    cargo +nightly fuzz "$@"
}

files_in() { # FOLDER
    find "$1" -type f | wc -l
}

keep_corpus() { # TARGET
    local kept=fuzz/corpus/$1 merged=fuzz/target/merged/$1 bytes=0 files=0 size name
    rm -rf "$merged"
    mkdir -p "$merged"
    fuzz run "$1" "$merged" "$kept" "fuzz/target/corpus/$1" -- -merge=1 "${limits[@]}" &>>"fuzz/target/$1.log"
    find "$kept" -type f -delete
    while read -r size name; do
        files=$((files + 1)) bytes=$((bytes + size))
        if [ "$files" -gt "$most_files" ] || [ "$bytes" -gt "$most_bytes" ]; then
            break
        fi
        cp "$merged/$name" "$kept/"
    done < <(find "$merged" -type f -printf '%s %f\n' | sort -n)
}

broken=0
for target in "${targets[@]}"; do
    found=fuzz/target/corpus/$target
    log=fuzz/target/$target.log
    mkdir -p "$found" "fuzz/corpus/$target"
    dictionary=()
    [ ! -f "fuzz/dictionaries/$target.dict" ] || dictionary=(-dict="fuzz/dictionaries/$target.dict")
    outcome=sound
    # New inputs are written into the first folder.
    fuzz run "$target" "$found" "fuzz/corpus/$target" -- "${limits[@]}" "${dictionary[@]}" \
        -max_total_time="$seconds" -print_final_stats=1 &>"$log" || outcome=BROKEN
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    [ -z "$keep" ] || [ "$outcome" = BROKEN ] || keep_corpus "$target"
    printf 'fuzz: %s %s, %s runs, %s edges, %s inputs kept\n' \
        "$target" "$outcome" "${runs:-0}" "${coverage:-0}" "$(files_in "fuzz/corpus/$target")"
    if [ "$outcome" = BROKEN ]; then
        broken=$((broken + 1))
        grep -E 'panicked at|ERROR:|Test unit written to|^error' -A 1 "$log" | head -n 12 >&2 || true
    fi
done
[ "$broken" = 0 ]
