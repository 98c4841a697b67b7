"""Measures what sampling by activity misses, and what it saves, in long quiet nights.

usage: scripts/bench.sh recall [--seconds 300] [--gops 20,100] [--seeds 1] [--sampling FILE] [--plot FILE]

Films nights at 10 frames per second from the pedestrian clip's street, without its people: with the sensor's noise,
light that comes and goes, a switch to infrared, rain; and one walker every 45 s or so, 6 to 22 % of the picture
high. The detector looks at every 10th frame; a walker whom it finds in none of these counts for nobody.
The pedestrian clip itself, in which somebody walks all the time, is the other end.
"""
import argparse
import json
import os
import subprocess
import sys

import clips
import measure

WEATHERS = ["clear", "dusk", "infrared", "rain"]
EVERY = 10
COLOURS = {"exact": "#666666", "activity": "#1b7837", "keyframes": "#c05000"}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh recall", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=300, help="of each night")
    parser.add_argument("--gops", default="20,100", help="lengths of GOP, in frames")
    parser.add_argument("--seeds", type=int, default=1, help="nights of each kind")
    parser.add_argument("--sampling", help="another build of processor/examples/sampling than the one that is made")
    parser.add_argument("--plot", default=os.path.join(measure.REPOSITORY, "docs/sampling_recall.svg"))
    return parser.parse_args()


def film(sampling, weather, args, seed):
    seconds, gop = args
    file = os.path.join(clips.FOLDER, f"{weather}-gop{gop}-{seconds}s-{seed}.mp4")
    if not os.path.exists(file):
        measure.say(f"filming {os.path.basename(file)}")
        os.makedirs(clips.FOLDER, exist_ok=True)
        staged = file.replace(".mp4", ".partial.mp4")
        numbers = map(str, (seconds, 10, gop, 3, seed))
        subprocess.run([sampling, "film", weather, staged, *numbers], check=True, stdout=subprocess.DEVNULL)
        os.rename(f"{staged}.json", f"{file}.json")
        os.rename(staged, file)
    return file


def busy(gop):
    """The pedestrian clip itself, coded as a camera would."""
    file = os.path.join(clips.FOLDER, f"pedestrians-gop{gop}.mp4")
    if not os.path.exists(file):
        encoder = f"{clips.H264} -bf 0 -g {gop}".split()
        source = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", clips.PEDESTRIANS]
        subprocess.run([*source, *encoder, file], check=True)
    return file


def measured(sampling, name, gop, file):
    measure.say(f"looking at {os.path.basename(file)}")
    told = subprocess.run([sampling, "recall", file, str(EVERY)], check=True, capture_output=True, text=True).stdout
    return {"footage": name, "gop": gop, **json.loads(told)}


def row(run, seen):
    found, all_events = seen["events"]
    with_person, all_with_person = seen["samples_with_person"]
    return [
        run["footage"], run["gop"], seen["sampling"], f"{found} of {all_events}" if run["footage"] in WEATHERS else "–",
        f"{with_person} of {all_with_person}", f"{share(seen['samples'] * EVERY, run):.0f} %",
        f"{share(seen['packets_fed'], run):.0f} %",
    ]


def share(count, run):
    return min(100.0, 100 * count / run["frames"])


def plot(runs):
    """Draws recall against work: each point is one piece of footage under one sampling."""
    width, height, left, top = 520, 320, 60, 20
    across, down = width - left - 20, height - top - 60
    x = lambda percent: left + across * percent / 100
    y = lambda percent: top + down * (1 - percent / 100)
    shapes = [f'<rect x="{left}" y="{top}" width="{across}" height="{down}" fill="none" stroke="#999"/>']
    for tick in (0, 25, 50, 75, 100):
        shapes.append(f'<text x="{x(tick):.0f}" y="{y(0) + 16:.0f}" text-anchor="middle">{tick} %</text>')
        shapes.append(f'<text x="{left - 6}" y="{y(tick) + 4:.0f}" text-anchor="end">{tick} %</text>')
    for run in runs:
        for seen in run["samplings"]:
            kept, total = seen["samples_with_person"]
            at = x(share(seen["packets_fed"], run)), y(100 * kept / max(total, 1))
            solid = COLOURS[seen["sampling"]] if run["gop"] == runs[0]["gop"] else "none"
            shapes.append(f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="4" fill="{solid}" '
                          f'stroke="{COLOURS[seen["sampling"]]}"/>')
    for place, (name, colour) in enumerate(COLOURS.items()):
        shapes.append(f'<circle cx="{left + 20 + 110 * place}" cy="{height - 12}" r="4" fill="{colour}"/>')
        shapes.append(f'<text x="{left + 30 + 110 * place}" y="{height - 8}">{name}</text>')
    shapes.append(f'<text x="{left + across / 2}" y="{height - 28}" text-anchor="middle">frames decoded</text>')
    shapes.append(f'<text transform="translate(14 {top + down / 2}) rotate(-90)" text-anchor="middle">'
                  "samples with a person kept</text>")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            f'font-size="11">\n<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(shapes)
            + "\n</svg>\n")


HEADINGS = ["footage", "GOP", "sampling", "people found", "samples with a person", "looked at", "decoded"]


def main():
    args = arguments()
    sampling = os.path.abspath(args.sampling or measure.example("sampling"))
    runs = []
    for gop in map(int, args.gops.split(",")):
        for kind, weather in enumerate(WEATHERS):
            for seed in range(args.seeds):
                # four kinds of night, and never the same walkers
                file = film(sampling, weather, (args.seconds, gop), 2 + kind + 4 * seed)
                runs.append(measured(sampling, weather, gop, file))
        runs.append(measured(sampling, "pedestrians", gop, busy(gop)))
    print(measure.table(HEADINGS, [row(run, seen) for run in runs for seen in run["samplings"]]))
    with open(args.plot, "w") as file:
        file.write(plot(runs))
    missed = sum(seen["events"][1] - seen["events"][0]
                 for run in runs for seen in run["samplings"] if seen["sampling"] == "activity")
    measure.write_json("recall", {"machine": measure.machine(), "runs": runs})
    if missed:
        sys.exit(f"sampling by activity missed {missed} people whom exact sampling finds")


if __name__ == "__main__":
    main()
