#!/usr/bin/env bash
# Runs every check that is no test: format, lints, documentation, licences, scripts, house rules.
#
# usage: scripts/check.sh
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh check

step() { # NAME COMMAND…
    local started=$SECONDS
    "${@:2}"
    printf 'check: %s, %d s\n' "$1" $((SECONDS - started))
}

# The advisories are left to whoever has a network: they change without this repository changing.
step limits scripts/limits.sh
step scripts shellcheck scripts/*.sh .ci/run
step format cargo fmt --all --check
step licences cargo deny --locked --log-level error check licenses bans sources
step lints cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
step "edge lints" cargo clippy --quiet --locked --no-default-features -- -D warnings
step documentation env RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --workspace --no-deps
step "edge build" scripts/edge.sh
