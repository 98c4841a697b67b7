//! Models of one's own: the shipped one, made to take its pictures and to give its boxes as YOLOX and YOLOv8 do. So a
//! model of each layout sees what the shipped one sees.
//!
//! An ONNX file is a protobuf, and protobufs that are written one after another are merged: nodes are put before and
//! after the model's own by writing them before and after it.

use std::io::Read;
use std::path::Path;

use lzma_rust2::XzReader;

const SIDE: usize = 416;
const MEAN: [f32; 3] = [103.53, 116.28, 123.675];
const DEVIATION: [f32; 3] = [57.375, 57.12, 58.395];

/// Returns the shipped model's file.
pub(crate) fn nanodet() -> Vec<u8> {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/nanodet-g-416.onnx.xz");
    let packed = std::fs::read(packed).expect("it is in the repository");
    let mut model = Vec::new();
    XzReader::new(packed.as_slice(), false).read_to_end(&mut model).expect("it is whole");
    model
}

/// Takes blue, green and red from 0 to 255.
pub(crate) fn yolox() -> Vec<u8> {
    let weight = |to: usize, from: usize| if to == from { 1.0 / DEVIATION[to] } else { 0.0 };
    let corner = vec![0.5; 2 * cells().count()];
    let anything = vec![1.0; cells().count()];
    let nodes = [
        node("Split", &["y_box"], &["y_middle", "y_size"], &[ints("split", &[2, 2]), int("axis", 2)]),
        floats("y_corner", &[1, cells().count(), 2], &corner),
        node("Add", &["y_middle", "y_corner"], &["y_place"], &[]),
        node("Log", &["y_size"], &["y_logarithm"], &[]),
        floats("y_anything", &[1, cells().count(), 1], &anything),
        node("Concat", &["y_place", "y_logarithm", "y_anything", "y_scores"], &["yolox_"], &[int("axis", 2)]),
    ];
    wrapped(weight, &nodes, b"yolox_")
}

/// Takes red, green and blue from 0 to 1.
pub(crate) fn yolov8() -> Vec<u8> {
    let weight = |to: usize, from: usize| if to + from == 2 { 255.0 / DEVIATION[to] } else { 0.0 };
    let middles: Vec<f32> = cells().flat_map(|([x, y], _)| [x + 0.5, y + 0.5, 0.0, 0.0]).collect();
    let strides: Vec<f32> = cells().flat_map(|(_, stride)| [stride; 4]).collect();
    let shape = [1, cells().count(), 4];
    let nodes = [
        floats("y_middles", &shape, &middles),
        floats("y_strides", &shape, &strides),
        node("Add", &["y_box", "y_middles"], &["y_cells"], &[]),
        node("Mul", &["y_cells", "y_strides"], &["y_pixels"], &[]),
        node("Concat", &["y_pixels", "y_scores"], &["y_rows"], &[int("axis", 2)]),
        node("Transpose", &["y_rows"], &["yolov8"], &[ints("perm", &[0, 2, 1])]),
    ];
    wrapped(weight, &nodes, b"yolov8")
}

/// Place and stride of each cell, in the order of the rows.
fn cells() -> impl Iterator<Item = ([f32; 2], f32)> {
    [8, 16, 32].into_iter().flat_map(|stride| {
        let side = SIDE / stride;
        (0..side * side).map(move |at| ([(at % side) as f32, (at / side) as f32], stride as f32))
    })
}

/// Puts a convolution before the shipped model that undoes what it normalises, and behind it what turns distributions
/// into middles and sizes, in strides (`y_box`), beside `y_scores`; then `nodes`.
fn wrapped(weight: impl Fn(usize, usize) -> f32, nodes: &[Vec<u8>], output: &[u8; 6]) -> Vec<u8> {
    let weights: Vec<f32> = (0..9).map(|at| weight(at / 3, at % 3)).collect();
    let bias = [0, 1, 2].map(|channel| -MEAN[channel] / DEVIATION[channel]);
    let before = [
        floats("x_weights", &[3, 3, 1, 1], &weights),
        floats("x_bias", &[3], &bias),
        node("Conv", &["input", "x_weights", "x_bias"], &["inner"], &[ints("kernel_shape", &[1, 1])]),
    ];
    let count = cells().count();
    let distances: Vec<f32> = (0..11).map(|distance| distance as f32).collect();
    // Rows: left, top, right, bottom. Columns: middle, size.
    let mix = [[-0.5, 0.0, 1.0, 0.0], [0.0, -0.5, 0.0, 1.0], [0.5, 0.0, 1.0, 0.0], [0.0, 0.5, 0.0, 1.0]];
    let behind = [
        node("Split", &["output"], &["y_scores", "y_bins"], &[ints("split", &[80, 44]), int("axis", 2)]),
        whole("y_by_side", &[1, 4 * count as i64, 11]),
        node("Reshape", &["y_bins", "y_by_side"], &["y_sides"], &[]),
        node("Softmax", &["y_sides"], &["y_likely"], &[int("axis", 2)]),
        floats("y_distances", &[11, 1], &distances),
        node("MatMul", &["y_likely", "y_distances"], &["y_mean"], &[]),
        whole("y_by_cell", &[1, count as i64, 4]),
        node("Reshape", &["y_mean", "y_by_cell"], &["y_away"], &[]),
        floats("y_mix", &[4, 4], mix.as_flattened()),
        node("MatMul", &["y_away", "y_mix"], &["y_box"], &[]),
    ];
    let mut model = nanodet();
    // The first node takes the picture; now it takes what the convolution gives.
    let first = model.windows(7).position(|bytes| bytes == b"\x0a\x05input").expect("it takes `input`");
    model[first + 2..first + 7].copy_from_slice(b"inner");
    // And what was said to be its output, the last thing in the file, is what `nodes` give.
    let last = model.windows(8).rposition(|bytes| bytes == b"\x0a\x06output").expect("it gives `output`");
    model[last + 2..last + 8].copy_from_slice(output);
    [message(7, &before.concat()), model, message(7, &[behind.concat(), nodes.concat()].concat())].concat()
}

fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    let inputs: Vec<_> = inputs.iter().map(|name| text(1, name)).collect();
    let names: Vec<_> = outputs.iter().map(|name| text(2, name)).collect();
    let attributes: Vec<_> = attributes.iter().map(|attribute| message(5, attribute)).collect();
    let own = [text(3, outputs[0]), text(4, operator)].concat();
    message(1, &[inputs.concat(), names.concat(), own, attributes.concat()].concat())
}

fn int(name: &str, value: u64) -> Vec<u8> {
    [text(1, name), number(3, value), number(20, 2)].concat()
}

fn ints(name: &str, values: &[u64]) -> Vec<u8> {
    let values: Vec<_> = values.iter().map(|value| number(8, *value)).collect();
    [text(1, name), values.concat(), number(20, 7)].concat()
}

fn floats(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), values.len());
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(name, shape, (1, &bytes))
}

fn whole(name: &str, values: &[i64]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(name, &[values.len()], (7, &bytes))
}

fn tensor(name: &str, shape: &[usize], (kind, bytes): (u64, &[u8])) -> Vec<u8> {
    let shape: Vec<_> = shape.iter().map(|length| number(1, *length as u64)).collect();
    message(5, &[shape.concat(), number(2, kind), text(8, name), message(9, bytes)].concat())
}

fn text(field: u64, text: &str) -> Vec<u8> {
    message(field, text.as_bytes())
}

fn message(field: u64, content: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
