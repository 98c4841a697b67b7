//! Refreshing: the row of an event, and the text that search finds it by, made from its sightings.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::Gist;
use crate::store::{json, parse};

/// Distinct captions that an event keeps, and that search finds it by.
pub(crate) const CAPTIONS: usize = 200;

/// What an event's sightings say together.
struct Sum {
    start_ms: i64,
    end_ms: i64,
    peak: u32,
    still: bool,
}

/// Brings an event up to its sightings; one without any goes.
pub(crate) fn refresh(t: &Transaction<'_>, event: i64) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM event_text WHERE rowid = ?1")?.execute([event])?;
    let Some(sum) = sum(t, event)? else {
        t.prepare_cached("DELETE FROM event WHERE id = ?1")?.execute([event])?;
        return Ok(());
    };
    let (captions, gist) = (captions(t, event)?, gist(t, event)?);
    t.prepare_cached(
        "UPDATE event SET camera = best.camera, view = best.view, label = best.label, start_ms = ?2, end_ms = ?3,
            still = ?4, peak = ?5, segment_id = best.segment_id, frame = best.best_frame, best_ms = best.best_ms,
            score = best.best_score, area = best.best_area, captions = ?6,
            gist = ?7, notable = ?8
         FROM (SELECT s.*, g.camera FROM sighting s JOIN segment g ON g.id = s.segment_id WHERE s.event_id = ?1
               ORDER BY s.best_rank DESC, s.from_ms, s.segment_id, s.id LIMIT 1) AS best
         WHERE event.id = ?1",
    )?
    .execute(params![
        event,
        sum.start_ms,
        sum.end_ms,
        sum.still,
        sum.peak,
        json(&captions)?,
        gist.as_ref().map(json).transpose()?,
        gist.as_ref().is_some_and(|gist| gist.notable),
    ])?;
    t.prepare_cached(
        "INSERT INTO event_text (rowid, labels, captions, camera, view, tags)
         SELECT id, label, ?2, camera, view, ?3 FROM event WHERE id = ?1",
    )?
    .execute(params![event, captions.join("\n"), gist.map(|gist| gist.words())])?;
    Ok(())
}

/// One object that stays is one object, whatever else passes in front of it.
fn sum(t: &Transaction<'_>, event: i64) -> rusqlite::Result<Option<Sum>> {
    t.prepare_cached(
        "SELECT min(from_ms), max(to_ms), max(peak), max(still) FROM sighting WHERE event_id = ?1
         HAVING count(*) > 0",
    )?
    .query_row([event], |row| {
        let (peak, still): (u32, bool) = (row.get(2)?, row.get(3)?);
        let peak = if still { 1 } else { peak };
        Ok(Sum { start_ms: row.get(0)?, end_ms: row.get(1)?, peak, still })
    })
    .optional()
}

fn captions(t: &Transaction<'_>, event: i64) -> rusqlite::Result<Vec<String>> {
    let mut statement = t.prepare_cached(
        "SELECT captions FROM sighting WHERE event_id = ?1 AND captions IS NOT NULL ORDER BY from_ms, segment_id, id",
    )?;
    let mut rows = statement.query([event])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        for caption in parse::<Vec<String>>(&row.get::<_, String>(0)?)? {
            if all.len() < CAPTIONS && !all.contains(&caption) {
                all.push(caption);
            }
        }
    }
    Ok(all)
}

fn gist(t: &Transaction<'_>, event: i64) -> rusqlite::Result<Option<Gist>> {
    let gists: Vec<String> = t
        .prepare_cached(
            "SELECT gist FROM sighting WHERE event_id = ?1 AND gist IS NOT NULL ORDER BY from_ms, segment_id, id",
        )?
        .query_map([event], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Gist::sum(gists.iter().map(|gist| parse(gist)).collect::<rusqlite::Result<Vec<_>>>()?))
}
