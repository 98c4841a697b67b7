//! Search: events by what was said and seen in them, where, and by which camera.

use rusqlite::params_from_iter;
use rusqlite::types::Value;
use serde::Serialize;

use crate::events::{EVENT, EventFilter, conditions, read_event};
use crate::{Catalog, CatalogError, Event};

/// Hits where nobody says how many.
const LIMIT: u32 = 50;

/// What a search found, newest first.
#[derive(Clone, Debug)]
pub struct Hits {
    /// Each has all the words; else no event has, and these have some, those with the most and the rarest first.
    pub all_words: bool,
    pub hits: Vec<Hit>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    #[serde(flatten)]
    pub event: Event,
    /// The words in their surroundings, each in `[ ]`.
    pub snippet: String,
}

/// How words are joined, and what comes first.
#[derive(Clone, Copy)]
enum Join {
    All,
    Any,
}

impl Catalog {
    /// Searches captions, labels, cameras and views. What is typed is words and nothing else: no sign has a
    /// meaning, so no query can be wrong. The last word may be the beginning of one.
    pub fn search(&self, typed: &str, filter: &EventFilter) -> Result<Hits, CatalogError> {
        let words = words(typed);
        if words.is_empty() {
            return Ok(Hits { all_words: true, hits: Vec::new() });
        }
        let hits = self.find(&words, (filter, Join::All))?;
        if !hits.is_empty() || words.len() == 1 {
            return Ok(Hits { all_words: true, hits });
        }
        Ok(Hits { all_words: false, hits: self.find(&words, (filter, Join::Any))? })
    }

    fn find(&self, words: &[&str], (filter, join): (&EventFilter, Join)) -> Result<Vec<Hit>, CatalogError> {
        let (conditions, mut values) = conditions(filter);
        values.push(Value::from(query(words, join)));
        let (query, limit) = (values.len(), filter.limit.unwrap_or(LIMIT));
        let place = match join {
            Join::All => "-e.start_ms",
            Join::Any => "rank",
        };
        // First which and no more: there may be hundreds of thousands, and each snippet reads a whole text.
        let sql = format!(
            "SELECT {EVENT}, snippet(event_text, -1, '[', ']', '…', 24)
             FROM (SELECT e.id AS id, {place} AS place
                   FROM event_text JOIN event e ON e.id = event_text.rowid
                   WHERE event_text MATCH ?{query} AND {conditions}
                   ORDER BY place, e.id DESC LIMIT {limit}) AS hit
             JOIN event_text ON event_text.rowid = hit.id AND event_text MATCH ?{query}
             JOIN event e ON e.id = hit.id JOIN segment s ON s.id = e.segment_id
             ORDER BY hit.place, e.id DESC"
        );
        let mut hits: Vec<Hit> = self.read("search", |c| {
            let hit = |row: &rusqlite::Row<'_>| Ok(Hit { event: read_event(row)?, snippet: row.get(16)? });
            c.prepare_cached(&sql)?.query_map(params_from_iter(values), hit)?.collect()
        })?;
        self.add_thumbnails(hits.iter_mut().map(|hit| &mut hit.event));
        Ok(hits)
    }
}

/// Splits what was typed where FTS5's tokenizer would: at everything that is neither letter nor digit.
fn words(typed: &str) -> Vec<&str> {
    typed.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

fn query(words: &[&str], join: Join) -> String {
    let joint = match join {
        Join::All => " AND ",
        Join::Any => " OR ",
    };
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(joint) + "*"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Store;

    fn found(store: &Store, typed: &str) -> Vec<(Vec<String>, String)> {
        let hits = store.catalog.search(typed, &EventFilter::default()).unwrap().hits;
        hits.into_iter().map(|hit| (hit.event.what.labels, hit.snippet)).collect()
    }

    #[test]
    fn events_are_found_by_caption_label_camera_and_view() {
        let store = Store::new();
        store.add_processed("gate/a.mp4", "a");
        let person = (vec!["person".to_owned()], "two [people]".to_owned());
        assert_eq!(found(&store, "people"), [person]);
        // The last word may be a beginning.
        assert_eq!(found(&store, "two peo")[0].1, "[two] [people]");
        for (typed, count) in
            [("car", 1), ("gate", 2), ("south", 2), ("gate car", 1), ("lorry", 0), ("PERSONS", 1)]
        {
            assert_eq!(found(&store, typed).len(), count, "{typed}");
        }
    }

    #[test]
    fn where_no_event_has_all_words_those_with_some_are_found() {
        let store = Store::new();
        store.add_processed("gate/a.mp4", "a");
        let hits = store.catalog.search("a person at the gate", &EventFilter::default()).unwrap();
        assert!(!hits.all_words);
        assert_eq!(hits.hits[0].event.what.labels, ["person"]);
    }

    #[test]
    fn no_query_can_be_wrong() {
        let store = Store::new();
        store.add_processed("gate/a.mp4", "a");
        let odd = [
            "",
            " ",
            "\"",
            "two\"",
            "\"two",
            "'",
            "*",
            "two*",
            "^two",
            "two AND",
            "NOT",
            "(two",
            "a:b",
            "labels:",
            "NEAR(two people, 1)",
            "{camera} : gate",
            "-two",
            "+two",
            "two\0people",
            "%_",
            "\u{0301}",
            "٣",
            "🚗",
            "\\",
            "a OR OR b",
            "two -- people",
            "½",
        ];
        for typed in odd {
            store
                .catalog
                .search(typed, &EventFilter::default())
                .unwrap_or_else(|e| panic!("`{typed}`: {e:?}"));
        }
        assert_eq!(found(&store, "\"two\" (people)").len(), 1);
    }

    #[test]
    fn a_filter_narrows_what_is_found() {
        let store = Store::new();
        store.add_processed("gate/a.mp4", "a");
        let times = |from: &str, to: &str| EventFilter {
            from: Some(from.parse().unwrap()),
            to: Some(to.parse().unwrap()),
            ..EventFilter::default()
        };
        let cases = [
            (times("2026-11-22T12:00:00Z", "2026-11-22T12:00:02Z"), 1),
            (times("2026-11-22T12:00:02Z", "2026-11-22T13:00:00Z"), 1),
            (times("2026-11-22T13:00:00Z", "2026-11-22T14:00:00Z"), 0),
            (EventFilter { cameras: vec!["gate".to_owned()], ..EventFilter::default() }, 2),
            (EventFilter { cameras: vec!["yard".to_owned()], ..EventFilter::default() }, 0),
            (EventFilter { labels: vec!["car".to_owned()], ..EventFilter::default() }, 1),
            (EventFilter { limit: Some(1), ..EventFilter::default() }, 1),
        ];
        for (filter, count) in cases {
            assert_eq!(store.catalog.search("gate", &filter).unwrap().hits.len(), count, "{filter:?}");
            assert_eq!(store.catalog.events(&filter).unwrap().len(), count, "{filter:?}");
        }
    }
}
