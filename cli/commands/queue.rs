//! `queue`: what was given up, and what to do about it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use catalog::{DeadLetter, Queue, Segment, SqliteQueue};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::args::Global;
use crate::open::{self, Store};
use crate::output;

/// List, retry or forget the segments that were given up.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel queue list\n  \
    nightreel queue requeue 17 gate/failed/segment_20261122_220000.mp4\n  \
    nightreel queue requeue --all      after a new version, say\n  \
    nightreel queue drop 17            forget the work; the file stays where it is")]
pub(crate) struct QueueArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the dead letters: what was given up, with the reason.
    List {
        /// Print one object per line.
        #[arg(long)]
        json: bool,
    },
    /// Move dead letters out of failed/ and put them back into the queue, from the first attempt on.
    Requeue(Which),
    /// Forget the work on dead letters; the files stay where they are.
    Drop(Which),
}

#[derive(Args, Debug)]
struct Which {
    /// Ids, or paths relative to the root, as `queue list` prints them.
    #[arg(required_unless_present = "all")]
    segments: Vec<String>,
    /// All dead letters.
    #[arg(long, conflicts_with = "segments")]
    all: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(global: &Global, args: &QueueArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let queue = SqliteQueue::new(store.catalog.clone(), store.settings.process.max_attempts);
    let dead = DeadLetters { store: &store, queue: &queue };
    match &args.action {
        Action::List { json } => dead.list(*json)?,
        Action::Requeue(which) => dead.each(which, "requeued", |segment| {
            // back where it came from, and into the queue
            Ok(store.media().release(segment.id)?)
        })?,
        Action::Drop(which) => dead.each(which, "dropped", |segment| {
            store.catalog.drop_job(segment.id)?;
            Ok(segment.path.clone())
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

struct DeadLetters<'a> {
    store: &'a Store,
    queue: &'a SqliteQueue,
}

impl DeadLetters<'_> {
    fn list(&self, json: bool) -> anyhow::Result<()> {
        let dead = self.queue.dead()?;
        if json {
            return dead.iter().try_for_each(|letter| output::json(&object(letter)));
        }
        if dead.is_empty() {
            return output::line("nothing was given up");
        }
        output::table(&["ID", "FILE", "TRIED", "REASON"], &dead.iter().map(row).collect::<Vec<_>>())
    }

    /// Does the same to all that were chosen, and says so.
    fn each(
        &self,
        which: &Which,
        done: &str,
        carry_out: impl Fn(&Segment) -> anyhow::Result<PathBuf>,
    ) -> anyhow::Result<()> {
        for segment in self.chosen(which)? {
            let (path, would_be) = match which.dry_run {
                true => (segment.path, "would be "),
                false => (carry_out(&segment)?, ""),
            };
            output::line(format!("{would_be}{done}: {}", path.display()))?;
        }
        Ok(())
    }

    fn chosen(&self, which: &Which) -> anyhow::Result<Vec<Segment>> {
        let dead: Vec<Segment> = self.queue.dead()?.into_iter().map(|letter| letter.segment).collect();
        if which.all {
            return Ok(dead);
        }
        let one = |typed: &String| {
            let found = self.store.catalog.find_segment(typed)?;
            found.filter(|segment| dead.iter().any(|d| d.id == segment.id)).with_context(|| {
                format!(
                    "`{typed}` is not among what was given up; `nightreel queue list` prints ids and paths"
                )
            })
        };
        which.segments.iter().map(one).collect()
    }
}

fn object(letter: &DeadLetter) -> Value {
    let segment = &letter.segment;
    json!({
        "id": segment.id,
        "camera": segment.camera,
        "file": segment.path,
        "start": segment.start,
        "attempts": letter.attempts,
        "reason": letter.reason,
    })
}

fn row(letter: &DeadLetter) -> Vec<String> {
    let segment = &letter.segment;
    let (id, path) = (segment.id.to_string(), segment.path.display().to_string());
    vec![id, path, letter.attempts.to_string(), letter.reason.clone()]
}
