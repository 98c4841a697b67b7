//! `frames`: the sampled frames of a file, listed, hashed, or written as JPEG.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use catalog::hex;
use clap::{Args, ValueEnum};
use config::Sampling;
use processor::video::{Choice, SampledFrame, Video};
use processor::view::encode;
use serde::Serialize;

use crate::output;

/// Of the JPEGs under `--out`: for people to look at.
const QUALITY: u8 = 90;

/// List the frames of a video that would be sampled.
///
/// They are decoded exactly as a full decode would give them. The hash is of the luma plane, before any
/// rotation or conversion.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel frames clip.mp4\n  \
    nightreel frames clip.mp4 --every 10 --out frames/\n  \
    nightreel frames clip.mp4 --json | head")]
pub(crate) struct FramesArgs {
    /// The video.
    file: PathBuf,

    /// Take every Nth frame.
    #[arg(long, value_name = "N", default_value = "30")]
    every: NonZeroU32,

    /// Which frames to take: all of them (`exact`), those around which something changed (`activity`), or
    /// keyframes, at most one in N frames (`keyframes`).
    #[arg(long, value_name = "WHICH", default_value = "exact")]
    sampling: Which,

    /// Write each frame as JPEG into DIR.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Print one object per frame and line.
    #[arg(long)]
    json: bool,

    /// Leave out the hash, for timing.
    #[arg(long)]
    no_hash: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Exact,
    Activity,
    Keyframes,
}

impl From<Which> for Sampling {
    fn from(which: Which) -> Self {
        match which {
            Which::Exact => Self::Exact,
            Which::Activity => Self::Activity,
            Which::Keyframes => Self::Keyframes,
        }
    }
}

#[derive(Serialize)]
struct Line {
    frame: u64,
    pts_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    luma_sha256: Option<String>,
}

pub(crate) fn run(args: &FramesArgs) -> anyhow::Result<ExitCode> {
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    let video = Video::open(&args.file)?;
    let mut samples = video.choose(Choice { every: args.every, sampling: args.sampling.into() })?;
    for frame in samples.by_ref() {
        let frame = frame?;
        tell(args, &frame)?;
        if let Some(folder) = &args.out {
            write(&frame, folder)?;
        }
    }
    let missing = &samples.summary().missing;
    if let Some(first) = missing.first() {
        tracing::warn!(
            frames = missing.len(),
            first,
            "sampled frames cannot be decoded, the file is damaged there"
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(args: &FramesArgs, frame: &SampledFrame) -> anyhow::Result<()> {
    let hash = match args.no_hash {
        true => None,
        false => Some(hex(&frame.luma_sha256()?)),
    };
    let (number, pts_s) = (frame.index, frame.pts.as_secs_f64());
    match args.json {
        true => output::json(&Line { frame: number, pts_s, luma_sha256: hash }),
        false => output::line(format!("{number:>8}  {pts_s:>10.3} s  {}", hash.unwrap_or_default())),
    }
}

fn write(frame: &SampledFrame, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(format!("frame_{:06}.jpg", frame.index));
    let jpeg = encode(&frame.picture()?, QUALITY)?;
    std::fs::write(&path, jpeg).with_context(|| format!("cannot write `{}`", path.display()))
}
