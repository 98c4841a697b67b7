//! Events over many segments: what is one event, and that the order of processing does not matter.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use crate::fixture::{Store, noon, results};
use crate::store::{self, rfc3339};
use crate::{EventFilter, Object, Results, Sample, SegmentId, ViewResult};

const PARKED: [f32; 4] = [0.6, 0.5, 0.2, 0.1];

fn object(label: &str, area: [f32; 4]) -> Object {
    Object { label: label.to_owned(), score: 0.75, area, zones: Vec::new() }
}

/// A minute of a camera, whose every third second shows what `seen` says; nothing at all where it was not looked at.
fn minute(store: &Store, number: i64, seen: impl Fn(i64) -> Option<Vec<Object>>) -> (SegmentId, Results) {
    let start = noon() + TimeDelta::minutes(number);
    let id = store.footage("gate", start, 60);
    let mut results = results(&store.segment(id));
    results.segment.start = rfc3339(start);
    results.samples = (0..20)
        .map(|third| {
            let view = |objects| ViewResult {
                view: "v".to_owned(),
                objects,
                caption: None,
                description: None,
                jpeg: None,
            };
            let second = 3 * third;
            Sample {
                gate: None,
                frame: 30 * third as u64,
                time: rfc3339(start + TimeDelta::seconds(second)),
                views: seen(60 * number + second).map(view).into_iter().collect(),
            }
        })
        .collect();
    (id, results)
}

fn keep(store: &Store, id: SegmentId, results: &Results) {
    store.catalog.write("store results", |t| store::insert(t, id, results, noon())).unwrap();
}

/// Label, whether it is still, the most at once, and from which to which second.
type Told = (String, bool, u32, i64, i64);

fn told(store: &Store) -> Vec<Told> {
    let second = |time: &str| (time.parse::<DateTime<Utc>>().unwrap() - noon()).num_seconds();
    let events = store.catalog.events(&EventFilter::default()).unwrap();
    let mut told: Vec<_> = events
        .iter()
        .map(|e| {
            (e.what.labels.join(), e.what.still, e.what.peak, second(&e.what.start), second(&e.what.end))
        })
        .collect();
    told.sort();
    told
}

trait Join {
    fn join(&self) -> String;
}

impl Join for Vec<String> {
    fn join(&self) -> String {
        self.concat()
    }
}

fn passing(second: i64) -> [f32; 4] {
    [(second % 60) as f32 / 80.0, 0.2, 0.02, 0.1]
}

#[test]
fn a_parked_car_is_one_event_and_those_that_pass_are_others() {
    let store = Store::new();
    for number in 0..60 {
        let (id, results) = minute(&store, number, |second| {
            let mut seen = vec![object("car", PARKED)];
            // The detector misses it now and then, and its box trembles.
            if second % 21 == 0 {
                seen.clear();
            } else if second % 2 == 0 {
                seen[0].area[0] += 0.03;
            }
            if (600..660).contains(&second) || (1800..1900).contains(&second) {
                seen.push(object("car", passing(second)));
            }
            if (630..700).contains(&second) {
                seen.push(object("person", passing(second)));
                seen.push(object("person", passing(second + 20)));
            }
            Some(seen)
        });
        keep(&store, id, &results);
    }
    let car = |still, peak, from, to| ("car".to_owned(), still, peak, from, to);
    let expected = [
        car(false, 2, 600, 657),
        car(false, 2, 1800, 1899),
        car(true, 1, 3, 3597),
        ("person".to_owned(), false, 2, 630, 699),
    ];
    assert_eq!(told(&store), expected);
}

#[test]
fn a_still_object_that_few_frames_show_is_one_event_until_it_is_gone() {
    let store = Store::new();
    // One frame in ten minutes is looked at; the car leaves, and hours later another stands there.
    for number in 0..18 {
        let (id, results) = minute(&store, 10 * number, |second| {
            let gone = (6..10).contains(&number);
            let seen = if gone { Vec::new() } else { vec![object("car", PARKED)] };
            (second % 60 == 30).then_some(seen)
        });
        keep(&store, id, &results);
    }
    let car = |from, to| ("car".to_owned(), true, 1, from, to);
    assert_eq!(told(&store), [car(30, 3030), car(6030, 10_230)]);
}

#[test]
fn an_event_goes_on_over_the_border_of_segments_and_ends_with_the_gap() {
    let store = Store::new();
    for number in 0..5 {
        let (id, mut results) = minute(&store, number, |second| {
            let there = (30..90).contains(&second) || (180..240).contains(&second);
            Some(if there { vec![object("person", passing(second))] } else { Vec::new() })
        });
        results.samples[19].views[0].caption = Some(format!("minute {number}"));
        keep(&store, id, &results);
    }
    let events = store.catalog.events(&EventFilter::default()).unwrap();
    let persons: Vec<_> = events.iter().filter(|e| !e.what.labels.is_empty()).collect();
    assert_eq!(persons.len(), 2);
    assert_eq!(persons[0].what.captions, ["minute 0"]);
    // What only captions tell of is an event too.
    assert!(events.iter().any(|e| e.what.labels.is_empty() && e.what.captions == ["minute 1", "minute 2"]));
    assert_eq!(
        told(&store).into_iter().filter(|t| t.0 == "person").map(|t| (t.3, t.4)).collect::<Vec<_>>(),
        [(30, 87), (180, 237)]
    );
}

#[test]
fn results_of_another_profile_take_the_place_of_the_former() {
    let store = Store::new();
    let all: Vec<_> = (0..5).map(|n| minute(&store, n, |_| Some(vec![object("car", PARKED)]))).collect();
    for (id, results) in &all {
        keep(&store, *id, results);
    }
    let before = store.catalog.events(&EventFilter::default()).unwrap();
    assert_eq!(before.len(), 1);
    for (id, results) in &all {
        let mut again = results.clone();
        again.profile.id = "another".to_owned();
        for view in again.samples.iter_mut().flat_map(|s| &mut s.views) {
            view.objects[0].label = "truck".to_owned();
        }
        keep(&store, *id, &again);
    }
    assert_eq!(told(&store), [("truck".to_owned(), true, 1, 0, 297)]);
    let (id, results) = &all[2];
    keep(&store, *id, results);
    let labels: Vec<_> = told(&store).into_iter().map(|t| t.0).collect();
    assert_eq!(labels, ["car", "truck"], "{:?}", told(&store));
    assert_eq!(store.catalog.catch_up_events().unwrap(), 0);
}

#[test]
fn results_that_were_stored_before_there_were_events_get_theirs() {
    let store = Store::new();
    for number in 0..3 {
        let (id, results) = minute(&store, number, |_| Some(vec![object("car", PARKED)]));
        keep(&store, id, &results);
    }
    let before = told(&store);
    for rows in ["sighting", "looked", "event_text", "event"] {
        store.break_rows(&format!("DELETE FROM {rows}"));
    }
    assert_eq!(store.catalog.catch_up_events().unwrap(), 3);
    assert_eq!(told(&store), before);
}

/// What a scene shows in each third second: some places, some of them for long.
fn scene() -> impl Strategy<Value = Vec<Vec<(u8, u8, u8)>>> {
    let presence = (0_u8..3, 0_u8..8, 0_u8..20);
    prop::collection::vec(prop::collection::vec(presence, 0..4), 12..16)
}

fn seen_in(minute: &[(u8, u8, u8)], second: i64) -> Option<Vec<Object>> {
    let label = |n: u8| ["car", "person", "dog"][usize::from(n)];
    let mut seen = Vec::new();
    for &(kind, place, span) in minute {
        let third = (second % 60 / 3) as u8;
        let box_of = |place: u8| [f32::from(place) / 10.0, 0.1, 0.1, 0.1 + f32::from(kind) / 100.0];
        // Some stay at their place, some move on, some are there for a moment.
        match span % 4 {
            0 => seen.push(object(label(kind), box_of(place))),
            1 if third >= span => seen.push(object(label(kind), box_of((place + third) % 9))),
            2 if third == span => seen.push(object(label(kind), box_of(place))),
            _ => {}
        }
    }
    (minute.len() % 4 != 3 || second % 60 == 9).then_some(seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_processing_does_not_matter(
        scene in scene(),
        order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(0..12_usize, 0..4),
    ) {
        let (in_order, shuffled) = (Store::new(), Store::new());
        let all = |store: &Store| -> Vec<_> {
            // Every third minute is not there: other footage is further away.
            let number = |n: usize| (n + n / 3 * 7) as i64;
            (0..12).map(|n| minute(store, number(n), |second| seen_in(&scene[n], second))).collect()
        };
        for (id, results) in all(&in_order) {
            keep(&in_order, id, &results);
        }
        let minutes = all(&shuffled);
        for &n in order.iter().chain(&again) {
            let (id, results) = &minutes[n];
            // Looked at a second time under another profile, which sees the same.
            let mut results = results.clone();
            results.profile.id = format!("{:?}", std::time::Instant::now());
            keep(&shuffled, *id, &results);
        }
        prop_assert_eq!(told(&shuffled), told(&in_order));
    }
}
