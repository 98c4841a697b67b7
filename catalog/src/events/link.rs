//! Links: which sighting follows which. A pure function over the sightings of one camera, in order.
//!
//! What stays at the same place for longer than the gap is still: each such object is an event of its own, however
//! long it stays. The rest is passing: what passes with one label in one view is one event until nothing of it was
//! seen for the gap. So a parked car is one event, and the car that comes at night is another.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Boxes that share this much of their union are at the same place.
const SAME_PLACE: f32 = 0.5;

/// Frames in which an object at its place may be missed before it counts as gone; where few frames are looked at,
/// as of a quiet night, this counts and not the time.
const MISSED: u64 = 2;

/// Frames in which it may be missed for each that showed it.
const MISSED_PER_SEEN: u64 = 4;

/// When an event is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) gap_ms: i64,
}

impl Rules {
    pub(crate) fn of(gap_s: u32) -> Self {
        Self { gap_ms: i64::from(gap_s.max(1)) * 1000 }
    }

    /// Tells whether an object that was not seen for so long, and missed in so many frames, may still be there.
    /// Detectors lose what stands still now and then, for up to twice the gap; what was seen in a frame or two only
    /// is more likely to be somebody else who comes the same way.
    pub(crate) fn stays(self, away_ms: i64, missed: u64, seen: u64) -> bool {
        missed < MISSED || (away_ms <= 2 * self.gap_ms && missed <= MISSED_PER_SEEN.saturating_mul(seen))
    }

    pub(crate) fn is_same(overlap: f32) -> bool {
        overlap >= SAME_PLACE
    }

    /// How far a sighting's links can reach, in time; in frames it is a few.
    pub(crate) fn reach_ms(self) -> i64 {
        6 * self.gap_ms
    }
}

/// A sighting among those of its camera.
#[derive(Clone, Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) view: &'a str,
    pub(crate) label: Option<&'a str>,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    /// Numbers of its frames among all that were looked at, over segments.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// How many of them show it.
    pub(crate) seen: u64,
    pub(crate) area: [f32; 4],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    /// The number of the sighting that it follows; always an earlier one.
    pub(crate) previous: Option<usize>,
    pub(crate) still: bool,
}

/// Links sightings, which are in order of time.
pub(crate) fn link(sightings: &[Placed<'_>], rules: Rules) -> Vec<Link> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (number, sighting) in sightings.iter().enumerate() {
        groups.entry((sighting.view, sighting.label)).or_default().push(number);
    }
    let mut links = vec![Link::default(); sightings.len()];
    for ((_, label), group) in groups {
        if label.is_some() {
            link_places(sightings, &group, (rules, &mut links));
        }
        link_passing(sightings, &group, (rules, &mut links));
    }
    links
}

/// Links what stays: each to the nearest one before at its place, if that one has none nearer after it.
fn link_places(all: &[Placed<'_>], group: &[usize], (rules, links): (Rules, &mut [Link])) {
    let mut before: BTreeMap<usize, (u64, Ordered, usize)> = BTreeMap::new();
    let mut after: BTreeMap<usize, (Reverse<u64>, Ordered, Reverse<usize>)> = BTreeMap::new();
    let longest_ms = group.iter().map(|n| all[*n].to_ms - all[*n].from_ms).max().unwrap_or(0);
    let longest = group.iter().map(|n| all[*n].last - all[*n].first).max().unwrap_or(0);
    for (index, &later) in group.iter().enumerate() {
        let q = &all[later];
        for &earlier in group[..index].iter().rev() {
            let p = &all[earlier];
            let away = q.from_ms - p.from_ms - longest_ms;
            if !rules.stays(away, q.first.saturating_sub(p.first + longest + 1), u64::MAX) {
                break;
            }
            let same = Ordered(overlap(p.area, q.area));
            let follows = p.last < q.first && {
                let missed = q.first - p.last - 1;
                rules.stays(q.from_ms - p.to_ms, missed, p.seen.max(q.seen))
            };
            if !follows || !Rules::is_same(same.0) {
                continue;
            }
            let best = before.entry(later).or_insert((p.last, same, earlier));
            *best = (*best).max((p.last, same, earlier));
            let next = (Reverse(q.first), same, Reverse(later));
            let best = after.entry(earlier).or_insert(next);
            *best = (*best).max(next);
        }
    }
    let mutual = |later: usize| {
        let (.., earlier) = before.get(&later)?;
        let (.., Reverse(next)) = after.get(earlier)?;
        (*next == later).then_some(*earlier)
    };
    let previous: BTreeMap<usize, usize> = group.iter().filter_map(|n| Some((*n, mutual(*n)?))).collect();
    mark_still(all, group, (rules, &previous, links));
}

/// A chain of places that lasts is still; the links of the others are dropped.
fn mark_still(
    all: &[Placed<'_>],
    group: &[usize],
    (rules, previous, links): (Rules, &BTreeMap<usize, usize>, &mut [Link]),
) {
    let mut chains: Vec<Vec<usize>> = Vec::new();
    let mut chain_of: BTreeMap<usize, usize> = BTreeMap::new();
    for &number in group {
        let chain = match previous.get(&number).and_then(|p| chain_of.get(p)) {
            Some(&chain) => chain,
            None => {
                chains.push(Vec::new());
                chains.len() - 1
            }
        };
        chains[chain].push(number);
        chain_of.insert(number, chain);
    }
    for chain in chains {
        let (first, last) = (&all[chain[0]], &all[chain[chain.len() - 1]]);
        if last.to_ms - first.from_ms >= rules.gap_ms {
            for number in chain {
                links[number] = Link { previous: previous.get(&number).copied(), still: true };
            }
        }
    }
}

fn link_passing(all: &[Placed<'_>], group: &[usize], (rules, links): (Rules, &mut [Link])) {
    let mut last: Option<(usize, i64)> = None;
    for &number in group {
        if links[number].still {
            continue;
        }
        let seen = &all[number];
        links[number].previous = last.filter(|(_, to)| seen.from_ms - to <= rules.gap_ms).map(|(n, _)| n);
        let until = last.map_or(seen.to_ms, |(_, to)| to.max(seen.to_ms));
        last = Some((number, until));
    }
}

/// How much of their union two boxes share, 0 to 1.
pub(crate) fn overlap([ax, ay, aw, ah]: [f32; 4], [bx, by, bw, bh]: [f32; 4]) -> f32 {
    let shared = |a: f32, b: f32, a_end: f32, b_end: f32| (a_end.min(b_end) - a.max(b)).max(0.0);
    let both = shared(ax, bx, ax + aw, bx + bw) * shared(ay, by, ay + ah, by + bh);
    let union = aw * ah + bw * bh - both;
    if union > 0.0 { both / union } else { 0.0 }
}

#[derive(Clone, Copy, Debug)]
struct Ordered(f32);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
