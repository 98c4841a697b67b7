//! The events of one segment by itself, for its sidecar.

use std::collections::BTreeMap;

use crate::events::event::{BestView, SegmentEvent};
use crate::events::link::{Placed, Rules, link};
use crate::events::refresh::CAPTIONS;
use crate::events::sighting::{Looked, Sighting};
use crate::segment::time;
use crate::store::rfc3339;
use crate::{Gist, Results};

/// Returns the events as far as they lie in this segment, in order.
pub(crate) fn within(results: &Results) -> rusqlite::Result<Vec<SegmentEvent>> {
    let rules = Rules::of(results.event_gap_s);
    let looked = Looked::of(results, rules)?;
    let placed: Vec<Placed<'_>> = looked.sightings.iter().map(Sighting::placed).collect();
    let links = link(&placed, rules);
    let mut first_of: Vec<usize> = Vec::new();
    let mut events: BTreeMap<usize, (Vec<&Sighting>, bool)> = BTreeMap::new();
    for (number, (sighting, link)) in looked.sightings.iter().zip(links).enumerate() {
        let first = link.previous.map_or(number, |previous| first_of[previous]);
        first_of.push(first);
        events.entry(first).or_insert((Vec::new(), link.still)).0.push(sighting);
    }
    Ok(events.into_values().map(|(sightings, still)| event(&sightings, still)).collect())
}

fn event(sightings: &[&Sighting], still: bool) -> SegmentEvent {
    let mut best = sightings[0];
    for sighting in sightings {
        if sighting.best.rank() > best.best.rank() {
            best = sighting;
        }
    }
    let mut captions: Vec<String> = Vec::new();
    for caption in sightings.iter().flat_map(|s| &s.captions) {
        if captions.len() < CAPTIONS && !captions.contains(caption) {
            captions.push(caption.clone());
        }
    }
    let peak = sightings.iter().map(|s| s.peak).max().unwrap_or(1);
    let (score, area) = best.best.object.unzip();
    SegmentEvent {
        view: best.view.clone(),
        labels: best.label.iter().cloned().collect(),
        start: rfc3339(time(sightings.iter().map(|s| s.from_ms).min().unwrap_or_default())),
        end: rfc3339(time(sightings.iter().map(|s| s.to_ms).max().unwrap_or_default())),
        still,
        peak: if still { 1 } else { peak },
        captions,
        gist: Gist::sum(sightings.iter().filter_map(|s| s.gist.clone())),
        best: BestView { frame: best.best.frame, time: rfc3339(time(best.best.time_ms)), score, area },
    }
}

impl Sighting {
    fn placed(&self) -> Placed<'_> {
        Placed {
            view: &self.view,
            label: self.label.as_deref(),
            from_ms: self.from_ms,
            to_ms: self.to_ms,
            first: self.first.into(),
            last: self.last.into(),
            seen: self.seen.into(),
            area: self.area,
        }
    }
}
