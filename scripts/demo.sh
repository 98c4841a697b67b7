#!/usr/bin/env bash
# Shows the main job on real footage: two RTSP cameras, one of them a fisheye, are recorded in short segments, processed and tidied.
#
# usage: scripts/demo.sh
#
# Installs what is missing, builds a release, and works in demo-data/, which is made anew each time. Leaves no process behind.
set -euo pipefail
cd "$(dirname "$0")/.."

data=$PWD/demo-data
clips=.cache/demo
# From the Debian package opencv-doc: 79 s of a campus path, seen by a fixed camera. Not ours to hand on.
pedestrians=/usr/share/doc/opencv-doc/examples/data/vtest.avi
segments_wanted=3
# Process ids of what has to be stopped.
running=()

say() { printf '\n== %s\n' "$*"; }

stop_all() {
    [ ${#running[@]} -eq 0 ] || kill "${running[@]}" 2>/dev/null || true
    wait
    running=()
}
trap stop_all EXIT

# A keyframe each second and no B-frames, as surveillance cameras send.
encode() { # ARGUMENTS OF FFMPEG BEFORE THE OUTPUT…, FILE
    local file=${*: -1}
    [ ! -e "$file" ] || return 0
    ffmpeg -nostdin -loglevel error -y "${@:1:$#-1}" -an -c:v libx264 -preset veryfast -pix_fmt yuv420p \
        -g 10 -bf 0 -sc_threshold 0 "$file.part.mp4"
    mv "$file.part.mp4" "$file"
}

play() { # CLIP; leaves the camera's port in $port
    local camera
    exec {camera}< <(exec /usr/bin/python3 scripts/fake_camera.py "$1")
    running+=($!)
    if ! read -r -t 20 _ port <&"$camera"; then
        echo "demo: the fake camera did not start" >&2
        exit 1
    fi
}

recorded() { # CAMERA; how many segments it has finished
    find "$data/media/$1" -name 'segment_*.mp4' 2>/dev/null | wc -l
}

scripts/setup.sh demo

say "building"
cargo build --release --locked
nightreel=${CARGO_TARGET_DIR:-$PWD/target}/release/nightreel
built=$SECONDS

say "making the clips that the cameras play"
mkdir -p "$clips"
encode -i "$pedestrians" "$clips/gate.mp4"
# Drawn through a known lens, so that the settings that undo it are known too: equidistant, 120° across its circle.
encode -i "$pedestrians" -vf "v360=flat:fisheye:ih_fov=95.3:iv_fov=78.9:h_fov=120:v_fov=120:w=960:h=960" "$clips/dome.mp4"

say "starting two cameras"
play "$clips/gate.mp4"
gate_port=$port
play "$clips/dome.mp4"
dome_port=$port
echo "gate at rtsp://127.0.0.1:$gate_port/cam, the fisheye dome at rtsp://127.0.0.1:$dome_port/cam"

rm -rf "$data"
mkdir -p "$data/media"
config=$data/nightreel.toml
cat >"$config" <<END
[storage]
root = "$data/media"

[process]
# The footage has 10 frames a second: one look a second.
every_nth_frame = 10

[detect]
labels = ["person", "car", "truck"]

[retention]
after_processing = "move"

[[camera]]
id = "gate"
url = "rtsp://127.0.0.1:$gate_port/cam"
segment_seconds = 5

[[camera]]
id = "dome"
url = "rtsp://127.0.0.1:$dome_port/cam"
segment_seconds = 5
mount = "wall"

[camera.lens]
projection = "equidistant"
fov_deg = 120
center = [0.5, 0.5]
radius = 0.5

[[camera.view]]
name = "left"
yaw_deg = -22
hfov_deg = 60
size = [640, 640]

[[camera.view]]
name = "right"
yaw_deg = 22
hfov_deg = 60
size = [640, 640]
END

say "recording until each camera has $segments_wanted segments of 5 s"
"$nightreel" --config "$config" record &
recorder=$!
running+=("$recorder")
deadline=$((SECONDS + 90))
until [ "$(recorded gate)" -ge $segments_wanted ] && [ "$(recorded dome)" -ge $segments_wanted ]; do
    if [ $SECONDS -ge $deadline ] || ! kill -0 "$recorder" 2>/dev/null; then
        echo "demo: the recorder did not get there; what it said is above" >&2
        exit 1
    fi
    sleep 0.5
done
kill -TERM "$recorder"
wait "$recorder"
running=("${running[@]:0:2}")
stop_all

say "processing: every 10th frame, the dome's dewarped"
"$nightreel" --config "$config" process --once --now --json

say "retaining"
"$nightreel" --config "$config" retain

say "what was seen"
/usr/bin/python3 scripts/demo_table.py "$data/media"

say "done in $((SECONDS - built)) s after the build; everything is in $data"
echo "processed:   $data/media/gate/processed/"
echo "a sidecar:   $(find "$data/media/dome/processed" -name '*.json' | sort | head -n 1)"
echo "the config:  $config"
echo "the pages:   $nightreel --config $config serve, then http://127.0.0.1:8420/"
