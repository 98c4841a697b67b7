//! `rebuild`: the catalogue made anew from the media folder.

use std::process::ExitCode;

use anyhow::Context;
use catalog::Clock;
use clap::Args;

use crate::args::Global;
use crate::{open, output};

/// Make the catalogue anew from the media folder: segments, and results from their sidecars.
///
/// The ledger, paid answers, gaps and what was seen in deleted footage are taken from the former catalogue as far as it
/// can be read. That one stays beside the new one. No file of footage is touched. Stop all other nightreels first.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  nightreel rebuild && nightreel verify")]
pub(crate) struct RebuildArgs {
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
    let rebuilt = catalog::rebuild(&settings, Clock::system().now())
        .context("nothing was replaced: the former catalogue is in its place")?;
    if args.json {
        output::json(&rebuilt)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!(
        "rebuilt: {} processed, {} to be processed, {} given up",
        rebuilt.processed, rebuilt.queued, rebuilt.failed
    ))?;
    rebuilt.troubles.iter().try_for_each(|trouble| output::line(format!("passed over: {trouble}")))?;
    if !rebuilt.lost.is_empty() {
        output::line(format!("lost, since it cannot be read: {}", rebuilt.lost.join(", ")))?;
    }
    if let Some(former) = rebuilt.former {
        output::line(format!("the former catalogue is `{}`; delete it when all is well", former.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
