//! Settling: after a segment's sightings have changed, those near it are linked anew and their events follow.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, Transaction, params};

use crate::events::link::{Link, Placed, Rules, link};
use crate::events::refresh::refresh;
use crate::events::rows::{self, Span, Stored};
use crate::events::sighting::Looked;
use crate::segment::PathText;
use crate::{Results, SegmentId};

/// Puts a segment's newest results in the place of what was known of it.
pub(crate) fn replace(t: &Transaction<'_>, id: SegmentId, results: &Results) -> rusqlite::Result<()> {
    let rules = Rules::of(results.event_gap_s);
    let mut changed = BTreeSet::new();
    if let Some(span) = take_out(t, id, &mut changed)? {
        settle(t, &span, (rules, &mut changed))?;
    }
    let looked = Looked::of(results, rules)?;
    let source = source_of(t, id)?;
    rows::insert(t, (id, &source, results), &looked)?;
    let span = Span { source, from_ms: looked.from_ms, to_ms: looked.to_ms };
    if looked.frames > 0 {
        settle(t, &span, (rules, &mut changed))?;
    }
    changed.into_iter().try_for_each(|event| refresh(t, event))
}

/// Footage of one camera belongs together; a file that was named stands alone.
fn source_of(t: &Transaction<'_>, id: SegmentId) -> rusqlite::Result<String> {
    t.prepare_cached("SELECT camera, path FROM segment WHERE id = ?1")?.query_row([id], |row| {
        let (camera, path): (Option<String>, PathText) = (row.get(0)?, row.get(1)?);
        Ok(camera.unwrap_or_else(|| path.0.display().to_string()))
    })
}

fn take_out(
    t: &Transaction<'_>,
    id: SegmentId,
    changed: &mut BTreeSet<i64>,
) -> rusqlite::Result<Option<Span>> {
    let mut events = t.prepare_cached("SELECT DISTINCT event_id FROM sighting WHERE segment_id = ?1")?;
    for event in events.query_map([id], |row| row.get::<_, Option<i64>>(0))? {
        changed.extend(event?);
    }
    t.prepare_cached("DELETE FROM sighting WHERE segment_id = ?1")?.execute([id])?;
    t.prepare_cached("DELETE FROM looked WHERE segment_id = ?1 RETURNING source, from_ms, to_ms")?
        .query_row([id], |row| Ok(Span { source: row.get(0)?, from_ms: row.get(1)?, to_ms: row.get(2)? }))
        .optional()
}

/// Links what is near the span, and moves sightings to the events that this makes.
fn settle(
    t: &Transaction<'_>,
    span: &Span,
    (rules, changed): (Rules, &mut BTreeSet<i64>),
) -> rusqlite::Result<()> {
    let sightings = rows::around(t, span, rules)?;
    let placed: Vec<Placed<'_>> = sightings.iter().map(Stored::placed).collect();
    let links = link(&placed, rules);
    let events = choose_events(t, &sightings, &links)?;
    let moved: Vec<usize> = (0..sightings.len())
        .filter(|&n| sightings[n].near && sightings[n].event != Some(events[n]))
        .collect();
    let near: BTreeSet<i64> = sightings.iter().filter(|s| s.near).map(|s| s.id).collect();
    for &number in &moved {
        for former in bring_followers(t, &sightings[number], (events[number], &near))? {
            changed.insert(former);
        }
        changed.extend(sightings[number].event);
        changed.insert(events[number]);
    }
    let mut update =
        t.prepare_cached("UPDATE sighting SET previous = ?2, still = ?3, event_id = ?4 WHERE id = ?1")?;
    for (number, sighting) in sightings.iter().enumerate().filter(|(_, s)| s.near) {
        let link = links[number];
        let previous = link.previous.map(|p| sightings[p].id);
        if previous != sighting.previous || link.still != sighting.still {
            changed.insert(events[number]);
        } else if moved.is_empty() {
            continue;
        }
        // What went with the followers above comes back here.
        update.execute(params![sighting.id, previous, link.still, events[number]])?;
    }
    Ok(())
}

/// Says for each sighting which event it belongs to: that of the one it follows, or one of its own.
fn choose_events(t: &Transaction<'_>, sightings: &[Stored], links: &[Link]) -> rusqlite::Result<Vec<i64>> {
    let mut taken = begun_before(t, sightings)?;
    taken.extend(sightings.iter().filter(|s| !s.near).filter_map(|s| s.event));
    let mut events: Vec<i64> = Vec::with_capacity(sightings.len());
    for (sighting, link) in sightings.iter().zip(links) {
        let event = match (sighting.near, sighting.event, link.previous) {
            (false, Some(event), _) => event,
            (_, _, Some(previous)) => events[previous],
            (_, Some(event), None) if taken.insert(event) => event,
            _ => new_event(t, sighting)?,
        };
        events.push(event);
    }
    Ok(events)
}

/// Lists the events of these sightings that have others before them: no sighting here begins one of them.
fn begun_before(t: &Transaction<'_>, sightings: &[Stored]) -> rusqlite::Result<BTreeSet<i64>> {
    let mut first: BTreeMap<i64, i64> = BTreeMap::new();
    for sighting in sightings.iter().filter(|s| s.near) {
        if let Some(event) = sighting.event {
            first.entry(event).or_insert(sighting.from_ms);
        }
    }
    let mut earlier = t.prepare_cached("SELECT 1 FROM sighting WHERE event_id = ?1 AND from_ms < ?2")?;
    let mut begun = BTreeSet::new();
    for (event, from_ms) in first {
        if earlier.exists(params![event, from_ms])? {
            begun.insert(event);
        }
    }
    Ok(begun)
}

/// Makes an empty event, which `refresh` fills.
fn new_event(t: &Transaction<'_>, sighting: &Stored) -> rusqlite::Result<i64> {
    t.prepare_cached(
        "INSERT INTO event (view, start_ms, end_ms, still, peak, segment_id, frame, best_ms, captions)
         VALUES ('', ?2, ?2, 0, 0, ?1, 0, 0, '[]')",
    )?
    .execute(params![sighting.segment, sighting.from_ms])?;
    Ok(t.last_insert_rowid())
}

/// What follows a sighting and is too far away to be linked anew goes with it, to the end of its event. Returns the
/// events that it leaves.
fn bring_followers(
    t: &Transaction<'_>,
    sighting: &Stored,
    (event, near): (i64, &BTreeSet<i64>),
) -> rusqlite::Result<Vec<i64>> {
    let mut followers = t.prepare_cached(
        "SELECT id, event_id, from_ms FROM sighting WHERE previous = ?1 AND event_id <> ?2",
    )?;
    let mut followers = followers
        .query_map(params![sighting.id, event], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<Vec<(i64, i64, i64)>>>()?;
    followers.retain(|(id, ..)| !near.contains(id));
    let mut bring =
        t.prepare_cached("UPDATE sighting SET event_id = ?3 WHERE event_id = ?1 AND from_ms >= ?2")?;
    for (_, former, from_ms) in &followers {
        bring.execute(params![former, from_ms, event])?;
    }
    Ok(followers.into_iter().map(|(_, former, _)| former).collect())
}
