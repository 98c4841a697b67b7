#!/usr/bin/env bash
# Runs the whole test suite from a bare checkout, set-up included, and ends with a count.
#
# usage: scripts/test.sh [--long] [FILTER…]
#   --long   also the large campaigns, which are marked #[ignore], and where there is no FILTER the recorder's soak
#   FILTER   only tests whose name contains it
#
# Uses cargo-nextest where it is installed, else cargo test.
set -euo pipefail
cd "$(dirname "$0")/.."

runner_flags=()
soak=no
if [ "${1:-}" = --long ]; then
    runner_flags=(--include-ignored)
    shift
    [ $# -gt 0 ] || soak=yes
fi

scripts/setup.sh test

log=$(mktemp)
trap 'rm -f "$log"' EXIT

run_tests() {
    local status=0
    if command -v cargo-nextest >/dev/null; then
        # nextest leaves out the examples in the documentation.
        cargo test --workspace --doc --no-fail-fast -- "$@" || status=$?
        cargo nextest run --workspace --no-fail-fast -- "$@" || status=$?
    else
        cargo test --workspace --no-fail-fast -- "$@" || status=$?
    fi
    return "$status"
}

status=0
run_tests "${runner_flags[@]}" "$@" 2>&1 | tee "$log" || status=$?

if [ $soak = yes ]; then
    scripts/bench.sh soak || status=$?
fi

# nextest ends with "Summary [1s] 3 tests run: 2 passed, 1 failed, 0 skipped"; cargo test says
# "test result: ok. 2 passed; 0 failed; 1 ignored; …" for each binary.
awk '
    function count(word,   i) {
        for (i = 2; i <= NF; i++) if ($i ~ "^" word) return $(i - 1)
        return 0
    }
    / tests? run: / || /^test result: / {
        passed += count("passed")
        failed += count("failed") + count("timed")
        skipped += count("skipped") + count("ignored")
    }
    END {
        printf "tests: %d passed, %d failed, %d skipped\n", passed, failed, skipped
        exit passed + failed == 0
    }
' "$log"
exit "$status"
