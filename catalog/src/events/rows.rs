//! Sightings in rows: a segment's own, and those of the segments around it.

use rusqlite::{Row, Transaction, params};

use crate::events::link::{Placed, Rules};
use crate::events::sighting::{Looked, Sighting};
use crate::store::{json, parse};
use crate::{Results, SegmentId};

/// Segments that are looked at on each side of a change, whatever their distance: at night there may be hours
/// between two frames that are worth a look.
const AROUND: usize = 4;

/// A stored sighting, with what decides its links.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) id: i64,
    pub(crate) segment: SegmentId,
    view: String,
    label: Option<String>,
    pub(crate) from_ms: i64,
    to_ms: i64,
    first: u64,
    last: u64,
    seen: u64,
    area: [f32; 4],
    pub(crate) previous: Option<i64>,
    pub(crate) still: bool,
    pub(crate) event: Option<i64>,
    /// Near enough to the change that its link may be another now.
    pub(crate) near: bool,
}

impl Stored {
    pub(crate) fn placed(&self) -> Placed<'_> {
        Placed {
            view: &self.view,
            label: self.label.as_deref(),
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            first: self.first,
            last: self.last,
            seen: self.seen,
            area: self.area,
        }
    }
}

/// A time of one source in which something changed.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) source: String,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// A segment that was looked at, near a change.
#[derive(Clone, Copy, Debug)]
struct Neighbour {
    id: SegmentId,
    from_ms: i64,
    to_ms: i64,
    frames: u64,
}

pub(crate) fn insert(
    t: &Transaction<'_>,
    (id, source, results): (SegmentId, &str, &Results),
    looked: &Looked,
) -> rusqlite::Result<()> {
    t.prepare_cached("INSERT INTO looked VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
        id,
        results.profile.id,
        source,
        looked.from_ms,
        looked.to_ms,
        looked.frames,
        results.event_gap_s,
    ])?;
    looked.sightings.iter().try_for_each(|sighting| insert_sighting(t, id, sighting))
}

fn insert_sighting(t: &Transaction<'_>, id: SegmentId, s: &Sighting) -> rusqlite::Result<()> {
    let (score, area) = s.best.object.unzip();
    let captions = (!s.captions.is_empty()).then(|| json(&s.captions)).transpose()?;
    t.prepare_cached(
        "INSERT INTO sighting (segment_id, view, label, from_ms, to_ms, first, last, seen, area, peak, best_rank,
                               best_frame, best_ms, best_score, best_area, captions, gist)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        id,
        s.view,
        s.label,
        s.from_ms,
        s.to_ms,
        s.first,
        s.last,
        s.seen,
        json(&s.area)?,
        s.peak,
        s.best.rank(),
        s.best.frame,
        s.best.time_ms,
        score,
        area.map(|area| json(&area)).transpose()?,
        captions,
        s.gist.as_ref().map(json).transpose()?,
    ])?;
    Ok(())
}

/// Reads the sightings whose links a change in `span` may touch, and as many around them as decide these links;
/// in order of time.
pub(crate) fn around(t: &Transaction<'_>, span: &Span, rules: Rules) -> rusqlite::Result<Vec<Stored>> {
    let (mut before, after) =
        (neighbours(t, span, (rules, Side::Before))?, neighbours(t, span, (rules, Side::After))?);
    let reach = |n: &Neighbour| (span.from_ms - n.to_ms).max(n.from_ms - span.to_ms) <= rules.reach_ms();
    let near = |side: &[Neighbour]| side.iter().filter(|n| reach(n)).count().max(AROUND);
    let (near_before, near_after) = (near(&before), near(&after));
    let far_before = before.len().saturating_sub(near_before);
    before.reverse();
    let last_near = before.len() + near_after;
    let mut found = Vec::new();
    let mut frames = 0;
    for (number, neighbour) in before.into_iter().chain(after).enumerate() {
        let near = (far_before..last_near).contains(&number);
        read(t, neighbour, &mut found, (frames, near))?;
        frames += neighbour.frames;
    }
    found.sort_by_key(|s: &Stored| (s.from_ms, s.segment.0, s.id));
    Ok(found)
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

/// Lists what was looked at on one side of a span, the nearest first.
fn neighbours(
    t: &Transaction<'_>,
    span: &Span,
    (rules, side): (Rules, Side),
) -> rusqlite::Result<Vec<Neighbour>> {
    let (compare, order) = match side {
        Side::Before => ("<", "DESC"),
        Side::After => (">=", "ASC"),
    };
    let mut statement = t.prepare_cached(&format!(
        "SELECT segment_id, from_ms, to_ms, frames FROM looked
         WHERE source = ?1 AND frames > 0 AND from_ms {compare} ?2 ORDER BY from_ms {order}, segment_id {order}"
    ))?;
    let mut rows = statement.query(params![span.source, span.from_ms])?;
    let mut found = Vec::new();
    let mut beyond = 0;
    while let Some(row) = rows.next()? {
        let neighbour =
            Neighbour { id: row.get(0)?, from_ms: row.get(1)?, to_ms: row.get(2)?, frames: row.get(3)? };
        let distance = (span.from_ms - neighbour.to_ms).max(neighbour.from_ms - span.to_ms);
        beyond += usize::from(distance > 0);
        if distance > 2 * rules.reach_ms() && beyond > 2 * AROUND {
            break;
        }
        found.push(neighbour);
    }
    Ok(found)
}

fn read(
    t: &Transaction<'_>,
    neighbour: Neighbour,
    found: &mut Vec<Stored>,
    (frames, near): (u64, bool),
) -> rusqlite::Result<()> {
    let mut statement = t.prepare_cached(
        "SELECT id, segment_id, view, label, from_ms, to_ms, first, last, seen, area, previous, still, event_id
         FROM sighting WHERE segment_id = ?1 ORDER BY id",
    )?;
    let stored = |row: &Row<'_>| {
        Ok(Stored {
            id: row.get(0)?,
            segment: row.get(1)?,
            view: row.get(2)?,
            label: row.get(3)?,
            from_ms: row.get(4)?,
            to_ms: row.get(5)?,
            first: frames + row.get::<_, u64>(6)?,
            last: frames + row.get::<_, u64>(7)?,
            seen: row.get(8)?,
            area: parse(&row.get::<_, String>(9)?)?,
            previous: row.get(10)?,
            still: row.get(11)?,
            event: row.get(12)?,
            near,
        })
    };
    for row in statement.query_map([neighbour.id], stored)? {
        found.push(row?);
    }
    Ok(())
}
