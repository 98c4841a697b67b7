//! What every queue does. A new implementation runs the same table.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use nightreel_catalog::{
    Blame, Finished, GiveBack, Lease, Object, Profile, Queue, QueueStats, Results, Sample, SegmentFacts,
    SegmentId, StartSource, ViewResult,
};

/// Attempts that the queue under test grants.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

const TTL: Duration = Duration::from_secs(60);

/// An empty queue, and a way to make segments that nobody has offered to it yet.
pub(crate) struct Ground<'a> {
    pub(crate) queue: &'a dyn Queue,
    /// Takes the minute of the day at which the footage begins.
    pub(crate) segment: &'a (dyn Fn(u32) -> SegmentId + Sync),
}

type Behaviour = (&'static str, fn(&Ground<'_>));

pub(crate) const BEHAVIOURS: [Behaviour; 18] = [
    ("an empty queue gives nothing", an_empty_queue_gives_nothing),
    ("what is offered is leased once", what_is_offered_is_leased_once),
    ("the oldest footage comes first", the_oldest_footage_comes_first),
    ("offering what waits or is leased changes nothing", offering_again_changes_nothing),
    ("offering what is finished or dead begins again", offering_begins_again),
    ("a lease counts as an attempt", a_lease_counts_as_an_attempt),
    ("a lease that ran out is taken over", a_lease_that_ran_out_is_taken_over),
    ("a lease that is extended stays", a_lease_that_is_extended_stays),
    ("a lost lease changes nothing", a_lost_lease_changes_nothing),
    ("a late worker that nobody replaced may finish", a_late_worker_may_finish),
    ("finishing twice stores once", finishing_twice_stores_once),
    ("what is given back waits its time", what_is_given_back_waits_its_time),
    ("the last failed attempt buries", the_last_failed_attempt_buries),
    ("what lies outside costs no attempt", what_lies_outside_costs_no_attempt),
    ("the last crash buries", the_last_crash_buries),
    ("what is buried is dead at once", what_is_buried_is_dead_at_once),
    ("what is parked is leased with its draft alone", what_is_parked_is_leased_with_its_draft),
    ("nothing is leased twice by eight threads", nothing_is_leased_twice),
];

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(seconds)
}

impl Ground<'_> {
    fn offer_one(&self) -> SegmentId {
        let id = (self.segment)(0);
        assert_eq!(self.queue.offer(&[id], noon()).unwrap(), 1);
        id
    }

    fn lease_one(&self, now: DateTime<Utc>) -> Lease {
        self.queue.lease(1, TTL, now).unwrap().pop().expect("something to lease")
    }

    fn assert_nothing_to_lease(&self, now: DateTime<Utc>) {
        assert_eq!(ids(&self.queue.lease(8, TTL, now).unwrap()), []);
    }

    fn stats(&self, now: DateTime<Utc>) -> QueueStats {
        self.queue.stats(now).unwrap()
    }

    fn fail(&self, lease: &Lease, now: DateTime<Utc>) {
        self.queue.give_back(lease, &back(0, Blame::Segment), now).unwrap();
    }

    /// Returns the dead letters as id, attempts and reason.
    fn dead(&self) -> Vec<(SegmentId, u32, String)> {
        let letters = self.queue.dead().unwrap();
        letters.into_iter().map(|letter| (letter.segment.id, letter.attempts, letter.reason)).collect()
    }
}

fn ids(leases: &[Lease]) -> Vec<SegmentId> {
    leases.iter().map(|lease| lease.segment.id).collect()
}

fn back(seconds: u64, blame: Blame) -> GiveBack {
    GiveBack { reason: "the file moved".to_owned(), delay: Duration::from_secs(seconds), blame }
}

pub(crate) fn results(lease: &Lease) -> Results {
    let object =
        Object { label: "person".to_owned(), score: 0.5, area: [0.1, 0.2, 0.3, 0.4], zones: Vec::new() };
    let view = ViewResult {
        view: "original".to_owned(),
        objects: vec![object],
        caption: Some("a person at the gate".to_owned()),
        description: None,
        jpeg: None,
    };
    let time = "2026-11-22T12:00:00.000Z".to_owned();
    let segment = SegmentFacts {
        camera: None,
        file: lease.segment.path.file_name().unwrap().to_string_lossy().into_owned(),
        start: time.clone(),
        start_source: StartSource::Name,
        duration_s: 60.0,
        frames: 600,
        codec: "h264".to_owned(),
        width: 640,
        height: 360,
        sha256: "ab".repeat(32),
        faults: Vec::new(),
    };
    let profile = Profile {
        id: "profile".to_owned(),
        every_nth_frame: 30,
        sampling: "exact".to_owned(),
        views: vec!["original".to_owned()],
        detector: None,
        vision_model: None,
    };
    Results::new(segment, profile, vec![Sample { frame: 0, time, gate: None, views: vec![view] }], Vec::new())
}

fn an_empty_queue_gives_nothing(ground: &Ground<'_>) {
    (ground.segment)(0);
    ground.assert_nothing_to_lease(noon());
    assert_eq!(ground.stats(noon()), QueueStats::default());
    assert_eq!(ground.stats(noon()).backlog(), 0);
    assert_eq!(ground.dead(), []);
}

fn what_is_offered_is_leased_once(ground: &Ground<'_>) {
    let id = ground.offer_one();
    assert_eq!(ground.stats(noon()).queued, 1);
    let lease = ground.lease_one(noon());
    assert_eq!((lease.segment.id, lease.attempt, lease.until), (id, 1, noon() + TTL));
    ground.assert_nothing_to_lease(noon());
    let stats = ground.stats(noon());
    assert_eq!((stats.queued, stats.leased, stats.backlog()), (0, 1, 1));
    assert_eq!(stats.next_available, Some(lease.until));
    assert_eq!(ground.queue.finish(&lease, &results(&lease), noon()).unwrap(), Finished::Stored);
    ground.assert_nothing_to_lease(after(3600));
    assert_eq!(ground.stats(noon()), QueueStats::default());
}

fn the_oldest_footage_comes_first(ground: &Ground<'_>) {
    let [late, early, middle] = [30, 10, 20].map(ground.segment);
    assert_eq!(ground.queue.offer(&[late, early, middle], noon()).unwrap(), 3);
    assert_eq!(ids(&ground.queue.lease(2, TTL, noon()).unwrap()), [early, middle]);
    assert_eq!(ids(&ground.queue.lease(2, TTL, noon()).unwrap()), [late]);
    // What ran out takes its turn by its age too, before what waits.
    let last = (ground.segment)(40);
    ground.queue.offer(&[last], noon()).unwrap();
    assert_eq!(ids(&ground.queue.lease(9, TTL, after(60)).unwrap()), [early, middle, late, last]);
}

fn offering_again_changes_nothing(ground: &Ground<'_>) {
    let id = ground.offer_one();
    assert_eq!(ground.queue.offer(&[id], noon()).unwrap(), 0);
    let lease = ground.lease_one(noon());
    assert_eq!(ground.queue.offer(&[id], after(1)).unwrap(), 0);
    ground.assert_nothing_to_lease(after(1));
    assert_eq!(ground.queue.finish(&lease, &results(&lease), after(2)).unwrap(), Finished::Stored);
}

fn offering_begins_again(ground: &Ground<'_>) {
    let id = ground.offer_one();
    let lease = ground.lease_one(noon());
    ground.queue.finish(&lease, &results(&lease), noon()).unwrap();
    assert_eq!(ground.queue.offer(&[id], noon()).unwrap(), 1);
    ground.queue.bury(&ground.lease_one(noon()), "no use").unwrap();
    assert_eq!(ground.dead().len(), 1);
    assert_eq!(ground.queue.offer(&[id], noon()).unwrap(), 1);
    assert_eq!(ground.dead(), []);
    assert_eq!(ground.lease_one(noon()).attempt, 1);
}

fn a_lease_counts_as_an_attempt(ground: &Ground<'_>) {
    ground.offer_one();
    ground.fail(&ground.lease_one(noon()), noon());
    // This one crashes: nobody says anything until the time is over.
    assert_eq!(ground.lease_one(noon()).attempt, 2);
    assert_eq!(ground.lease_one(after(60)).attempt, 3);
}

fn a_lease_that_ran_out_is_taken_over(ground: &Ground<'_>) {
    let id = ground.offer_one();
    ground.lease_one(noon());
    ground.assert_nothing_to_lease(after(59));
    assert_eq!(ground.lease_one(after(60)).segment.id, id);
}

fn a_lease_that_is_extended_stays(ground: &Ground<'_>) {
    ground.offer_one();
    let lease = ground.lease_one(noon());
    assert!(ground.queue.extend(&lease, TTL, after(50)).unwrap());
    ground.assert_nothing_to_lease(after(109));
    ground.lease_one(after(110));
    assert!(!ground.queue.extend(&lease, TTL, after(110)).unwrap());
}

fn a_lost_lease_changes_nothing(ground: &Ground<'_>) {
    ground.offer_one();
    let lost = ground.lease_one(noon());
    let held = ground.lease_one(after(60));
    assert_eq!(ground.queue.finish(&lost, &results(&lost), after(61)).unwrap(), Finished::LeaseLost);
    ground.queue.give_back(&lost, &back(0, Blame::Segment), after(61)).unwrap();
    ground.queue.bury(&lost, "no use").unwrap();
    assert!(!ground.queue.extend(&lost, TTL, after(61)).unwrap());
    ground.assert_nothing_to_lease(after(61));
    assert_eq!(ground.dead(), []);
    assert_eq!(ground.queue.finish(&held, &results(&held), after(61)).unwrap(), Finished::Stored);
}

fn a_late_worker_may_finish(ground: &Ground<'_>) {
    ground.offer_one();
    let lease = ground.lease_one(noon());
    assert_eq!(ground.queue.finish(&lease, &results(&lease), after(600)).unwrap(), Finished::Stored);
    ground.assert_nothing_to_lease(after(600));
}

fn finishing_twice_stores_once(ground: &Ground<'_>) {
    ground.offer_one();
    let lease = ground.lease_one(noon());
    let results = results(&lease);
    assert_eq!(ground.queue.finish(&lease, &results, noon()).unwrap(), Finished::Stored);
    assert_eq!(ground.queue.finish(&lease, &results, noon()).unwrap(), Finished::LeaseLost);
    assert_eq!(ground.stats(noon()), QueueStats::default());
}

fn what_is_given_back_waits_its_time(ground: &Ground<'_>) {
    let id = ground.offer_one();
    let lease = ground.lease_one(noon());
    ground.queue.give_back(&lease, &back(30, Blame::Segment), noon()).unwrap();
    ground.assert_nothing_to_lease(after(29));
    let stats = ground.stats(after(29));
    assert_eq!((stats.queued, stats.delayed, stats.leased), (0, 1, 0));
    assert_eq!(stats.next_available, Some(after(30)));
    assert_eq!(ground.stats(after(30)).queued, 1);
    assert_eq!(ground.lease_one(after(30)).segment.id, id);
}

fn the_last_failed_attempt_buries(ground: &Ground<'_>) {
    let id = ground.offer_one();
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(ground.dead(), []);
        let lease = ground.lease_one(noon());
        assert_eq!(lease.attempt, attempt);
        ground.fail(&lease, noon());
    }
    ground.assert_nothing_to_lease(after(3600));
    assert_eq!(ground.dead(), [(id, MAX_ATTEMPTS, "the file moved".to_owned())]);
    let stats = ground.stats(noon());
    assert_eq!((stats.dead, stats.backlog()), (1, 0));
}

fn what_lies_outside_costs_no_attempt(ground: &Ground<'_>) {
    ground.offer_one();
    for _ in 0..2 * MAX_ATTEMPTS {
        let lease = ground.lease_one(noon());
        assert_eq!(lease.attempt, 1);
        ground.queue.give_back(&lease, &back(0, Blame::Outside), noon()).unwrap();
    }
    assert_eq!(ground.dead(), []);
}

fn the_last_crash_buries(ground: &Ground<'_>) {
    let id = ground.offer_one();
    for attempt in 0..MAX_ATTEMPTS {
        ground.lease_one(after(i64::from(attempt) * 60));
    }
    ground.assert_nothing_to_lease(after(3600));
    let dead = ground.dead();
    assert_eq!((dead[0].0, dead[0].1, dead.len()), (id, MAX_ATTEMPTS, 1));
    assert!(dead[0].2.contains("died"), "{dead:?}");
}

fn what_is_parked_is_leased_with_its_draft(ground: &Ground<'_>) {
    let id = ground.offer_one();
    let queue = ground.queue;
    let lease = queue.lease(1, TTL, noon()).unwrap().remove(0);
    queue.park(&lease, "what was seen", noon()).unwrap();
    assert_eq!(queue.stats(noon()).unwrap().backlog(), 1);
    assert_eq!(queue.offer(&[id], after(1)).unwrap(), 0);
    assert!(queue.lease(1, TTL, after(1_000_000)).unwrap().is_empty());
    queue.park(&lease, "too late", noon()).unwrap();
    let (again, draft) = queue.lease_answered(TTL, after(1)).unwrap().unwrap();
    assert_eq!((again.segment.id, draft.as_str(), again.attempt), (id, "what was seen", 1));
    assert!(queue.lease_answered(TTL, after(2)).unwrap().is_none());
    let back = GiveBack { reason: "another file".to_owned(), delay: Duration::ZERO, blame: Blame::Outside };
    queue.give_back(&again, &back, after(3)).unwrap();
    assert!(queue.lease_answered(TTL, after(3)).unwrap().is_none());
    assert_eq!(queue.lease(1, TTL, after(3)).unwrap()[0].segment.id, id);
}

fn what_is_buried_is_dead_at_once(ground: &Ground<'_>) {
    let id = ground.offer_one();
    ground.queue.bury(&ground.lease_one(noon()), "not a video").unwrap();
    ground.assert_nothing_to_lease(after(3600));
    assert_eq!(ground.dead(), [(id, 1, "not a video".to_owned())]);
}

fn nothing_is_leased_twice(ground: &Ground<'_>) {
    const SEGMENTS: usize = 96;
    let offered: Vec<SegmentId> = (0..SEGMENTS as u32).map(ground.segment).collect();
    ground.queue.offer(&offered, noon()).unwrap();
    let leased = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let leased = &leased;
            scope.spawn(move || {
                loop {
                    let leases = ground.queue.lease(1 + thread % 3, TTL, noon()).unwrap();
                    if leases.is_empty() {
                        return;
                    }
                    for lease in &leases {
                        let finished = ground.queue.finish(lease, &results(lease), noon()).unwrap();
                        assert_eq!(finished, Finished::Stored);
                    }
                    leased.lock().unwrap().extend(ids(&leases));
                }
            });
        }
    });
    let leased = leased.into_inner().unwrap();
    assert_eq!(leased.len(), SEGMENTS);
    assert_eq!(leased.into_iter().collect::<HashSet<_>>(), offered.into_iter().collect());
}
