//! `completions`: a script that teaches a shell nightreel's subcommands and flags.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::args::Cli;
use crate::output;

/// Print a completion script for a shell.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    nightreel completions bash > /etc/bash_completion.d/nightreel")]
pub(crate) struct CompletionsArgs {
    /// The shell to print it for.
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::description(), "nightreel", &mut script);
    output::bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}
