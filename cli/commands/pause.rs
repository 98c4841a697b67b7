//! `pause` and `resume`: stop processing for a while, and go on.

use std::process::ExitCode;

use chrono::SecondsFormat;
use clap::Args;

use crate::args::Global;
use crate::open::{self, Store};
use crate::output;

/// Begin no more segments, in any process, until `nightreel resume`.
///
/// What is in hand is finished. Recording and retention go on, and the pause holds over restarts. Only videos that
/// are named to `nightreel process` are looked at all the same.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel pause --reason 'the disk is being copied'\n  \
    nightreel status                   says since when, and why")]
pub(crate) struct PauseArgs {
    /// Why, for those who wonder.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Go on after `nightreel pause`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    nightreel resume")]
pub(crate) struct ResumeArgs {}

pub(crate) fn pause(global: &Global, args: &PauseArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    store.catalog.pause(args.reason.as_deref(), store.clock.now())?;
    let since = store.catalog.paused()?.map(|pause| pause.since.to_rfc3339_opts(SecondsFormat::Secs, true));
    output::line(format!("processing is paused since {}", since.unwrap_or_default()))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn resume(global: &Global, _: &ResumeArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    output::line(match store.catalog.resume()? {
        true => "processing goes on",
        false => "processing was not paused",
    })?;
    Ok(ExitCode::SUCCESS)
}
