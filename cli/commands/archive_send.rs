//! Sending what a plan wants archived, and saying what became of it.

use std::sync::Arc;

use retention::Due;
use retention::archive::{ArchiveError, Archiver, Ending, Sent};

use crate::open::Store;
use crate::output;

/// Sends what is due, and says so where it is to be `told`. Returns whether all of it went well.
pub(crate) fn send(store: &Store, due: &Due, told: bool) -> anyhow::Result<bool> {
    let Some(sent) = pass(store, due, &(Arc::new(|| false) as Ending)) else { return Ok(true) };
    let sent = sent?;
    if told && let Some(text) = text(&sent) {
        output::line(text)?;
    }
    Ok(sent.failed == 0)
}

/// Says what a run would delete in the archive; asks it nothing.
pub(crate) fn foretell(store: &Store) -> anyhow::Result<()> {
    let Some(settings) = &store.settings.archive else { return Ok(()) };
    let expired = retention::archive::expired(&store.catalog, settings, &store.clock)?;
    let bytes = expired.iter().map(|bundle| bundle.size).sum();
    match expired.len() {
        0 => Ok(()),
        count => output::line(format!("archive: delete {count} bundles there ({})", output::size(bytes))),
    }
}

/// As [`send`], for a program that stays: the next pass tries again.
pub(crate) fn send_beside(store: &Store, due: &Due, is_ending: &Ending) {
    match pass(store, due, is_ending) {
        Some(Err(ArchiveError::Ended)) => {}
        Some(Err(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot archive, footage stays where it is"
            );
        }
        Some(Ok(sent)) if sent.bundles > 0 => {
            tracing::info!(
                bundles = sent.bundles,
                segments = sent.archived.segments,
                freed_bytes = sent.freed.bytes,
                failed = sent.failed,
                "archived"
            );
        }
        Some(Ok(_)) | None => {}
    }
}

/// Nothing without an archive in the settings.
fn pass(store: &Store, due: &Due, is_ending: &Ending) -> Option<Result<Sent, ArchiveError>> {
    let archiver = Archiver {
        media: &store.media(),
        settings: store.settings.archive.as_ref()?,
        policy: &store.settings.retention,
        clock: &store.clock,
    };
    Some(archiver.pass(due, is_ending))
}

fn text(sent: &Sent) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(why) = sent.waits {
        parts.push(format!("nothing is sent now: {why}"));
    }
    if sent.bundles > 0 {
        let archived = format!("{} segments in {} bundles", sent.archived.segments, sent.bundles);
        parts.push(format!("{archived} ({} freed)", output::size(sent.freed.bytes)));
    }
    if sent.expired.segments > 0 {
        let (segments, bytes) = (sent.expired.segments, output::size(sent.expired.bytes));
        parts.push(format!("deleted {segments} segments there for their age ({bytes})"));
    }
    if sent.unripe > 0 {
        parts.push(format!("{} hours wait to be over and looked at", sent.unripe));
    }
    if sent.failed > 0 {
        parts.push(format!("failed {}; see the log", sent.failed));
    }
    (!parts.is_empty()).then(|| format!("archive: {}", parts.join(", ")))
}
