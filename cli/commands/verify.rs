//! `verify`: do files and rows agree?

use std::process::ExitCode;

use catalog::{Adopted, Repaired, Scanner, Verifier};
use clap::Args;

use crate::args::Global;
use crate::open::{self, Store};
use crate::output;

/// Check that the files and the catalogue agree; change nothing, unless asked to.
///
/// Ends with 1 where they do not. What is checked is listed in docs/storage.md. With --repair files without a row get
/// one, and rows without a file are marked; what is left over is told of, and never deleted.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  nightreel verify && echo sound\n  nightreel verify --repair")]
pub(crate) struct VerifyArgs {
    /// Print one object per fault and line.
    #[arg(long)]
    json: bool,

    /// Adopt first what is orphaned either way, then check.
    #[arg(long)]
    repair: bool,
}

pub(crate) fn run(global: &Global, args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let Store { settings, catalog, root, clock } = store;
    let verifier = Verifier::new(catalog.clone(), root.clone(), &settings);
    if args.repair {
        let mut scanner = Scanner::new(catalog, root, &settings);
        tell(&verifier.repair(&mut scanner, clock.now())?, args.json)?;
    }
    let faults = verifier.verify(clock.now())?;
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

fn tell(repaired: &Repaired, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(repaired);
    }
    for file in &repaired.adopted {
        let what = match file.what {
            Adopted::Processed => "adopted, with the results of its sidecar",
            Adopted::Queued => "adopted, and waits to be processed",
            Adopted::Failed => "adopted as given up; `nightreel queue requeue` tries it again",
        };
        output::line(format!("{}: {what}", file.path.display()))?;
    }
    output::line(format!(
        "repaired: {} taken up, {} marked as missing, {} adopted",
        repaired.queued,
        repaired.missing,
        repaired.adopted.len()
    ))
}
