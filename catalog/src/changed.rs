//! Whether what is shown of some time still holds. Triggers count what changes, by the hour it lies in.

use chrono::TimeDelta;

use crate::coverage::LONGEST;
use crate::{Catalog, CatalogError, Span};

const HOUR_MS: i64 = 3_600_000;

/// What was counted for some time. Two that are equal mean that nothing came, went or changed between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(i64);

impl Catalog {
    /// Counts what has changed of the footage, results, events and gaps that [`Catalog::coverage_rows`] and
    /// [`Catalog::marks`] tell of a span, since the beginning. Costs microseconds. Where a camera is doing something
    /// now, what is shown of it changes by itself.
    pub fn stamp(&self, of: Span) -> Result<Stamp, CatalogError> {
        let (from, to) = (of.from - LONGEST, of.to - TimeDelta::milliseconds(1));
        self.read("look what has changed", |c| {
            c.prepare_cached(
                "SELECT ifnull(sum(times), 0) + ifnull((SELECT times FROM changed WHERE hour = -1), 0)
                 FROM changed WHERE hour BETWEEN ?1 AND ?2",
            )?
            .query_row([from.timestamp_millis() / HOUR_MS, to.timestamp_millis() / HOUR_MS], |row| {
                row.get(0).map(Stamp)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use config::CameraId;
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{Store, noon};
    use crate::{Footage, Gap, GapCause, Mark, OpenGap};

    const CAMERAS: [&str; 2] = ["gate", "yard"];

    fn at(minute: i64) -> DateTime<Utc> {
        noon() - TimeDelta::hours(12) + TimeDelta::minutes(minute)
    }

    fn days() -> impl Iterator<Item = Span> {
        (-3..3).map(|day| Span::new(at(day * 1440), at((day + 1) * 1440)))
    }

    /// What is shown of a day, but for what lasts.
    type Shown = (Vec<(Vec<Footage>, Vec<(Span, GapCause)>, Vec<Span>)>, Vec<Mark>);

    fn shown(store: &Store, day: Span) -> Shown {
        let now = at(100 * 1440);
        let of = |camera: &str| {
            let rows = store.catalog.coverage_rows(&camera.parse().unwrap(), day, now).unwrap();
            let touches = |span: &Span| span.from < day.to && span.to >= day.from;
            let gaps = rows.gaps.into_iter().filter(|(span, _)| span.to < now && touches(span));
            let footage = rows.footage.into_iter().filter(|file| touches(&file.span));
            (footage.collect(), gaps.collect(), rows.expected)
        };
        (CAMERAS.map(of).to_vec(), store.catalog.marks(day, TimeDelta::minutes(5)).unwrap())
    }

    /// Something that happens to a catalogue: what kind, at which minute, for how long, and to which of what is there.
    type Happening = (usize, i64, i64, usize);

    fn happen(store: &Store, (kind, minute, length, which): Happening) {
        let camera: CameraId = CAMERAS[which % 2].parse().unwrap();
        let (from, to) = (at(minute), at(minute + length));
        let change = |sql: &str| {
            let sql = sql.replace("?", &format!("id = 1 + {which} % (SELECT max(id) FROM segment)"));
            store.catalog.write("change", |t| t.execute(&sql, [])).unwrap();
        };
        match kind {
            0 => drop(store.footage(camera.as_str(), from + TimeDelta::milliseconds(which as i64), 60)),
            1 => drop(store.add_processed(&format!("{camera}/{minute}-{length}-{which}.mp4"), "video")),
            2 => store.catalog.add_gap(&Gap { camera, from, to, cause: GapCause::Stalled }).unwrap(),
            3 => store.catalog.open_gap(&OpenGap { camera, from, cause: GapCause::Unreachable }).unwrap(),
            4 => store.catalog.end_left_open(&[camera]).unwrap(),
            5 => store.catalog.note_resumed(&camera, from).unwrap(),
            6 => store.catalog.note_configured(&[camera], to).unwrap(),
            7 => change("UPDATE segment SET state = 'deleted' WHERE ?"),
            8 => change("UPDATE segment SET archived_ms = 1 WHERE ?"),
            9 => change(&format!("UPDATE segment SET duration_ms = {} WHERE ?", length * 1000)),
            10 => change(&format!("UPDATE segment SET start_ms = start_ms - {} WHERE ?", length * 60_000)),
            11 => change("UPDATE segment SET camera = 'yard' WHERE ?"),
            12 => change("UPDATE event SET label = 'dog' WHERE ?"),
            13 => change(&format!("UPDATE event SET start_ms = start_ms - {} WHERE ?", length * 60_000)),
            14 => change("DELETE FROM event WHERE ?"),
            _ => unreachable!("there are no more kinds"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn a_day_that_shows_something_else_has_another_stamp(
            happenings in prop::collection::vec((0..15_usize, -4000_i64..4000, 1_i64..3000, 0..50_usize), 1..20),
        ) {
            let store = Store::new();
            store.footage("gate", at(0), 60);
            let look = || days().map(|day| (store.catalog.stamp(day).unwrap(), shown(&store, day))).collect::<Vec<_>>();
            let mut before = look();
            for happening in happenings {
                happen(&store, happening);
                let after = look();
                for (number, (then, now)) in before.iter().zip(&after).enumerate() {
                    prop_assert!(then.1 == now.1 || then.0 != now.0, "{:?} on day {}", happening, number);
                }
                before = after;
            }
        }
    }

    #[test]
    fn a_day_that_is_over_keeps_its_stamp_while_others_are_recorded_and_looked_at() {
        let store = Store::new();
        let over = Span::new(at(-3 * 1440), at(-2 * 1440));
        store.footage("gate", at(-3 * 1440 + 5), 60);
        let stamp = store.catalog.stamp(over).unwrap();
        store.footage("gate", at(60), 60);
        store.add_processed("gate/a.mp4", "a");
        happen(&store, (2, 30, 10, 0));
        happen(&store, (3, 90, 0, 0));
        assert_eq!(store.catalog.stamp(over).unwrap(), stamp);
        happen(&store, (2, -4300, 4000, 0));
        assert_ne!(store.catalog.stamp(over).unwrap(), stamp, "a gap of three days goes over it");
    }
}
