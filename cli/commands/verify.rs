//! `verify`: do files and rows agree?

use std::process::ExitCode;

use catalog::Verifier;
use clap::Args;

use crate::args::Global;
use crate::open::{self, Store};
use crate::output;

/// Check that the files and the catalogue agree; change nothing.
///
/// Ends with 1 where they do not. What is checked is listed in docs/storage.md.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  nightreel verify && echo sound")]
pub(crate) struct VerifyArgs {
    /// Print one object per fault and line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(global: &Global, args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let Store { settings, catalog, root, clock } = store;
    let faults = Verifier::new(catalog, root, &settings).verify(clock.now())?;
    for fault in &faults {
        match args.json {
            true => output::json(fault)?,
            false => output::line(format!("{}: {}", fault.path.display(), fault.what))?,
        }
    }
    if faults.is_empty() {
        if !args.json {
            output::line("files and catalogue agree")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    tracing::error!(faults = faults.len(), "files and catalogue do not agree");
    Ok(ExitCode::FAILURE)
}
