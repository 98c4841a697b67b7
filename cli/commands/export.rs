//! `export`: results as other programs take them.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use catalog::ExportFilter;
use clap::{Args, ValueEnum};

use crate::args::Global;
use crate::export::{self, Source};
use crate::open::Seen;
use crate::output;

/// Write what was seen in a form that other programs take.
///
/// A row is one object in one view of one sampled frame. However much there is, it is written as it is read.
/// The newest results of each segment count; `--profile` takes earlier ones.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel export --format csv --from yesterday --out seen.csv\n  \
    nightreel export --format jsonl --camera gate | jq -c 'select(.label == \"person\")'\n  \
    nightreel export --format coco --out gate.json\n  \
    nightreel export --path ~/old-footage\n  \
    nightreel export --profiles --json")]
pub(crate) struct ExportArgs {
    /// The form of the rows.
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: Format,

    /// Write to FILE instead of stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Only segments that start at this time or later; the forms are those of `nightreel events --from`.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Only segments that start before this time.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// Only segments of this camera; may be given more than once.
    #[arg(long, value_name = "ID")]
    camera: Vec<String>,

    /// Only this file or folder, which was named to `nightreel process`; may be given more than once.
    #[arg(long, value_name = "PATH", conflicts_with = "camera")]
    path: Vec<PathBuf>,

    /// Take the results of this profile.
    #[arg(long, value_name = "ID")]
    profile: Option<String>,

    /// List the profiles that there are results of, instead of rows.
    #[arg(long, conflicts_with_all = ["out", "profile", "from", "to", "camera"])]
    profiles: bool,

    /// As `--format jsonl`; with --profiles, one object per line.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object per line.
    Jsonl,
    Csv,
    /// Needs a file.
    #[cfg(feature = "parquet")]
    Parquet,
    /// Images, annotations and categories in one JSON object.
    Coco,
}

pub(crate) fn run(global: &Global, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let seen = Seen::open(global, &args.path)?;
    if args.profiles {
        return list_profiles(&seen, args.json);
    }
    let [from, to] = seen.when().span(args.from.as_deref(), args.to.as_deref())?;
    if let Some(profile) = &args.profile {
        anyhow::ensure!(
            seen.catalog.profiles()?.iter().any(|known| known.id == *profile),
            "`--profile {profile}`: there are no results of it; `nightreel export --profiles` lists those there are"
        );
    }
    let (cameras, paths) = (args.camera.clone(), seen.paths.clone());
    let filter = ExportFilter { from, to, cameras, paths, profile: args.profile.clone() };
    let source = Source { catalog: seen.catalog.clone(), filter };
    let mut out: Box<dyn Write + Send> = match &args.out {
        Some(file) => {
            let made = File::create(file).with_context(|| format!("cannot make `{}`", file.display()))?;
            Box::new(BufWriter::new(made))
        }
        None => Box::new(BufWriter::new(io::stdout())),
    };
    let written = write(&source, (args.format, &seen), &mut out).and_then(|()| Ok(out.flush()?));
    match written {
        // `nightreel export | head` has what it wanted.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        written => written.context("cannot write the rows").map(|()| ExitCode::SUCCESS),
    }
}

fn write(
    source: &Source,
    (format, seen): (Format, &Seen),
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    match format {
        Format::Jsonl => source.each(|exported, results| {
            for row in export::rows(exported, results) {
                serde_json::to_writer(&mut *out, &row)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        }),
        Format::Csv => export::csv(source, out),
        #[cfg(feature = "parquet")]
        Format::Parquet => export::parquet(source, out),
        Format::Coco => export::coco(source, (&seen.settings, out)),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = |e: &io::Error| e.kind() == ErrorKind::BrokenPipe;
    let json = |e: &serde_json::Error| e.io_error_kind() == Some(ErrorKind::BrokenPipe);
    error.downcast_ref().is_some_and(kind) || error.downcast_ref().is_some_and(json)
}

fn list_profiles(seen: &Seen, json: bool) -> anyhow::Result<ExitCode> {
    let profiles = seen.catalog.profiles()?;
    if json {
        profiles.iter().try_for_each(output::json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
    let rows: Vec<_> = profiles
        .iter()
        .map(|p| {
            let every = p.every_nth_frame.to_string();
            vec![p.id.clone(), every, text(&p.detector), text(&p.vision_model), p.views.join(", ")]
        })
        .collect();
    output::table(&["PROFILE", "EVERY NTH", "DETECTOR", "MODEL", "VIEWS"], &rows)?;
    Ok(ExitCode::SUCCESS)
}
