//! Decodes samples so that it can be measured, and films nights to find out what sampling by activity misses.
//!
//! usage: sampling decode FILE exact|activity|keyframes [EVERY [dewarp]]
//!        sampling film clear|dusk|infrared|rain FILE [SECONDS FPS GOP NOISE SEED PAUSE]
//!        sampling recall FILE [EVERY]
//!
//! Each writes one JSON object to stdout. `recall` reads the walkers beside a night that `film` wrote, `FILE.json`; of
//! other clips it compares what the detector finds.

#![allow(clippy::print_stdout, reason = "what it measures goes to stdout")]

mod decode;
mod film;
mod night;
mod recall;
mod stage;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = arguments.split_first().ok_or("name what to do: decode, film or recall")?;
    let line = match command.as_str() {
        "decode" => decode::run(rest)?,
        "film" => film::run(rest)?,
        "recall" => recall::run(rest)?,
        other => return Err(format!("`{other}` is none of decode, film and recall").into()),
    };
    println!("{line}");
    Ok(())
}
