//! nightreel: records IP cameras, looks at the footage off-peak, then moves, archives or deletes it.

mod args;
mod clips;
mod commands;
mod export;
mod failure;
mod hook;
mod logging;
mod open;
mod output;
mod pages;
#[cfg(feature = "process")]
mod progress;
mod runtime;
mod service;
mod signals;
mod snapshots;
#[cfg(feature = "archive")]
mod snapshots_send;
#[cfg(feature = "dashboard")]
mod stills;

use std::process::ExitCode;

use args::{Cli, Command};

/// Tells the recorder what its cameras ask of the memory: see `recorder::NotingAllocator`.
#[global_allocator]
static ALLOCATOR: recorder::NotingAllocator = recorder::NotingAllocator;

fn main() -> ExitCode {
    let cli = Cli::read();
    logging::start(&cli.global);
    run(&cli).unwrap_or_else(|error| failure::print(&error))
}

fn run(Cli { global, command }: &Cli) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(args) => commands::init::run(global, args),
        Command::Config(args) => commands::config::run(global, args),
        Command::Doctor(args) => commands::doctor::run(global, args),
        Command::Run(args) => commands::run::run(global, args),
        Command::Record(args) => commands::record::run(global, args),
        #[cfg(feature = "process")]
        Command::Process(args) => commands::process::run(global, args),
        #[cfg(feature = "process")]
        Command::Batch(args) => commands::batch::run(global, args),
        Command::Retain(args) => commands::retain::run(global, args),
        #[cfg(feature = "archive")]
        Command::Archive(args) => commands::archive::run(global, args),
        #[cfg(feature = "archive")]
        Command::Restore(args) => commands::restore::run(global, args),
        Command::Status(args) => commands::status::run(global, args),
        #[cfg(feature = "process")]
        Command::DecodeWorker(args) => commands::decode_worker::run(args),
        #[cfg(feature = "process")]
        Command::Frames(args) => commands::frames::run(args),
        #[cfg(feature = "process")]
        Command::Live(args) => commands::live::run(global, args),
        #[cfg(feature = "process")]
        Command::View(args) => commands::view::run(global, args),
        Command::Clip(args) => commands::clip::run(global, args),
        Command::Coverage(args) => commands::coverage::run(global, args),
        Command::Estimate(args) => commands::estimate::run(global, args),
        #[cfg(feature = "dashboard")]
        Command::Report(args) => commands::report::run(global, args),
        #[cfg(feature = "dashboard")]
        Command::Serve(args) => commands::serve::run(global, args),
        Command::Events(args) => commands::events::run(global, args),
        Command::Export(args) => commands::export::run(global, args),
        Command::Search(args) => commands::search::run(global, args),
        Command::Ledger(args) => commands::ledger::run(global, args),
        Command::Pause(args) => commands::pause::pause(global, args),
        Command::Resume(args) => commands::pause::resume(global, args),
        Command::Queue(args) => commands::queue::run(global, args),
        Command::Hold(args) => commands::hold::run(global, args),
        Command::Why(args) => commands::why::run(global, args),
        Command::Rebuild(args) => commands::rebuild::run(global, args),
        Command::Verify(args) => commands::verify::run(global, args),
        Command::Completions(args) => commands::completions::run(args),
    }
}
