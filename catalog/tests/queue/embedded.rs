//! The queue embedded in the catalogue keeps the contract, and knows at once whose process died.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use nightreel_catalog::{
    Catalog, ClockSource, ClosedSegment, FileStat, Finished, MediaFolder, Queue, SegmentId, SegmentState,
    SqliteQueue,
};
use tempfile::TempDir;

use crate::suite::{BEHAVIOURS, Ground, MAX_ATTEMPTS, results};

const TTL: Duration = Duration::from_secs(20 * 60);

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn stat(number: u32) -> FileStat {
    FileStat { size: 1000, mtime_ns: i64::from(number), inode: u64::from(number) }
}

/// A file that was named, and that no run has offered yet.
fn named(catalog: &Catalog, minute: u32) -> SegmentId {
    let path = format!("/footage/segment_20261122_{:02}{:02}00.mp4", minute / 60, minute % 60);
    catalog.index_named_file(&PathBuf::from(path), stat(minute), noon()).unwrap().id
}

fn open(folder: &TempDir) -> Catalog {
    Catalog::open(folder.path()).unwrap()
}

#[test]
fn the_contract_is_kept() {
    for (name, behaviour) in BEHAVIOURS {
        eprintln!("{name}");
        let folder = tempfile::tempdir().unwrap();
        let catalog = open(&folder);
        let queue = SqliteQueue::new(catalog.clone(), MAX_ATTEMPTS);
        behaviour(&Ground { queue: &queue, segment: &|minute| named(&catalog, minute) });
    }
}

#[test]
fn the_contract_is_kept_by_several_processes() {
    // Another handle is to SQLite and to the locks as another process.
    for (name, behaviour) in BEHAVIOURS {
        eprintln!("{name}");
        let folder = tempfile::tempdir().unwrap();
        let makes_segments = open(&folder);
        let queue = SqliteQueue::new(open(&folder), MAX_ATTEMPTS).scoped();
        behaviour(&Ground { queue: &queue, segment: &|minute| named(&makes_segments, minute) });
    }
}

#[test]
fn nothing_is_leased_twice_by_several_processes() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let offered: Vec<SegmentId> = (0..48).map(|minute| named(&catalog, minute)).collect();
    SqliteQueue::new(catalog, 3).offer(&offered, noon()).unwrap();
    let work = || {
        let queue = SqliteQueue::new(open(&folder), 3);
        let mut leased = Vec::new();
        while let Some(lease) = queue.lease(1, TTL, noon()).unwrap().pop() {
            assert_eq!(queue.finish(&lease, &results(&lease), noon()).unwrap(), Finished::Stored);
            leased.push(lease.segment.id);
        }
        leased
    };
    let mut leased: Vec<SegmentId> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    leased.sort();
    assert_eq!(leased, offered);
}

#[test]
fn the_lease_of_a_dead_process_is_taken_over_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (dying, living) = (SqliteQueue::new(open(&folder), 3), SqliteQueue::new(open(&folder), 3));
    let id = named(&open(&folder), 0);
    living.offer(&[id], noon()).unwrap();
    dying.lease(1, TTL, noon()).unwrap().pop().unwrap();
    assert!(living.lease(1, TTL, noon()).unwrap().is_empty());
    drop(dying);
    let lease = living.lease(1, TTL, noon()).unwrap().pop().unwrap();
    assert_eq!((lease.segment.id, lease.attempt), (id, 2));
}

#[test]
fn a_run_sees_only_what_was_offered_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let (one, other) =
        (SqliteQueue::new(catalog.clone(), 3).scoped(), SqliteQueue::new(catalog.clone(), 3).scoped());
    let ids = [named(&catalog, 0), named(&catalog, 1)];
    one.offer(&ids[..1], noon()).unwrap();
    other.offer(&ids[1..], noon()).unwrap();
    let lease = one.lease(9, TTL, noon()).unwrap().pop().unwrap();
    assert_eq!(lease.segment.id, ids[0]);
    one.bury(&lease, "no use").unwrap();
    assert_eq!((one.dead().unwrap().len(), other.dead().unwrap().len()), (1, 0));
    assert_eq!(other.stats(noon()).unwrap().queued, 1);
}

#[test]
fn a_run_takes_up_what_a_killed_run_had_leased() {
    let folder = tempfile::tempdir().unwrap();
    let killed = SqliteQueue::new(open(&folder), 3).scoped();
    let catalog = open(&folder);
    let id = named(&catalog, 0);
    killed.offer(&[id], noon()).unwrap();
    killed.lease(1, TTL, noon()).unwrap();
    let again = SqliteQueue::new(catalog, 3).scoped();
    assert_eq!(again.offer(&[id], noon()).unwrap(), 0, "another run works on it");
    drop(killed);
    assert_eq!(again.offer(&[id], noon()).unwrap(), 1);
    assert_eq!(again.lease(1, TTL, noon()).unwrap()[0].segment.id, id);
}

#[test]
fn results_and_the_end_of_the_lease_come_together() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let queue = SqliteQueue::new(catalog.clone(), 3);
    let id = named(&catalog, 0);
    queue.offer(&[id], noon()).unwrap();
    let lease = queue.lease(1, TTL, noon()).unwrap().pop().unwrap();
    let mut broken = results(&lease);
    // The same frame twice cannot be stored: the lease must still be there afterwards.
    broken.samples.push(broken.samples[0].clone());
    queue.finish(&lease, &broken, noon()).unwrap_err();
    assert!(!catalog.has_results(id, "profile").unwrap());
    assert_eq!(catalog.segment(id).unwrap().state, SegmentState::Ready);
    assert_eq!(queue.finish(&lease, &results(&lease), noon()).unwrap(), Finished::Stored);
    assert_eq!(catalog.segment(id).unwrap().state, SegmentState::Processed);
}

#[test]
fn what_is_gone_holds_up_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let queue = SqliteQueue::new(catalog.clone(), 3);
    let id = named(&catalog, 0);
    queue.offer(&[id], noon()).unwrap();
    let media = MediaFolder::new(catalog.clone(), None);
    media.move_into(id, Some(nightreel_catalog::PROCESSED)).unwrap();
    assert_eq!(catalog.segment(id).unwrap().state, SegmentState::Missing);
    assert!(queue.lease(1, TTL, noon()).unwrap().is_empty());
    assert_eq!(queue.stats(noon()).unwrap().backlog(), 0);
    let deleted = named(&catalog, 1);
    media.delete(deleted).unwrap();
    assert_eq!(queue.offer(&[deleted], noon()).unwrap(), 0);
}

#[test]
fn a_dropped_dead_letter_is_forgotten_and_stays_failed() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let queue = SqliteQueue::new(catalog.clone(), 3);
    let ids = [named(&catalog, 0), named(&catalog, 1)];
    queue.offer(&ids, noon()).unwrap();
    queue.bury(&queue.lease(1, TTL, noon()).unwrap()[0], "not a video").unwrap();
    ids.iter().for_each(|id| catalog.drop_job(*id).unwrap());
    assert!(queue.dead().unwrap().is_empty());
    let dropped = catalog.segment(ids[0]).unwrap();
    assert_eq!((dropped.state, dropped.reason.as_deref()), (SegmentState::Failed, Some("not a video")));
    // Only dead letters are dropped.
    assert_eq!(queue.stats(noon()).unwrap().queued, 1);
}

#[test]
fn a_better_start_changes_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = open(&folder);
    let queue = SqliteQueue::new(catalog.clone(), 3);
    let closed = |number, start: &str| ClosedSegment {
        camera: "gate".parse().unwrap(),
        path: format!("gate/{number}.mp4").into(),
        start: start.parse().unwrap(),
        clock: ClockSource::ReceiveTime,
        duration: Duration::from_secs(60),
        stat: stat(number),
    };
    let early = catalog.add_recorded(&closed(1, "2026-11-22T10:00:00Z"), noon()).unwrap();
    let late = catalog.add_recorded(&closed(2, "2026-11-22T11:00:00Z"), noon()).unwrap();
    assert_eq!(catalog.add_recorded(&closed(1, "2026-11-22T11:30:00Z"), noon()).unwrap(), early);
    let leases = queue.lease(2, TTL, noon()).unwrap();
    assert_eq!([leases[0].segment.id, leases[1].segment.id], [late, early]);
}
