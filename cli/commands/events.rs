//! `events`: what was seen, told by object and time.

use std::path::PathBuf;
use std::process::ExitCode;

use catalog::{Clock, Event, EventFilter, When};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::Args;
use config::Settings;

use crate::args::Global;
use crate::open::Seen;
use crate::output;

/// Show the events of processed footage: what was seen, from when to when.
///
/// What passes with one label is one event until it was not seen for `events.gap_seconds`. An object that stays at
/// its place is one event of its own, however long: the parked car is told once, and the one that comes at night
/// is another.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel events --from yesterday\n  \
    nightreel events --camera gate --label person --from 22:00 --to 23:00\n  \
    nightreel events --notable --from yesterday\n  \
    nightreel events --path ~/old-footage\n  \
    nightreel events --json | jq -r '.captions[]'")]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) wanted: Wanted,

    /// Show the newest N of them; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,

    /// Print one object per event and line; see docs/results.md.
    #[arg(long)]
    json: bool,
}

/// Which events are wanted: flags that `search` has too.
#[derive(Args, Debug)]
pub(crate) struct Wanted {
    /// Only events after this: 2026-11-22, 2026-11-22T22:00, today, "yesterday 22:00", 22:00, or 2h ago as 2h.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Only events before this; a day counts to its end.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// Only events of this camera; may be given more than once.
    #[arg(long, value_name = "ID")]
    camera: Vec<String>,

    /// Only events of this label, such as person; may be given more than once.
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,

    /// Only events that the vision model calls notable.
    #[arg(long)]
    notable: bool,

    /// Only events in this file or folder, which was named to `nightreel process`; may be given more than once.
    #[arg(long, value_name = "PATH", conflicts_with = "camera")]
    path: Vec<PathBuf>,
}

impl Wanted {
    pub(crate) fn open(&self, global: &Global) -> anyhow::Result<Seen> {
        Seen::open(global, &self.path)
    }

    pub(crate) fn filter(&self, seen: &Seen, limit: Option<u32>) -> anyhow::Result<EventFilter> {
        let [from, to] = seen.when().span(self.from.as_deref(), self.to.as_deref())?;
        let (cameras, labels, paths) = (self.camera.clone(), self.label.clone(), seen.paths.clone());
        Ok(EventFilter { from, to, cameras, labels, notable_only: self.notable, paths, limit })
    }
}

/// Times are read and shown in the zone of the windows.
pub(crate) fn when(store: &crate::open::Store) -> When {
    when_in(&store.settings, &store.clock)
}

fn when_in(settings: &Settings, clock: &Clock) -> When {
    When { now: clock.now(), zone: settings.process.windows.zone() }
}

impl Seen {
    pub(crate) fn when(&self) -> When {
        when_in(&self.settings, &self.clock)
    }
}

pub(crate) fn run(global: &Global, args: &EventsArgs) -> anyhow::Result<ExitCode> {
    let seen = args.wanted.open(global)?;
    let limit = (args.limit > 0).then_some(args.limit);
    let events = seen.catalog.events(&args.wanted.filter(&seen, limit)?)?;
    match args.json {
        true => events.iter().try_for_each(output::json)?,
        false => {
            let zone = seen.when().zone;
            let rows: Vec<_> = events.iter().map(|event| row(event, (zone, said(event)))).collect();
            output::table(&HEAD, &rows)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) const HEAD: [&str; 7] = ["START", "LENGTH", "CAMERA", "VIEW", "WHAT", "MOST", "SAID"];

/// One line of the table, with the words at its end.
pub(crate) fn row(event: &Event, (zone, words): (Tz, String)) -> Vec<String> {
    let what = &event.what;
    let time = |text: &str| text.parse::<DateTime<Utc>>().ok();
    let (start, end) = (time(&what.start), time(&what.end));
    let length = start.zip(end).map_or(0.0, |(start, end)| (end - start).as_seconds_f64());
    let label = what.labels.first().map_or("-", String::as_str);
    vec![
        start.map_or_else(String::new, |start| local(start, zone)),
        output::time_span(length),
        event.camera.clone().unwrap_or_else(|| event.file.clone()),
        what.view.clone(),
        if what.still { format!("{label}, still") } else { label.to_owned() },
        if what.labels.is_empty() { "-".to_owned() } else { what.peak.to_string() },
        words,
    ]
}

/// Of what is notable the reason counts.
fn said(event: &Event) -> String {
    let gist = event.what.gist.as_ref().filter(|gist| gist.notable);
    let reason = gist.and_then(|gist| gist.reasons.first()).map(|reason| format!("! {reason}"));
    let first = reason.as_deref().or(event.what.captions.first().map(String::as_str));
    one_line(first.unwrap_or("-"), 60)
}

/// Says when it was, in a zone.
pub(crate) fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Cuts text to what a line of a table takes.
pub(crate) fn one_line(text: &str, length: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
