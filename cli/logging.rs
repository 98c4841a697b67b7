//! The log on stderr: how much, in which form, and out of the way of progress bars.

use std::io::IsTerminal;

use clap::ColorChoice;
use tracing_indicatif::IndicatifLayer;
use tracing_indicatif::filter::IndicatifFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::args::Global;

/// Takes the place of the flags: `NIGHTREEL_LOG=nightreel_recorder=trace`.
const VARIABLE: &str = "NIGHTREEL_LOG";

/// `async_openai` logs whole answers that it cannot parse, and with them what the camera saw.
const OTHERS: &str = "warn,async_openai=off,retina=error";

/// Begins to log. Call it once.
pub(crate) fn start(global: &Global) {
    let bars = IndicatifLayer::new();
    let lines = tracing_subscriber::fmt::layer().with_writer(bars.get_stderr_writer());
    let lines = match global.log_json {
        true => lines.json().boxed(),
        // The journal writes down the time itself.
        false if is_journal() => lines.with_ansi(false).without_time().boxed(),
        false => lines.with_ansi(is_coloured(global.color)).boxed(),
    };
    let bars = (!global.no_progress).then(|| bars.with_filter(IndicatifFilter::new(false)));
    tracing_subscriber::registry().with(lines.with_filter(filter(global))).with(bars).init();
}

fn filter(global: &Global) -> EnvFilter {
    let own = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "info",
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    let flags = || EnvFilter::new(format!("{OTHERS},nightreel={own}"));
    std::env::var(VARIABLE).map_or_else(|_| flags(), |text| EnvFilter::new(format!("{OTHERS},{text}")))
}

fn is_journal() -> bool {
    std::env::var_os("JOURNAL_STREAM").is_some() && !std::io::stderr().is_terminal()
}

fn is_coloured(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        }
    }
}
