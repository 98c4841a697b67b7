#!/usr/bin/env bash
# Installs what nightreel needs on Debian 12, and nothing that is there already.
#
# usage: scripts/setup.sh [build|demo|test|check]
#   build   compile nightreel (the default)
#   demo    build, and what scripts/demo.sh plays and films
#   test    demo, and the model server, the browser and the lying clock that some tests need
#   check   test, and the linters of scripts/check.sh
#
# Never prompts; uses sudo only when not root. A second run is instant and needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."

for_build="build-essential clang libclang-dev cmake nasm pkg-config libopencv-dev
    libavcodec-dev libavformat-dev libavutil-dev libswscale-dev"
for_demo="ffmpeg opencv-doc python3 python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-rtsp
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
# A program that opens what is sealed, a clock that lies, for the stories about windows and retention, a browser that
# plays HLS, an MQTT broker, and what installs from PyPI.
for_test="age faketime chromium mosquitto mosquitto-clients openssl python3-venv"
for_check="shellcheck perl-base"
# Pinned: the tests rely on the faults it plays.
aimock_version=1.43.0
playwright_version=1.65.1
axe_version=4.14.1
onnxruntime_version=1.32.0
moto_version=5.2.5
azurite_version=3.37.0
deny_version=0.20.2

say() { printf 'setup: %s\n' "$*" >&2; }

at_least() { # VERSION WANTED
    [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

install_packages() {
    local package missing=()
    if ! command -v dpkg-query >/dev/null; then
        say "this is no Debian; make sure that you have the counterparts of: $*"
        return
    fi
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing by apt: ${missing[*]}"
    local as_root=(env DEBIAN_FRONTEND=noninteractive)
    [ "$(id -u)" = 0 ] || as_root=(sudo "${as_root[@]}")
    "${as_root[@]}" apt-get -qq update </dev/null
    "${as_root[@]}" apt-get -qq -y --no-install-recommends install "${missing[@]}" </dev/null >&2
}

require_rust() {
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null; then
        say "cargo is missing: install Rust $wanted or later with rustup, see https://rustup.rs"
        exit 1
    fi
    have=$(cargo --version | cut -d ' ' -f 2)
    if ! at_least "$have" "$wanted"; then
        say "Rust $have is too old, nightreel needs $wanted: install it with rustup, see https://rustup.rs"
        exit 1
    fi
}

# Debian 12 carries Node 18, which is too old for them; the tests that want them then say that they are skipped.
install_by_npm() { # FOLDER PACKAGE VERSION
    local node folder=.cache/$1
    [ ! -e "$folder/node_modules/$2/package.json" ] || return 0
    node=$(node --version 2>/dev/null | tr -d v || true)
    if [ -z "$node" ] || ! at_least "$node" 20.15 || ! command -v npm >/dev/null; then
        say "no Node 20.15 or later with npm: the tests with $2 will be skipped"
        return
    fi
    say "installing by npm into $folder: $2 $3"
    npm install --prefix "$folder" --no-audit --no-fund --silent "$2@$3" </dev/null >&2 ||
        say "npm failed: the tests with $2 will be skipped"
}

# What may run the detector instead of OpenCV.
install_onnxruntime() {
    local folder=.cache/onnxruntime
    [ ! -e $folder/libonnxruntime.so ] || return 0
    say "installing by pip into $folder: onnxruntime $onnxruntime_version"
    if python3 -m venv $folder &&
        $folder/bin/pip install --quiet --disable-pip-version-check --no-deps \
            "onnxruntime==$onnxruntime_version" </dev/null >&2; then
        ln -sf "$(cd $folder && ls lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.*)" \
            $folder/libonnxruntime.so
    else
        say "pip failed: the test with ONNX Runtime will be skipped"
    fi
}

# The S3 server of the tests of the archive, which also stands for Google's; it knows classes that must be thawed.
install_moto() {
    local folder=.cache/moto
    [ ! -x $folder/bin/moto_server ] || return 0
    say "installing by pip into $folder: moto $moto_version"
    if ! python3 -m venv $folder ||
        ! $folder/bin/pip install --quiet --disable-pip-version-check "moto[server]==$moto_version" </dev/null >&2; then
        say "pip failed: the tests with moto will be skipped"
    fi
}

install_for_test() {
    install_by_npm aimock @copilotkit/aimock "$aimock_version"
    install_by_npm playwright playwright-core "$playwright_version"
    install_by_npm axe axe-core "$axe_version"
    install_by_npm azurite azurite "$azurite_version"
    install_onnxruntime
    install_moto
}

# A tool that runs for a second a day: built fast rather than to run fast.
install_cargo_deny() {
    ! command -v cargo-deny >/dev/null || return 0
    say "building by cargo (some minutes, once): cargo-deny $deny_version"
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256 \
        cargo install --quiet --locked "cargo-deny@$deny_version" </dev/null
}

mode=${1:-build}
case $mode in
    build) packages="$for_build" ;;
    demo) packages="$for_build $for_demo" ;;
    test) packages="$for_build $for_demo $for_test" ;;
    check) packages="$for_build $for_demo $for_test $for_check" ;;
    *)
        say "\`$mode\` is no set-up: use build, demo, test or check"
        exit 2
        ;;
esac
# shellcheck disable=SC2086 # a list of words
install_packages $packages
require_rust
case $mode in
    test) install_for_test ;;
    check)
        install_for_test
        install_cargo_deny
        ;;
esac
