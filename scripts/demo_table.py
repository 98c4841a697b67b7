#!/usr/bin/python3
"""Prints what was seen, one line per camera, from the sidecars under a root.

usage: demo_table.py ROOT
"""
import collections
import json
import pathlib
import sys

COLUMNS = "{:<8} {:>8} {:>8} {:>9}  {:<28} {}"


def line(camera, sidecars):
    seen, views = collections.Counter(), []
    samples = [sample for sidecar in sidecars for sample in sidecar["samples"]]
    for view in (view for sample in samples for view in sample["views"]):
        seen.update(found["label"] for found in view["objects"])
        if view["view"] not in views:
            views.append(view["view"])
    objects = ", ".join(f"{count} {label}" for label, count in seen.most_common()) or "nothing"
    looked_at = sum(bool(sample["views"]) for sample in samples)
    return COLUMNS.format(camera, len(sidecars), len(samples), looked_at, " ".join(views), objects)


def main():
    cameras = collections.defaultdict(list)
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*/processed/*.json")):
        cameras[path.parent.parent.name].append(json.loads(path.read_text()))
    print(COLUMNS.format("camera", "segments", "samples", "looked at", "views", "seen, over all samples"))
    for camera, sidecars in cameras.items():
        print(line(camera, sidecars))
    if not cameras:
        sys.exit("no sidecar was found")


main()
