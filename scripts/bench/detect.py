"""Measures what one picture costs the detector: the shipped model on OpenCV, alone and in batches, and on ONNX Runtime.

usage: scripts/bench.sh detect [--sizes 320,416,640] [--batches 4,8] [--rounds 3] [--detection FILE]

All run on one thread and by turns, on the same eight pictures of the pedestrian clip, and must give the same numbers.
The network alone is measured: making its input costs a millisecond. ONNX Runtime comes from PyPI.
"""
import argparse
import lzma
import os
import statistics
import subprocess
import sys

import measure

CLIP = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
FOLDER = os.path.join(measure.CACHE, "detect")
VENV = os.path.join(measure.CACHE, "venv")
# Runs in the venv: the inputs and models of all sizes, made once.
MAKE = """
import sys, numpy, onnx
from onnx import numpy_helper
folder, clip_raw, side, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
mean, deviation = numpy.float32([103.53, 116.28, 123.675]), numpy.float32([57.375, 57.12, 58.395])
pictures = numpy.fromfile(clip_raw, numpy.uint8).reshape(-1, side * 3 // 4, side, 3)
square = numpy.zeros((len(pictures), side, side, 3), numpy.float32)
square[:, :side * 3 // 4] = pictures
((square - mean) / deviation).transpose(0, 3, 1, 2).astype(numpy.float32).tofile(f"{folder}/{side}.f32")
model = onnx.load(f"{folder}/nanodet.onnx")
for value, sides in ((model.graph.input[0], {2: side, 3: side}), (model.graph.output[0], {})):
    dimensions = value.type.tensor_type.shape.dim
    dimensions[0].dim_value = batch
    for place, length in sides.items():
        dimensions[place].dim_value = length
model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = sum((side // stride) ** 2 for stride in (8, 16, 32))
shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
for weights in model.graph.initializer:
    if weights.name in shapes:
        shape = numpy_helper.to_array(weights).copy()
        shape[0] = batch
        weights.CopyFrom(numpy_helper.from_array(shape, weights.name))
onnx.save(model, f"{folder}/{side}-{batch}.onnx")
"""
# As processor/examples/detection.rs does it.
ONNX_RUNTIME = """
import sys, time, numpy, onnxruntime
model, inputs, side, output = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
pictures = numpy.fromfile(inputs, numpy.float32).reshape(-1, 1, 3, side, side)
session.run(None, {"input": pictures[0]})[0].tofile(output)
costs = []
for picture in pictures:
    before = time.process_time()
    session.run(None, {"input": picture})
    costs.append(time.process_time() - before)
print(numpy.median(costs))
"""
COMPARE = """
import sys, numpy
one, other = (numpy.fromfile(file, numpy.float32) for file in sys.argv[1:])
count = min(len(one), len(other))
print(numpy.abs(one[:count] - other[:count]).max())
"""


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh detect", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="320,416,640", help="sides of the input, in pixels")
    parser.add_argument("--batches", default="4,8", help="pictures at once, at 416 pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--detection", help="another build of processor/examples/detection than the one that is made")
    return parser.parse_args()


def install():
    python, missing = measure.venv(VENV, ["numpy", "onnx", "onnxruntime"])
    if missing:
        sys.exit(f"bench: these could not be installed: {', '.join(missing)}")
    return python


def make(python, side, batch):
    raw = os.path.join(FOLDER, f"{side}.bgr")
    scale = f"select=not(mod(n\\,100)),scale={side}:{side * 3 // 4}"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", CLIP, "-vf", scale, "-vsync", "0", "-f", "rawvideo",
                    "-pix_fmt", "bgr24", raw], check=True)
    subprocess.run([python, "-c", MAKE, FOLDER, raw, str(side), str(batch)], check=True)
    return os.path.join(FOLDER, f"{side}-{batch}.onnx")


def told(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def main():
    args = arguments()
    os.makedirs(FOLDER, exist_ok=True)
    with lzma.open(os.path.join(measure.REPOSITORY, "models/nanodet-g-416.onnx.xz")) as packed:
        with open(os.path.join(FOLDER, "nanodet.onnx"), "wb") as file:
            file.write(packed.read())
    detection, python = args.detection or measure.example("detection"), install()
    runs = {}
    for side in map(int, args.sizes.split(",")):
        inputs = os.path.join(FOLDER, f"{side}.f32")
        for batch in [1, *map(int, args.batches.split(","))] if side == 416 else [1]:
            output = os.path.join(FOLDER, f"opencv-{side}-{batch}.f32")
            if os.path.exists(output):
                os.remove(output)
            runs[side, f"OpenCV, {batch} at once"] = (
                output, [detection, make(python, side, batch), inputs, str(side), str(batch), "1", output])
        output = os.path.join(FOLDER, f"onnxruntime-{side}.f32")
        model = os.path.join(FOLDER, f"{side}-1.onnx")
        runs[side, "ONNX Runtime"] = (output, [python, "-c", ONNX_RUNTIME, model, inputs, str(side), output])
    costs = {run: [] for run in runs}
    for number in range(args.rounds):
        for run, (_, command) in runs.items():
            costs[run].append(float(told(command)))
        measure.say(f"round {number + 1} of {args.rounds}")
    usual = statistics.median(costs.get((416, "OpenCV, 1 at once")) or next(iter(costs.values())))
    rows = []
    for (side, engine), (output, _) in runs.items():
        difference = told([python, "-c", COMPARE, runs[side, "OpenCV, 1 at once"][0], output])
        cost = statistics.median(costs[side, engine])
        rows.append([side, engine, f"{cost * 1e3:.0f}", f"{cost / usual:.2f}", f"{float(difference):.0e}"])
    print(measure.machine())
    print(measure.table(["input", "engine", "CPU ms per picture", "ratio", "largest difference"], rows))


if __name__ == "__main__":
    main()
