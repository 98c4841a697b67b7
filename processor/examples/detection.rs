//! Runs a network on OpenCV, on one thread, so that it can be measured: what a picture costs, alone or in a batch.
//!
//! usage: detection MODEL INPUTS SIDE BATCH ROUNDS [OUTPUT]
//!
//! INPUTS holds float32 tensors of 3 × SIDE × SIDE. Writes the median of the CPU seconds per picture to stdout, and
//! what the network gave for the first batch to OUTPUT.

#![allow(clippy::print_stdout, reason = "what it measures goes to stdout")]

use std::error::Error;
use std::fs;

use opencv::core::{Mat, Scalar, Vector, set_num_threads};
use opencv::dnn;
use opencv::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, inputs, side, batch, rounds, output @ ..] = arguments.as_slice() else {
        return Err("usage: detection MODEL INPUTS SIDE BATCH ROUNDS [OUTPUT]".into());
    };
    let (side, batch, rounds): (usize, usize, usize) = (side.parse()?, batch.parse()?, rounds.parse()?);
    set_num_threads(1)?;
    let mut network = dnn::read_net_from_onnx_buffer(&Vector::from_slice(&fs::read(model)?))?;
    let pictures = numbers(&fs::read(inputs)?);
    let shape = [batch, 3, side, side].map(|length| length as i32);
    let mut costs = Vec::new();
    for round in 0..=rounds {
        for pictures in pictures.chunks_exact(batch * 3 * side * side) {
            let before = cpu_seconds()?;
            network.set_input(&Mat::new_nd_with_data(&shape, pictures)?, "", 1.0, Scalar::default())?;
            let given = network.forward_single("")?;
            // The first round plans the network's memory.
            match round {
                0 => keep(output, given.data_typed::<f32>()?)?,
                _ => costs.push((cpu_seconds()? - before) / batch as f64),
            }
        }
    }
    costs.sort_by(f64::total_cmp);
    println!("{:.6}", costs.get(costs.len() / 2).ok_or("INPUTS holds less than one batch")?);
    Ok(())
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect()
}

fn keep(output: &[String], numbers: &[f32]) -> std::io::Result<()> {
    match output {
        [file, ..] if !fs::exists(file)? => {
            fs::write(file, numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>())
        }
        _ => Ok(()),
    }
}

/// User and system time of the one thread there is, in nanoseconds; `/proc/self/stat` counts hundredths.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let line = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: u64 = line.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
