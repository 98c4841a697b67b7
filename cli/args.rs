//! The command line: global flags, and one subcommand per file of `commands/`.

use std::path::PathBuf;

use clap::{Args, ColorChoice, CommandFactory, Parser, Subcommand};

#[cfg(feature = "archive")]
use crate::commands::{archive, restore};
#[cfg(feature = "process")]
use crate::commands::{batch, decode_worker, frames, live, process, view};
use crate::commands::{
    clip, completions, config, coverage, doctor, estimate, events, export, hold, init, ledger, pause, queue,
    rebuild, record, retain, run, search, status, verify, why,
};
#[cfg(feature = "dashboard")]
use crate::commands::{report, serve};

/// Told by `--version`: which of the two binaries this is.
const VERSION: &str = if cfg!(feature = "process") {
    env!("CARGO_PKG_VERSION")
} else {
    concat!(env!("CARGO_PKG_VERSION"), " (edge: records, retains and reports; does not process)")
};

/// Records IP cameras, looks at the footage off-peak, then moves or deletes it by rules that can be read
/// before they run.
#[derive(Debug, Parser)]
#[command(
    name = "nightreel",
    version = VERSION,
    after_help = "Examples:\n  \
        nightreel init                     write a commented nightreel.toml\n  \
        nightreel doctor                   is everything reachable?\n  \
        nightreel run                      record, process in the window, retain\n  \
        nightreel process ~/old-footage    look at any folder of videos, now\n\n\
        Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by a second signal."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every subcommand.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Read the settings from FILE instead of ./nightreel.toml or /etc/nightreel/nightreel.toml.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Say more: -v each segment and job, -vv each packet and frame.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Say only what went wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Write log lines as JSON, for machines.
    #[arg(long, global = true)]
    pub(crate) log_json: bool,

    /// Colour the log lines.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,

    /// Draw no progress bars, not even on a terminal.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::InitArgs),
    Config(config::ConfigArgs),
    Doctor(doctor::DoctorArgs),
    Run(run::RunArgs),
    Record(record::RecordArgs),
    #[cfg(feature = "process")]
    Process(process::ProcessArgs),
    #[cfg(feature = "process")]
    Batch(batch::BatchArgs),
    Retain(retain::RetainArgs),
    #[cfg(feature = "archive")]
    Archive(archive::ArchiveArgs),
    #[cfg(feature = "archive")]
    Restore(restore::RestoreArgs),
    Status(status::StatusArgs),
    Clip(clip::ClipArgs),
    Coverage(coverage::CoverageArgs),
    Estimate(estimate::EstimateArgs),
    Events(events::EventsArgs),
    Search(search::SearchArgs),
    Export(export::ExportArgs),
    #[cfg(feature = "process")]
    DecodeWorker(decode_worker::DecodeWorkerArgs),
    #[cfg(feature = "process")]
    Frames(frames::FramesArgs),
    #[cfg(feature = "process")]
    Live(live::LiveArgs),
    #[cfg(feature = "process")]
    View(view::ViewArgs),
    #[cfg(feature = "dashboard")]
    Report(report::ReportArgs),
    #[cfg(feature = "dashboard")]
    Serve(serve::ServeArgs),
    Ledger(ledger::LedgerArgs),
    Pause(pause::PauseArgs),
    Resume(pause::ResumeArgs),
    Queue(queue::QueueArgs),
    Hold(hold::HoldArgs),
    Why(why::WhyArgs),
    Rebuild(rebuild::RebuildArgs),
    Verify(verify::VerifyArgs),
    Completions(completions::CompletionsArgs),
}

impl Cli {
    /// Parses the command line; prints help or what is wrong, and ends the program, where it has to.
    pub(crate) fn read() -> Self {
        Self::parse()
    }

    /// Returns the description of the command line, for shell completions.
    pub(crate) fn description() -> clap::Command {
        <Self as CommandFactory>::command()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::description().debug_assert();
    }

    #[test]
    fn every_subcommand_has_an_example_and_whole_sentences() {
        for command in Cli::description().get_subcommands().filter(|c| c.get_name() != "help") {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty(), "{} says nothing of itself", command.get_name());
            assert!(after.contains("nightreel"), "{} has no example", command.get_name());
        }
    }
}
