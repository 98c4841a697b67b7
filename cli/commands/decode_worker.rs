//! `decode-worker`: the process in which footage is decoded, started by nightreel itself.

use std::process::ExitCode;

use clap::Args;
use processor::DecoderProgram;

/// This very program, also when its file was replaced since it started.
const MYSELF: &str = "/proc/self/exe";

/// Decode what another process of nightreel asks for.
#[derive(Args, Debug)]
#[command(hide = true, after_help = "Example:\n  nightreel process starts it where it is needed")]
pub(crate) struct DecodeWorkerArgs;

pub(crate) fn program() -> DecoderProgram {
    DecoderProgram::new(MYSELF, &["decode-worker"])
}

pub(crate) fn run(DecodeWorkerArgs: &DecodeWorkerArgs) -> anyhow::Result<ExitCode> {
    processor::serve_decoder(None)?;
    Ok(ExitCode::SUCCESS)
}
