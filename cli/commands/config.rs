//! `config`: are the settings right, and which are in force?

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::args::Global;
use crate::{open, output};

/// Check the settings, or show which are in force.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel config check\n  \
    nightreel config show              with the origin of each value; secrets are ***\n  \
    nightreel config show --json")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Tell of every fault at once, each with its key and line.
    Check,
    /// Print the settings in force, defaults filled in and secrets as ***.
    Show {
        /// Print one object, without origins.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(global: &Global, args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let loaded = open::settings(global)?;
    match args.action {
        Action::Show { json: true } => output::json(loaded.effective())?,
        Action::Show { json: false } => output::bytes(config::render_effective(&loaded).as_bytes())?,
        Action::Check => {
            for secret in loaded.missing_secrets() {
                output::line(format!("missing: `{}`: {}", secret.key, secret.reason))?;
            }
            let name = loaded.path.as_ref().map_or("the environment".to_owned(), |p| p.display().to_string());
            output::line(format!("{name}: no fault"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
