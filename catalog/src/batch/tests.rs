//! What is asked by batch: reserved when it is intended, stored once however often its file is read, and a segment
//! that waits is nobody's to lease.

use std::time::Duration;

use chrono::TimeDelta;
use config::{Caps, Usd};

use super::*;
use crate::fixture::{Store, noon};
use crate::{Bound, CallEnd, CallStatus, Catalog, Charge, DayCaps, Queue, SegmentId};

const TTL: Duration = Duration::from_secs(60);

fn question(key: &str) -> NewQuestion {
    NewQuestion {
        key: key.to_owned(),
        camera: Some("gate".to_owned()),
        segment_sha256: "ab".repeat(32),
        model: "model".to_owned(),
        bound: Bound { input_tokens: 2000, output_tokens: 300 },
        spool: "spool".to_owned(),
        offset: 0,
        length: 1000,
    }
}

fn gather(catalog: &Catalog, segment: SegmentId, keys: &[&str]) {
    let questions: Vec<_> = keys.iter().map(|key| question(key)).collect();
    catalog.gather(segment, &questions, noon()).unwrap();
}

fn limits() -> BatchLimits {
    BatchLimits {
        model: "model".to_owned(),
        max_lines: 100,
        max_bytes: 1 << 20,
        cap_day: noon().date_naive(),
    }
}

fn intend(catalog: &Catalog) -> String {
    catalog.intend_batch(&limits(), &|_| DayCaps::default(), noon()).unwrap().batch.unwrap()
}

fn answered(request_id: &str, text: &str) -> Settled {
    let end = CallEnd {
        status: CallStatus::Answered,
        http_status: Some(200),
        input_tokens: Some(1000),
        output_tokens: Some(100),
        cost: Some(Usd::of_dollars(0.001)),
        charge: Charge::Used,
        error: None,
    };
    Settled { request_id: request_id.to_owned(), end, fate: Fate::Answered(text.to_owned()) }
}

fn failed(request_id: &str, fate: Fate) -> Settled {
    let settled = answered(request_id, "");
    let end = CallEnd { status: CallStatus::Failed, charge: Charge::Nothing, cost: None, ..settled.end };
    Settled { end, fate, ..settled }
}

fn lines(catalog: &Catalog, batch: &str) -> Vec<String> {
    catalog.batch_lines(batch).unwrap().into_iter().map(|line| line.request_id).collect()
}

/// Parks a segment that waits for these answers.
fn parked(store: &Store, file: &str, keys: &[&str]) -> SegmentId {
    let id = store.add(file, file);
    let lease = store.queue().lease(1, TTL, noon()).unwrap().remove(0);
    assert_eq!(lease.segment.id, id);
    gather(&store.catalog, id, keys);
    store.queue().park(&lease, "draft", noon()).unwrap();
    id
}

#[test]
fn a_parked_segment_is_leased_when_its_last_answer_is_there() {
    let store = Store::new();
    let (catalog, queue) = (&store.catalog, store.queue());
    let id = parked(&store, "gate/a.mp4", &["one", "two"]);
    let batch = intend(catalog);
    let [one, two] = &lines(catalog, &batch)[..] else { panic!("two lines") };

    let years_later = noon() + TimeDelta::days(5000);
    assert!(queue.lease(1, TTL, years_later).unwrap().is_empty());
    assert!(queue.lease_answered(TTL, noon()).unwrap().is_none());
    assert_eq!(catalog.settle_lines(&batch, &[answered(one, "a cat")], noon()).unwrap(), 1);
    assert!(queue.lease_answered(TTL, noon()).unwrap().is_none());
    let refused = failed(two, Fate::Refused("too large".to_owned()));
    assert_eq!(catalog.settle_lines(&batch, &[refused], noon()).unwrap(), 1);
    let (lease, draft) = queue.lease_answered(TTL, noon()).unwrap().unwrap();
    assert_eq!((lease.segment.id, draft.as_str(), lease.attempt), (id, "draft", 1));
    assert!(matches!(catalog.question("two").unwrap(), Some(Known::Refused { .. })));
    assert_eq!(catalog.answer("one").unwrap().unwrap().text, "a cat");
}

#[test]
fn a_line_is_settled_once_however_often_its_file_is_read() {
    let store = Store::new();
    let catalog = &store.catalog;
    parked(&store, "gate/a.mp4", &["one", "two"]);
    let batch = intend(catalog);
    let [one, two] = &lines(catalog, &batch)[..] else { panic!("two lines") };
    let again = Fate::Again { not_before: noon(), reason: "busy".to_owned(), tried: Try::Failed };
    let file = [answered(one, "a cat"), failed(two, again)];
    assert_eq!(catalog.settle_lines(&batch, &file, noon()).unwrap(), 2);
    assert_eq!(catalog.settle_lines(&batch, &file, noon()).unwrap(), 0);
    assert_eq!(catalog.settle_lines(&batch, &[answered("nobody's", "x")], noon()).unwrap(), 0);
    assert_eq!(catalog.spent(noon().date_naive(), None).unwrap().usd, Usd::of_dollars(0.001));

    // The other one goes with another batch, under another name.
    let second = intend(catalog);
    let [line] = &lines(catalog, &second)[..] else { panic!("one line") };
    assert_ne!(line, two);
    assert_eq!(catalog.asked_in(&second).unwrap()[line], Tried { tries: 1, unreadable: 0 });
    assert_eq!(catalog.settle_lines(&batch, &[answered(two, "late")], noon()).unwrap(), 0);
}

#[test]
fn what_does_not_fit_under_a_cap_or_a_limit_stays_gathered() {
    let store = Store::new();
    let catalog = &store.catalog;
    parked(&store, "gate/a.mp4", &["1", "2", "3", "4", "5", "6"]);
    let caps = Caps { calls: Some(3), ..Caps::default() };
    let caps = |_: Option<&str>| DayCaps { all: caps, ..DayCaps::default() };
    let small = BatchLimits { max_lines: 2, ..limits() };
    let first = catalog.intend_batch(&small, &caps, noon()).unwrap();
    assert_eq!((lines(catalog, &first.batch.unwrap()).len(), first.reached.len()), (2, 0));
    let second = catalog.intend_batch(&small, &caps, noon()).unwrap();
    assert_eq!((lines(catalog, &second.batch.unwrap()).len(), second.reached.len()), (1, 1));
    let third = catalog.intend_batch(&small, &caps, noon()).unwrap();
    assert_eq!((third.batch, third.reached.len()), (None, 1));
    assert_eq!(catalog.batches().unwrap().len(), 2);
    assert_eq!(catalog.gathered(noon()).unwrap().lines, 3);
    let narrow = BatchLimits { max_bytes: 2400, ..limits() };
    let by_size = catalog.intend_batch(&narrow, &|_| DayCaps::default(), noon()).unwrap();
    assert_eq!(lines(catalog, &by_size.batch.unwrap()).len(), 2);
}

#[test]
fn what_nobody_will_answer_goes_back_with_its_segment() {
    let store = Store::new();
    let catalog = &store.catalog;
    let first = parked(&store, "gate/a.mp4", &["one", "two"]);
    let batch = intend(catalog);
    let [one, two] = &lines(catalog, &batch)[..] else { panic!("two lines") };
    let dropped = failed(two, Fate::Dropped);
    catalog.settle_lines(&batch, &[answered(one, "a cat"), dropped], noon()).unwrap();
    assert_eq!(store.queue().lease(1, TTL, noon()).unwrap()[0].segment.id, first);

    let second = parked(&store, "gate/b.mp4", &["three"]);
    assert_eq!(catalog.release_gathered(Some("model"), noon()).unwrap(), 0);
    assert_eq!(catalog.release_gathered(None, noon()).unwrap(), 1);
    assert_eq!(store.queue().lease(1, TTL, noon()).unwrap()[0].segment.id, second);
    assert_eq!(catalog.batch_tally().unwrap().segments, 0);
}

#[test]
fn an_answer_that_is_there_is_not_asked_for_again() {
    let store = Store::new();
    let catalog = &store.catalog;
    let first = parked(&store, "gate/a.mp4", &["one"]);
    let batch = intend(catalog);
    let [one] = &lines(catalog, &batch)[..] else { panic!("one line") };
    // Of the same content in another folder.
    gather(catalog, first, &["one"]);
    catalog.settle_lines(&batch, &[answered(one, "a cat")], noon()).unwrap();
    gather(catalog, first, &["one"]);
    assert_eq!(catalog.gathered(noon()).unwrap().lines, 0);
}

#[test]
fn a_dead_process_does_not_end_what_went_with_a_batch() {
    let store = Store::new();
    let catalog = &store.catalog;
    parked(&store, "gate/a.mp4", &["one"]);
    intend(&store.catalog_elsewhere());
    assert_eq!(catalog.settle_calls(noon()).unwrap(), 0);
    assert_eq!(catalog.batch_tally().unwrap().asked, 1);
}

#[test]
fn the_spool_keeps_what_is_needed_and_lets_go_of_the_rest() {
    let store = Store::new();
    let spool = store.catalog.spool();
    let (name, places) = spool.write(&[b"one".to_vec(), b"three".to_vec()]).unwrap();
    assert_eq!(places, [(0, 3), (3, 5)]);
    let id = store.add("gate/a.mp4", "a");
    store.catalog.gather(id, &[NewQuestion { spool: name.clone(), ..question("one") }], noon()).unwrap();
    let (unneeded, _) = spool.write(&[b"two".to_vec()]).unwrap();
    let an_hour_ago = crate::Clock::system().now() - TimeDelta::hours(1);
    for name in [&name, &unneeded] {
        let path = spool.as_ref().join(name);
        std::fs::File::options().append(true).open(path).unwrap().set_modified(an_hour_ago.into()).unwrap();
    }
    let (fresh, _) = spool.write(&[b"four".to_vec()]).unwrap();
    store.catalog.tidy_spool(crate::Clock::system().now()).unwrap();
    assert!(spool.open(&name).is_ok() && spool.open(&fresh).is_ok());
    assert!(spool.open(&unneeded).is_err());
}
