//! A plan as `retain` prints it: entry by entry while it is made, since there may be millions.

use anyhow::Context;
use retention::{Entry, Guarded, RuleTotals, Tally, Totals, Verdict, in_words};
use serde::Serialize;

use crate::output;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    /// Every segment.
    All,
    /// What is kept only as a sum.
    Changes,
}

/// The end of the object of `retain --json`.
#[derive(Serialize)]
struct TotalsLine<'a> {
    keep: Tally,
    r#move: Tally,
    archive: Tally,
    delete: Tally,
    for_floor: Tally,
    withheld: Tally,
    by_rule: &'a [RuleTotals],
    disk: DiskLine,
    /// What somebody should agree to first, by `--yes`.
    guarded: Option<&'a Guarded>,
}

#[derive(Serialize)]
struct DiskLine {
    total_bytes: u64,
    free_bytes: u64,
    free_bytes_afterwards: u64,
    /// What is used and is not footage of the catalogue.
    other_bytes: u64,
    /// What `retention.min_free_gb` still lacks afterwards.
    shortfall_bytes: u64,
}

pub(super) struct PlanPrinter {
    form: Form,
    buffer: String,
    entries: u64,
    failure: Option<anyhow::Error>,
}

impl PlanPrinter {
    pub(super) fn new(form: Form) -> Self {
        let buffer = if form == Form::Json { "{\"plan\":[".to_owned() } else { String::new() };
        Self { form, buffer, entries: 0, failure: None }
    }

    /// Prints an entry. A failure is told of at the end.
    pub(super) fn entry(&mut self, entry: &Entry) {
        if self.failure.is_none() {
            self.failure = self.try_entry(entry).err();
        }
    }

    pub(super) fn finish(mut self, totals: &Totals, guarded: Option<&Guarded>) -> anyhow::Result<()> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        match self.form {
            Form::Json => {
                self.buffer.push_str("],\"totals\":");
                self.buffer.push_str(&json(&TotalsLine::of(totals, guarded))?);
                self.buffer.push_str("}\n");
            }
            Form::All | Form::Changes => self.summarise(totals, guarded),
        }
        output::bytes(self.buffer.as_bytes())
    }

    fn try_entry(&mut self, entry: &Entry) -> anyhow::Result<()> {
        match self.form {
            Form::Json => {
                if self.entries > 0 {
                    self.buffer.push(',');
                }
                self.buffer.push_str(&json(entry)?);
            }
            Form::Changes if entry.verdict == Verdict::Keep => return Ok(()),
            Form::All | Form::Changes => {
                if self.entries == 0 {
                    self.line(&columns("VERDICT", "FILE", "REASONS"));
                }
                let file = entry.file.display().to_string();
                self.line(&columns(entry.verdict.as_str(), &file, &in_words(&entry.reasons)));
            }
        }
        self.entries += 1;
        if self.buffer.len() > BUFFER {
            output::bytes(std::mem::take(&mut self.buffer).as_bytes())?;
        }
        Ok(())
    }

    fn summarise(&mut self, totals: &Totals, guarded: Option<&Guarded>) {
        if self.entries > 0 {
            self.line("");
        }
        if totals.by_rule.len() > 1 {
            for rule in &totals.by_rule {
                let RuleTotals { rule, keep, move_to_processed, archive, delete } = rule;
                self.line(&format!("{rule}: {}", counts([*keep, *move_to_processed, *archive, *delete])));
            }
        }
        let free = totals.disk.free;
        self.line(&format!(
            "plan: {}; {} free of {}, {} afterwards",
            counts([totals.keep, totals.move_to_processed, totals.archive, totals.delete]),
            output::size(free),
            output::size(totals.disk.total),
            output::size(totals.free_afterwards()),
        ));
        if let Some(guarded) = guarded {
            self.line(&format!("guard: {guarded}"));
        }
    }

    fn line(&mut self, text: &str) {
        self.buffer.push_str(text.trim_end());
        self.buffer.push('\n');
    }
}

impl<'a> TotalsLine<'a> {
    fn of(totals: &'a Totals, guarded: Option<&'a Guarded>) -> Self {
        Self {
            keep: totals.keep,
            r#move: totals.move_to_processed,
            archive: totals.archive,
            delete: totals.delete,
            for_floor: totals.for_floor,
            withheld: totals.withheld,
            by_rule: &totals.by_rule,
            disk: DiskLine {
                total_bytes: totals.disk.total,
                free_bytes: totals.disk.free,
                free_bytes_afterwards: totals.free_afterwards(),
                other_bytes: totals.others(),
                shortfall_bytes: totals.shortfall,
            },
            guarded,
        }
    }
}

/// Of the verdicts in their order.
fn counts([keep, moved, archive, delete]: [Tally; 4]) -> String {
    let archive = match archive.segments {
        0 => String::new(),
        segments => format!("archive {segments} ({}), ", output::size(archive.bytes)),
    };
    format!(
        "keep {} ({}), move {}, {archive}delete {} ({})",
        keep.segments,
        output::size(keep.bytes),
        moved.segments,
        delete.segments,
        output::size(delete.bytes),
    )
}

/// Of fixed width: the widest is not known before the end.
fn columns(verdict: &str, file: &str, reasons: &str) -> String {
    format!("{verdict:<7}  {file:<52}  {reasons}")
}

fn json(value: &impl Serialize) -> anyhow::Result<String> {
    serde_json::to_string(value).context("cannot write JSON")
}
