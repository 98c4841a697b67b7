//! Search: events by what was said and seen in them, where, and by which camera.

use std::collections::{BTreeSet, HashMap};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;

use crate::events::{EVENT, EventFilter, conditions, read_event};
use crate::store::json;
use crate::{Catalog, CatalogError, Event};

/// Hits where nobody says how many.
const LIMIT: u32 = 50;

/// Events that are looked up and sorted in a few milliseconds.
const MANY: u32 = 5000;

/// Events of each word that are ranked, where none has all the words.
const RANKED: u32 = 2000;

/// What a search found, newest first.
#[derive(Clone, Debug)]
pub struct Hits {
    /// Each has all the words; else no event has, and these have some, those with the most and the rarest first, of
    /// the newest two thousand of each word.
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
    /// Searches captions, tags, objects, labels, cameras and views. What is typed is words and nothing else: no sign has a
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
        let query = query(words, join);
        let mut hits = self.read("search", |c| {
            let ids = match join {
                Join::All => newest(c, &query, filter)?,
                Join::Any => best(c, (words, &query), filter)?,
            };
            hits(c, &query, &ids)
        })?;
        self.add_thumbnails(hits.iter_mut().map(|hit| &mut hit.event));
        Ok(hits)
    }
}

/// Lists the newest events that a query finds. Few are sorted by time; of many, it is cheaper to go back in time until
/// enough are among them.
fn newest(c: &Connection, query: &str, filter: &EventFilter) -> rusqlite::Result<Vec<i64>> {
    let (conditions, mut values) = conditions(filter);
    values.push(Value::from(query.to_owned()));
    let (text, limit) = (values.len(), filter.limit.unwrap_or(LIMIT));
    let few = c
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM event_text WHERE event_text MATCH ?1 LIMIT ?2)")?
        .query_row((query, MANY), |row| row.get::<_, u32>(0))?
        < MANY;
    // The `+` keeps SQLite from going the other way about it.
    let found = match few {
        true => {
            format!("event_text CROSS JOIN event e ON e.id = event_text.rowid WHERE event_text MATCH ?{text}")
        }
        false => {
            format!("event e WHERE +e.id IN (SELECT rowid FROM event_text WHERE event_text MATCH ?{text})")
        }
    };
    c.prepare_cached(&format!(
        "SELECT e.id FROM {found} AND {conditions} ORDER BY e.start_ms DESC, e.id DESC LIMIT {limit}"
    ))?
    .query_map(params_from_iter(values), |row| row.get(0))?
    .collect()
}

/// Lists the events with the most and the rarest of the words. To rank is dear: of each word only the events that were
/// noted last can be among them, which leaves out none of a rare word's.
fn best(c: &Connection, (words, query): (&[&str], &str), filter: &EventFilter) -> rusqlite::Result<Vec<i64>> {
    let mut candidates = BTreeSet::new();
    for (number, word) in words.iter().enumerate() {
        // The last word may be a beginning, as in the whole query.
        let one =
            if number + 1 == words.len() { self::query(&[word], Join::Any) } else { format!("\"{word}\"") };
        candidates.extend(noted_last(c, &one, filter)?);
    }
    let (Some(first), Some(last)) = (candidates.first(), candidates.last()) else { return Ok(Vec::new()) };
    c.prepare_cached(
        "SELECT rowid FROM event_text WHERE event_text MATCH ?1 AND rowid BETWEEN ?2 AND ?3
            AND +rowid IN (SELECT value FROM json_each(?4))
         ORDER BY bm25(event_text), rowid DESC LIMIT ?5",
    )?
    .query_map((query, first, last, json(&candidates)?, filter.limit.unwrap_or(LIMIT)), |row| row.get(0))?
    .collect()
}

fn noted_last(c: &Connection, query: &str, filter: &EventFilter) -> rusqlite::Result<Vec<i64>> {
    let (conditions, mut values) = conditions(filter);
    values.push(Value::from(query.to_owned()));
    c.prepare_cached(&format!(
        "SELECT e.id FROM event_text CROSS JOIN event e ON e.id = event_text.rowid
         WHERE event_text MATCH ?{} AND {conditions} ORDER BY event_text.rowid DESC LIMIT {RANKED}",
        values.len()
    ))?
    .query_map(params_from_iter(values), |row| row.get(0))?
    .collect()
}

/// Reads events with their snippets, in the order of `ids`. All snippets come from one pass over the text: asked for one
/// by one, each would gather everything that begins with the last word.
fn hits(c: &Connection, query: &str, ids: &[i64]) -> rusqlite::Result<Vec<Hit>> {
    let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return Ok(Vec::new()) };
    let wanted = json(&ids)?;
    let mut snippets: HashMap<i64, String> = c
        .prepare_cached(
            "SELECT rowid, snippet(event_text, -1, '[', ']', '…', 24) FROM event_text
             WHERE event_text MATCH ?1 AND rowid BETWEEN ?2 AND ?3
                AND +rowid IN (SELECT value FROM json_each(?4))",
        )?
        .query_map((query, first, last, &wanted), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut hits: Vec<Hit> = c
        .prepare_cached(&format!(
            "SELECT {EVENT} FROM event e JOIN segment s ON s.id = e.segment_id
             WHERE e.id IN (SELECT value FROM json_each(?1))"
        ))?
        .query_map([&wanted], |row| {
            let event = read_event(row)?;
            let snippet = snippets.remove(&event.id).unwrap_or_default();
            Ok(Hit { event, snippet })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let places: HashMap<i64, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    hits.sort_by_key(|hit| places.get(&hit.event.id).copied());
    Ok(hits)
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
