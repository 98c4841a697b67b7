//! Presence: what a stream shows at present, so that an event is told of when it begins, and once.

use std::collections::HashMap;

use catalog::{Object, rfc3339};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::gate::is_in_place;

/// An event that begins: something is seen that was not seen for `events.gap_seconds`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Began {
    pub view: String,
    pub label: String,
    /// Of the object seen first, or likeliest of those seen first.
    pub score: f32,
    /// Left, top, width and height as fractions of the view.
    #[serde(rename = "box")]
    pub area: [f32; 4],
    pub since: String,
}

/// What was seen of one view.
#[derive(Debug, Default)]
struct Seen {
    /// By label, when something of it was last seen that was not there all the time.
    passing: HashMap<String, DateTime<Utc>>,
    places: Vec<Standing>,
}

/// An object in its place.
#[derive(Debug)]
struct Standing {
    object: Object,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct Presence {
    gap: TimeDelta,
    /// For so long a thing is remembered in its place: between two heartbeats nobody looks.
    memory: TimeDelta,
    views: HashMap<String, Seen>,
}

impl Presence {
    pub(super) fn new(gap: TimeDelta, heartbeat: TimeDelta) -> Self {
        Self { gap, memory: gap.max(heartbeat * 5 / 2), views: HashMap::new() }
    }

    /// Takes in what is seen in a view that was looked at; returns the events that begin with it.
    pub(super) fn note(&mut self, view: &str, objects: &[Object], now: DateTime<Utc>) -> Vec<Began> {
        let seen = self.views.entry(view.to_owned()).or_default();
        seen.places.retain(|place| now - place.until <= self.memory);
        let mut began: Vec<Began> = Vec::new();
        for object in objects {
            if seen.stands(object, now, self.gap) {
                continue;
            }
            let last = seen.passing.insert(object.label.clone(), now);
            if last.is_none_or(|last| now - last > self.gap) {
                began.push(Began {
                    view: view.to_owned(),
                    label: object.label.clone(),
                    score: object.score,
                    area: object.area,
                    since: rfc3339(now),
                });
            }
        }
        began
    }
}

impl Seen {
    /// Tells whether the object stood there for longer than the gap: it is an event of its own, which began long ago.
    fn stands(&mut self, object: &Object, now: DateTime<Utc>, gap: TimeDelta) -> bool {
        let known = |place: &&mut Standing| is_in_place(object, std::slice::from_ref(&place.object));
        match self.places.iter_mut().find(known) {
            Some(place) => {
                place.until = now;
                place.object = object.clone();
                now - place.since > gap
            }
            None => {
                self.places.push(Standing { object: object.clone(), since: now, until: now });
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(label: &str, left: f32) -> Object {
        Object { label: label.to_owned(), score: 0.7, area: [left, 0.4, 0.1, 0.3], zones: Vec::new() }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    /// Tells at which seconds events begin.
    fn begins(sights: &[(i64, &[Object])]) -> Vec<(i64, String)> {
        let mut presence = Presence::new(TimeDelta::seconds(60), TimeDelta::seconds(60));
        let mut begun = Vec::new();
        for (second, objects) in sights {
            let began = presence.note("original", objects, at(*second));
            begun.extend(began.into_iter().map(|began| (*second, began.label)));
        }
        begun
    }

    #[test]
    fn who_walks_by_is_one_event_and_who_comes_later_another() {
        let walk: Vec<_> = (0..10).map(|second| (second, [object("person", 0.05 * second as f32)])).collect();
        let back = (200..205).map(|second| (second, [object("person", 0.9)]));
        let all: Vec<_> = walk.into_iter().chain(back).collect();
        let sights: Vec<_> = all.iter().map(|(second, objects)| (*second, &objects[..])).collect();
        assert_eq!(begins(&sights), [(0, "person".to_owned()), (200, "person".to_owned())]);
    }

    #[test]
    fn several_at_once_are_one_event_of_each_label() {
        let sights = [object("person", 0.1), object("person", 0.5), object("dog", 0.3)];
        assert_eq!(begins(&[(0, &sights)]), [(0, "person".to_owned()), (0, "dog".to_owned())]);
    }

    #[test]
    fn a_car_that_stays_is_one_event_however_seldom_it_is_looked_at() {
        let car = [object("car", 0.2)];
        let sights: Vec<_> = (0..30).map(|minute| (60 * minute, &car[..])).collect();
        assert_eq!(begins(&sights), [(0, "car".to_owned())]);
        let another = [object("car", 0.2), object("car", 0.7)];
        let sights: Vec<_> = sights.into_iter().chain([(1800, &another[..])]).collect();
        assert_eq!(begins(&sights), [(0, "car".to_owned()), (1800, "car".to_owned())]);
    }

    #[test]
    fn a_short_absence_ends_no_event() {
        let person = [object("person", 0.2)];
        assert_eq!(
            begins(&[(0, &person), (30, &[]), (59, &person), (110, &person)]),
            [(0, "person".to_owned())]
        );
    }
}
