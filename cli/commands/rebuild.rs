//! `rebuild`: the catalogue made anew from the media folder.

use std::process::ExitCode;

use anyhow::Context;
use catalog::{Clock, Rebuilt};
use clap::Args;
#[cfg(feature = "archive")]
use config::Settings;

use crate::args::Global;
#[cfg(feature = "archive")]
use crate::commands::rebuild_archive::Reached;
use crate::{open, output};

/// Make the catalogue anew from the media folder: segments, and results from their sidecars.
///
/// The ledger, paid answers, gaps and what was seen in deleted footage are taken from the former catalogue as far as it
/// can be read. That one stays beside the new one. No file of footage is touched. Stop all other nightreels first.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  nightreel rebuild && nightreel verify")]
pub(crate) struct RebuildArgs {
    /// Ask the archive as well, and take in the bundles that nobody remembers.
    ///
    /// One request lists a thousand of them, and one or two read what is in each; how many there were is said.
    /// Where bundles are sealed, `archive.identity_file` is needed to read what was seen.
    #[cfg(feature = "archive")]
    #[arg(long)]
    archive: bool,
    /// Ask for the bundles that must be thawed before it is known what is in them, which costs.
    #[cfg(feature = "archive")]
    #[arg(long, requires = "archive")]
    thaw: bool,
    /// Print what was found as one object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(global: &Global, args: &RebuildArgs) -> anyhow::Result<ExitCode> {
    let settings = open::settings(global)?.settings;
    let root = &settings.storage.root;
    anyhow::ensure!(
        root.is_dir(),
        "`storage.root` = `{}` is not there; is its disk mounted?",
        root.display()
    );
    #[cfg(feature = "archive")]
    let archive = args.archive.then(|| Reached::open(&settings, args.thaw)).transpose()?;
    let rebuilt = catalog::rebuild(&settings, Clock::system().now())
        .context("nothing was replaced: the former catalogue is in its place")?;
    if !args.json {
        tell(&rebuilt)?;
    }
    let told = serde_json::to_value(&rebuilt)?;
    #[cfg(feature = "archive")]
    let told = match archive {
        Some(archive) => with_archive(told, args, (&archive, &settings))?,
        None => told,
    };
    if args.json {
        output::json(&told)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes the archive's bundles in, and adds what was found to what is told.
#[cfg(feature = "archive")]
fn with_archive(
    mut told: serde_json::Value,
    args: &RebuildArgs,
    (archive, settings): (&Reached, &Settings),
) -> anyhow::Result<serde_json::Value> {
    let found = archive.adopt(settings)?;
    if !args.json {
        archive.tell(&found)?;
    }
    told["archive"] = serde_json::to_value(&found)?;
    Ok(told)
}

fn tell(rebuilt: &Rebuilt) -> anyhow::Result<()> {
    output::line(format!(
        "rebuilt: {} processed, {} to be processed, {} given up",
        rebuilt.processed, rebuilt.queued, rebuilt.failed
    ))?;
    rebuilt.troubles.iter().try_for_each(|trouble| output::line(format!("passed over: {trouble}")))?;
    if !rebuilt.lost.is_empty() {
        output::line(format!("lost, since it cannot be read: {}", rebuilt.lost.join(", ")))?;
    }
    if let Some(former) = &rebuilt.former {
        output::line(format!("the former catalogue is `{}`; delete it when all is well", former.display()))?;
    }
    Ok(())
}
