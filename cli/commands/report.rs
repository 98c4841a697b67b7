//! `report`: a night as one HTML file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use chrono::NaiveDate;
use clap::Args;

use crate::args::Global;
use crate::commands::figures;
use crate::open::{self, Store};
use crate::output;

/// Write what a night brought as one HTML file: what was recorded, the gaps, the events with their pictures, what
/// failed, what it cost.
///
/// A night lasts from noon to noon, in the zone of the windows, and is called by the day on which it begins. The file
/// needs nothing beside it: it can be sent, printed, or opened on a phone.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel report --out report.html\n  \
    nightreel report --night 2026-01-21 --out report.html")]
pub(crate) struct ReportArgs {
    /// Report this night; without it the last one that is over, or is about to be.
    #[arg(long, value_name = "DAY")]
    night: Option<NaiveDate>,

    /// Write FILE instead of to stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(global: &Global, args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let site = figures::site(Store::existing(&open::settings(global)?.settings)?);
    let night = args.night.unwrap_or_else(|| dashboard::night_before(&site));
    let text = dashboard::report(&site, night)?;
    match &args.out {
        None => output::line(text.trim_end())?,
        Some(file) => catalog::files::write_atomically(file, text.as_bytes())
            .with_context(|| format!("cannot write `--out {}`", file.display()))?,
    }
    Ok(ExitCode::SUCCESS)
}
