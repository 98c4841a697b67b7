//! `clip`: a span of a camera's footage as one MP4.

use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use catalog::{Segment, Span};
use chrono::{DateTime, Utc};
use clap::Args;
use config::CameraId;
use recorder::{Clip, Piece};
use serde::Serialize;

use crate::args::Global;
use crate::clips;
use crate::commands::events::when;
use crate::commands::status::time;
use crate::open::{self, Store};
use crate::output;

/// Write a camera's footage of a span as one MP4, without encoding anything anew.
///
/// The clip begins at the keyframe at or before `--from`, since nothing else can be its first picture, and has the sound
/// too. Where nothing was recorded the picture before stands still, so that the clip keeps the time. It lasts an hour at
/// most, and is made of closed MP4 segments alone.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel clip --camera gate --from 'yesterday 22:10' --to 'yesterday 22:12' --out clip.mp4\n  \
    nightreel clip --camera gate --from 2026-11-22T22:00:03 --to 2026-11-22T22:00:20 --out clip.mp4 --json")]
pub(crate) struct ClipArgs {
    /// The camera, by its id.
    #[arg(long, value_name = "ID")]
    camera: CameraId,

    /// From then: 2026-11-22T22:00, "yesterday 22:00", 22:00, or 2h ago as 2h.
    #[arg(long, value_name = "TIME")]
    from: String,

    /// Until then.
    #[arg(long, value_name = "TIME")]
    to: String,

    /// Write FILE. One that is there already is replaced.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Print one object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Written<'a> {
    file: &'a PathBuf,
    camera: &'a str,
    begins: DateTime<Utc>,
    ends: DateTime<Utc>,
    frames: u64,
    bytes: u64,
    holes: &'a [Span],
}

pub(crate) fn run(global: &Global, args: &ClipArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let [from, to] = when(&store).span(Some(&args.from), Some(&args.to))?;
    let (Some(from), Some(to)) = (from, to) else { anyhow::bail!("give `--from` and `--to`") };
    let wanted = Span::new(from, to);
    let clip = Clip::of(&args.camera, pieces(&store, &args.camera, wanted)?, wanted)?;
    let holes = clip.holes.clone();
    let (begins, ends, frames, bytes) = (clip.span.from, clip.span.to, clip.frames, clip.length());
    catalog::files::write_atomically_from(&args.out, &mut clip.reader())
        .with_context(|| format!("cannot write `--out {}`", args.out.display()))?;
    let (file, camera) = (&args.out, args.camera.as_str());
    tell(args, wanted, &Written { file, camera, begins, ends, frames, bytes, holes: &holes })?;
    Ok(ExitCode::SUCCESS)
}

fn pieces(store: &Store, camera: &CameraId, wanted: Span) -> anyhow::Result<Vec<Piece>> {
    let known = store.settings.cameras.iter().any(|known| known.id == *camera);
    let known = known || store.catalog.recorded_cameras()?.contains(camera);
    anyhow::ensure!(known, "`--camera {camera}`: neither settings nor catalogue know such a camera");
    // one more than there may be, so that there are too many
    let segments = store.catalog.camera_segments(camera, (wanted, clips::most_files() + 1))?;
    segments.iter().filter_map(|segment| piece(store, segment).transpose()).collect()
}

/// A file that went away meanwhile leaves a hole.
fn piece(store: &Store, segment: &Segment) -> anyhow::Result<Option<Piece>> {
    let path = store.media().absolute(segment);
    let name = segment.path.display().to_string();
    match File::open(&path) {
        Ok(file) => Ok(Some(Piece { file, name, start: segment.start })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

fn tell(args: &ClipArgs, wanted: Span, written: &Written<'_>) -> anyhow::Result<()> {
    if args.json {
        return output::json(written);
    }
    output::line(format!(
        "{}: {} to {} UTC, {} pictures, {}",
        written.file.display(),
        time(written.begins),
        time(written.ends),
        written.frames,
        output::size(written.bytes)
    ))?;
    if written.begins < wanted.from {
        output::line(format!("begins at the keyframe before {} UTC", time(wanted.from)))?;
    }
    written.holes.iter().try_for_each(|hole| {
        output::line(format!("nothing is there from {} to {} UTC", time(hole.from), time(hole.to)))
    })
}
