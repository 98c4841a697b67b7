//! `search`: events by words.

use std::process::ExitCode;

use clap::Args;

use crate::args::Global;
use crate::commands::events::{self, Wanted};
use crate::output;

/// Search the events by what was seen and said in them.
///
/// Looks through captions, tags, labels, cameras and views, newest first. The last word may be the beginning of one.
/// Signs have no meaning: what is typed is words. Where no event has all of them, those with some are shown.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel search person at the gate\n  \
    nightreel search \"red van\" --from yesterday --camera gate\n  \
    nightreel search parcel --path ~/old-footage\n  \
    nightreel search parcel --json | jq -r '.file'")]
pub(crate) struct SearchArgs {
    /// What to look for.
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,

    #[command(flatten)]
    wanted: Wanted,

    /// Show at most N events.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,

    /// Print one object per event and line, with a `snippet`; see docs/results.md.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(global: &Global, args: &SearchArgs) -> anyhow::Result<ExitCode> {
    let seen = args.wanted.open(global)?;
    let filter = args.wanted.filter(&seen, Some(args.limit.max(1)))?;
    let found = seen.catalog.search(&args.words.join(" "), &filter)?;
    if found.hits.is_empty() {
        tracing::warn!("no event was found; `nightreel status` shows whether footage waits to be processed");
    } else if !found.all_words {
        tracing::warn!("no event has all these words; those below have some of them");
    }
    if args.json {
        found.hits.iter().try_for_each(output::json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let zone = seen.when().zone;
    let row = |hit: &catalog::Hit| events::row(&hit.event, (zone, events::one_line(&hit.snippet, 90)));
    if !found.hits.is_empty() {
        output::table(&events::HEAD, &found.hits.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(ExitCode::SUCCESS)
}
