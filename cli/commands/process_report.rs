//! What `process` says: a line per file, a bar on a terminal, and the sums at the end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog::Results;
use processor::{Event, Tally, WaitReason};

use crate::output;
use crate::progress::Progress;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line per file on stdout, then the sums.
    Text,
    /// The sums alone, on one line.
    Json,
    /// Everything into the log: there is no end to sum up at.
    Log,
}

/// Hears the events of a run from its workers' threads.
#[derive(Debug)]
pub(crate) struct Report {
    form: Form,
    tally: Mutex<Tally>,
    progress: Progress,
}

impl Report {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, tally: Mutex::default(), progress: Progress::start("segments") }
    }

    pub(crate) fn hear(&self, event: &Event<'_>) {
        self.tally().add(event);
        match event {
            Event::Backlog(waiting) => self.progress.expect(*waiting),
            Event::Processed { file, results } => self.say_done(file, results),
            Event::Skipped { file } => tracing::debug!(file = %file.display(), "done before"),
            Event::Failed { file, reason } => {
                self.progress.one_more();
                tracing::warn!(file = %file.display(), reason, "cannot be processed");
            }
            Event::GivenBack { file, reason } => {
                tracing::info!(file = %file.display(), reason, "put off");
            }
            Event::Urgent(urgency) => {
                tracing::info!(
                    because_of = urgency.key(),
                    "the window is closed, and work goes on: it is urgent"
                );
            }
            Event::Waiting { reason: reason @ WaitReason::Paused, .. } => {
                tracing::info!(why = waiting_for(*reason), "waiting");
            }
            Event::Waiting { until, reason } => {
                tracing::info!(until = %until.format("%Y-%m-%d %H:%M UTC"), why = waiting_for(*reason), "waiting");
            }
        }
    }

    fn say_done(&self, file: &Path, results: &Results) {
        self.progress.one_more();
        let seen = seen(results);
        match self.form {
            Form::Text => {
                let looked_at =
                    results.gate.map(|gate| format!(", {} looked at", gate.kept)).unwrap_or_default();
                let line =
                    format!("{}: {} samples{looked_at}, {seen}", file.display(), results.samples.len());
                if let Err(error) = output::line(line) {
                    tracing::warn!(%error, "results are on the disk, but cannot be told");
                }
            }
            Form::Json | Form::Log => tracing::debug!(file = %file.display(), seen, "processed"),
        }
    }

    /// Counts as failed what was put off.
    pub(crate) fn fail_waiting(&self) {
        self.tally().fail_waiting();
    }

    /// Prints the sums and returns the exit code: 1 when any file failed.
    pub(crate) fn end(&self) -> anyhow::Result<ExitCode> {
        let tally = self.tally();
        match self.form {
            Form::Json => output::json(&*tally)?,
            Form::Text => output::bytes(sums(&tally).as_bytes())?,
            Form::Log => {}
        }
        Ok(if tally.segments.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn waiting_for(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::WindowClosed => "the window is closed; `--now` ignores it",
        WaitReason::Paused => "it is paused; `nightreel resume` goes on",
        WaitReason::CapReached => {
            "what the day may cost is used up; see `vision.max_calls_per_day` and its kin"
        }
        WaitReason::VisionUnavailable => "the vision model cannot be asked; see `nightreel doctor`",
    }
}

fn seen(results: &Results) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for object in results.objects() {
        *counts.entry(&object.label).or_default() += 1;
    }
    listed(counts.into_iter())
}

fn listed<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(label, count)| (std::cmp::Reverse(*count), *label));
    match counts.is_empty() {
        true => "nothing seen".to_owned(),
        false => {
            counts.iter().map(|(label, count)| format!("{count} {label}")).collect::<Vec<_>>().join(", ")
        }
    }
}

fn sums(tally: &Tally) -> String {
    let segments = tally.segments;
    let mut text = format!(
        "\n{} processed, {} done before, {} failed; {} samples; {}\n",
        segments.processed,
        segments.skipped,
        segments.failed,
        tally.samples,
        listed(tally.objects.iter().map(|(label, count)| (label.as_str(), *count))),
    );
    // Writing to a `String` cannot fail.
    if tally.calls > 0 {
        let _ = writeln!(text, "{} vision calls, ${:.4}", tally.calls, tally.cost_usd);
    }
    for failure in &tally.failures {
        let _ = writeln!(text, "failed: {}: {}", failure.file, failure.reason);
    }
    if !tally.waiting.is_empty() {
        let _ = writeln!(text, "{} put off for later", tally.waiting.len());
    }
    text
}
