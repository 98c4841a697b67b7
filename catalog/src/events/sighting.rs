//! Sightings: what one object, at one place of a view, shows in one segment.

use std::collections::BTreeMap;

use crate::events::link::{Rules, overlap};
use crate::store::milliseconds;
use crate::{Gist, Results, ViewResult};

/// Distinct captions that a sighting keeps.
const CAPTIONS: usize = 32;

/// How a segment was looked at, and what was seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Looked {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    /// How many frames were looked at; those that were passed over as unchanged do not count.
    pub(crate) frames: u32,
    /// In the order of their first frames.
    pub(crate) sightings: Vec<Sighting>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sighting {
    pub(crate) view: String,
    /// Absent for what only captions tell of.
    pub(crate) label: Option<String>,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    /// Numbers of the first and the last frame that shows it, among those looked at.
    pub(crate) first: u32,
    pub(crate) last: u32,
    /// How many frames show it.
    pub(crate) seen: u32,
    pub(crate) area: [f32; 4],
    pub(crate) peak: u32,
    pub(crate) best: Best,
    pub(crate) captions: Vec<String>,
    /// Absent where no answer was structured.
    pub(crate) gist: Option<Gist>,
}

/// Where it shows best.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Best {
    pub(crate) frame: u64,
    pub(crate) time_ms: i64,
    pub(crate) object: Option<(f32, [f32; 4])>,
}

impl Best {
    /// Large and certain comes first.
    pub(crate) fn rank(&self) -> f64 {
        self.object.map_or(0.0, |(score, [_, _, width, height])| {
            f64::from(score) * f64::from(width) * f64::from(height)
        })
    }
}

/// One view of one frame that was looked at.
struct Look<'a> {
    frame: u64,
    number: u32,
    time_ms: i64,
    view: &'a ViewResult,
}

impl Looked {
    /// Gathers the sightings of a segment. Fails on a time that is none.
    pub(crate) fn of(results: &Results, rules: Rules) -> rusqlite::Result<Self> {
        let start = milliseconds(&results.segment.start)?;
        let mut gathering = Gathering { rules, open: Vec::new(), done: Vec::new() };
        let mut looked = Self { from_ms: start, to_ms: start, frames: 0, sightings: Vec::new() };
        for sample in results.samples.iter().filter(|sample| !sample.views.is_empty()) {
            let time_ms = milliseconds(&sample.time)?;
            if looked.frames == 0 {
                looked.from_ms = time_ms;
            }
            looked.to_ms = looked.to_ms.max(time_ms);
            for view in &sample.views {
                gathering.look(&Look { frame: sample.frame, number: looked.frames, time_ms, view });
            }
            looked.frames += 1;
        }
        looked.sightings = gathering.finish();
        Ok(looked)
    }
}

struct Gathering {
    rules: Rules,
    open: Vec<Sighting>,
    done: Vec<Sighting>,
}

impl Gathering {
    fn look(&mut self, look: &Look<'_>) {
        self.close_old(look);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for object in &look.view.objects {
            *counts.entry(&object.label).or_default() += 1;
        }
        for object in &look.view.objects {
            let mut seen = Sighting::new(look, Some(&object.label), object.area);
            seen.peak = counts.get(object.label.as_str()).copied().unwrap_or(1);
            seen.best.object = Some((object.score, object.area));
            self.add(seen);
        }
        if look.view.objects.is_empty() && look.view.caption.is_some() {
            self.add(Sighting::new(look, None, [0.0, 0.0, 1.0, 1.0]));
        }
    }

    /// Ends what was not seen for too long to be the same.
    fn close_old(&mut self, look: &Look<'_>) {
        let rules = self.rules;
        let ended = self.open.extract_if(.., |s| {
            let away = look.time_ms - s.to_ms;
            s.view == look.view.view
                && match s.label {
                    Some(_) => {
                        let missed = (look.number - s.last).saturating_sub(1);
                        !rules.stays(away, missed.into(), s.seen.into())
                    }
                    None => away > rules.gap_ms,
                }
        });
        self.done.extend(ended);
    }

    fn add(&mut self, seen: Sighting) {
        let place = |s: &Sighting| match s.label {
            Some(_) => overlap(s.area, seen.area),
            None => 1.0,
        };
        let same = self.open.iter_mut().filter(|s| {
            s.view == seen.view && s.label == seen.label && s.last < seen.first && Rules::is_same(place(s))
        });
        match same.max_by(|a, b| place(a).total_cmp(&place(b))) {
            Some(sighting) => sighting.take(seen),
            None => self.open.push(seen),
        }
    }

    fn finish(mut self) -> Vec<Sighting> {
        self.done.append(&mut self.open);
        self.done.sort_by_key(|s| s.first);
        self.done
    }
}

impl Sighting {
    fn new(look: &Look<'_>, label: Option<&str>, area: [f32; 4]) -> Self {
        Self {
            view: look.view.view.clone(),
            label: label.map(str::to_owned),
            from_ms: look.time_ms,
            to_ms: look.time_ms,
            first: look.number,
            last: look.number,
            seen: 1,
            area,
            peak: 1,
            best: Best { frame: look.frame, time_ms: look.time_ms, object: None },
            captions: look.view.caption.iter().cloned().collect(),
            gist: look.view.description.as_ref().map(Gist::of),
        }
    }

    /// Takes in the next frame that shows it; its place is the average, since boxes tremble.
    fn take(&mut self, seen: Self) {
        self.seen += 1;
        for (side, new) in self.area.iter_mut().zip(seen.area) {
            *side += (new - *side) / self.seen as f32;
        }
        (self.to_ms, self.last) = (seen.to_ms, seen.last);
        self.peak = self.peak.max(seen.peak);
        if seen.best.rank() > self.best.rank() {
            self.best = seen.best;
        }
        self.gist = Gist::sum(self.gist.take().into_iter().chain(seen.gist));
        for caption in seen.captions {
            if self.captions.len() < CAPTIONS && !self.captions.contains(&caption) {
                self.captions.push(caption);
            }
        }
    }
}
