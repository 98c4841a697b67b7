//! Plans made and carried out over a real catalogue and media folder.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::{
    Catalog, CatalogError, ClockSource, ClosedSegment, FileStat, Hold, MediaFolder, MediaRoot, OnHold,
    Profile, Queue, Results, SegmentFacts, SegmentId, SegmentState, SqliteQueue, StartSource, sidecar_of,
};
use chrono::{DateTime, TimeDelta, Utc};
use config::{AfterProcessing, Retention};
use nightreel_retention::{Applied, Entry, Outcome, Plan, Retainer, RetentionError, Room, Verdict, measure};

const DAY: Duration = Duration::from_secs(86_400);
const LEASE: Duration = Duration::from_secs(600);
const FILE_SIZE: u64 = 1000;

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn days_ago(days: i64) -> DateTime<Utc> {
    now() - TimeDelta::days(days)
}

fn policy() -> Retention {
    Retention::default()
}

fn aged(days: u32) -> Retention {
    Retention { max_age: Some(DAY * days), ..policy() }
}

/// A root with footage of the camera `gate`.
struct Footage {
    _folder: tempfile::TempDir,
    catalog: Catalog,
    root: MediaRoot,
    queue: SqliteQueue,
}

impl Footage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("state")).unwrap();
        let root = MediaRoot::open(&catalog, &folder.path().join("media")).unwrap();
        catalog.note_run(now()).unwrap();
        let queue = SqliteQueue::new(catalog.clone(), 3);
        Self { _folder: folder, catalog, root, queue }
    }

    fn retainer(&self, policy: Retention) -> Retainer {
        Retainer::new(self.catalog.clone(), self.root.clone(), policy)
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// Adds a segment that waits to be processed.
    fn record(&self, name: &str, start: DateTime<Utc>) -> SegmentId {
        let path = PathBuf::from("gate").join(name);
        let file = self.root.path().join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, vec![0; FILE_SIZE as usize]).unwrap();
        let closed = ClosedSegment {
            camera: "gate".parse().unwrap(),
            path,
            start,
            clock: ClockSource::ReceiveTime,
            duration: Duration::from_secs(60),
            stat: FileStat::of(&file.metadata().unwrap()),
        };
        self.catalog.add_recorded(&closed, now()).unwrap()
    }

    /// Adds a segment with its results; whatever waits is processed with it.
    fn process(&self, name: &str, start: DateTime<Utc>) -> SegmentId {
        let id = self.record(name, start);
        for lease in self.queue.lease(200, LEASE, now()).unwrap() {
            let file = self.root.path().join(&lease.segment.path);
            std::fs::write(sidecar_of(&file), "{}").unwrap();
            self.queue.finish(&lease, &results(name), now()).unwrap();
        }
        id
    }

    fn state(&self, id: SegmentId) -> SegmentState {
        self.catalog.segment(id).unwrap().state
    }

    /// Every file in the camera's folder, sidecars too.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.path("gate")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(self.root.path()).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        found
    }
}

fn results(name: &str) -> Results {
    let segment = SegmentFacts {
        camera: Some("gate".to_owned()),
        file: name.to_owned(),
        start: "2026-11-22T12:00:00.000Z".to_owned(),
        start_source: StartSource::Recorder,
        duration_s: 60.0,
        frames: 600,
        codec: "h264".to_owned(),
        width: 16,
        height: 16,
        sha256: "00".repeat(32),
        faults: Vec::new(),
    };
    let profile = Profile {
        id: "p".to_owned(),
        every_nth_frame: 30,
        sampling: "exact".to_owned(),
        views: Vec::new(),
        detector: None,
        vision_model: None,
    };
    Results::new(segment, profile, Vec::new(), Vec::new())
}

fn go_on(_: SegmentId, _: Result<Outcome, &CatalogError>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn entries(retainer: &Retainer) -> (Plan, Vec<Entry>) {
    let mut entries = Vec::new();
    let plan = retainer.plan(now(), |entry| entries.push(entry.clone())).unwrap();
    (plan, entries)
}

fn verdicts(entries: &[Entry]) -> Vec<(String, Verdict)> {
    entries.iter().map(|e| (e.file.display().to_string(), e.verdict)).collect()
}

fn apply(retainer: &Retainer, plan: &Plan) -> Applied {
    retainer.apply(plan, now(), go_on).unwrap()
}

#[test]
fn processed_footage_moves_with_its_sidecar() {
    let footage = Footage::new();
    let id = footage.process("a.mp4", days_ago(1));
    footage.record("b.mp4", days_ago(0));
    let retainer = footage.retainer(policy());
    let applied = apply(&retainer, &retainer.plan(now(), |_| {}).unwrap());
    assert_eq!((applied.moved.segments, applied.moved.bytes), (1, FILE_SIZE));
    assert_eq!(footage.files(), ["gate/b.mp4", "gate/processed/a.mp4", "gate/processed/a.mp4.json"]);
    assert_eq!(footage.catalog.segment(id).unwrap().path, Path::new("gate/processed/a.mp4"));
    let again = retainer.plan(now(), |_| {}).unwrap();
    assert_eq!(again.totals.keep.segments, 2, "a second run finds nothing to do");
}

#[test]
fn old_footage_is_deleted_and_what_was_seen_is_kept() {
    let footage = Footage::new();
    let old = footage.process("old.mp4", days_ago(31));
    let young = footage.process("young.mp4", days_ago(29));
    let waiting = footage.record("waiting.mp4", days_ago(40));
    let retainer = footage.retainer(aged(30));
    let plan = retainer.plan(now(), |_| {}).unwrap();
    let applied = apply(&retainer, &plan);
    assert_eq!((applied.deleted.segments, applied.deleted.bytes, applied.failed), (1, FILE_SIZE, 0));
    assert_eq!(
        footage.files(),
        ["gate/processed/young.mp4", "gate/processed/young.mp4.json", "gate/waiting.mp4"]
    );
    use SegmentState::{Deleted, Processed, Ready};
    assert_eq!([old, young, waiting].map(|id| footage.state(id)), [Deleted, Processed, Ready]);
    assert!(footage.catalog.results(old, "p").unwrap().is_some());
}

#[test]
fn a_plan_alone_touches_no_file() {
    let footage = Footage::new();
    let id = footage.process("a.mp4", days_ago(31));
    footage.record("b.mp4", days_ago(1));
    let before = footage.files();
    let retainer = footage.retainer(aged(30));
    let (_, first) = entries(&retainer);
    assert_eq!(
        verdicts(&first),
        [("gate/a.mp4".to_owned(), Verdict::Delete), ("gate/b.mp4".to_owned(), Verdict::Keep)]
    );
    assert_eq!((footage.files(), footage.state(id)), (before, SegmentState::Processed));
    let (_, second) = entries(&retainer);
    assert_eq!(second, first, "the dry run and the real one plan the same");
}

#[test]
fn what_was_queued_or_leased_since_the_plan_is_left_alone() {
    let footage = Footage::new();
    let leased = footage.process("leased.mp4", days_ago(32));
    let queued = footage.process("queued.mp4", days_ago(31));
    let retainer = footage.retainer(aged(30));
    let plan = retainer.plan(now(), |_| {}).unwrap();
    footage.queue.offer(&[leased, queued], now()).unwrap();
    let leases = footage.queue.lease(1, LEASE, now()).unwrap();
    assert_eq!(leases[0].segment.id, leased);
    let applied = apply(&retainer, &plan);
    assert_eq!((applied.left_alone, applied.deleted.segments), (2, 0));
    assert!(footage.path("gate/leased.mp4").exists() && footage.path("gate/queued.mp4").exists());
}

#[test]
fn a_segment_that_is_gone_since_the_plan_is_left_alone() {
    let footage = Footage::new();
    footage.process("a.mp4", days_ago(31));
    let retainer = footage.retainer(aged(30));
    let plan = retainer.plan(now(), |_| {}).unwrap();
    assert_eq!(apply(&retainer, &plan).deleted.segments, 1);
    assert_eq!(apply(&retainer, &plan).left_alone, 1);
}

#[test]
fn the_floor_frees_the_oldest_processed_and_no_more() {
    let footage = Footage::new();
    for (name, days) in [("a.mp4", 4), ("b.mp4", 3), ("c.mp4", 2)] {
        footage.process(name, days_ago(days));
    }
    footage.record("older.mp4", days_ago(9));
    let huge = blow_up(&footage);
    let floor = measure(footage.root.path()).unwrap().free + huge + huge / 2;
    let retainer = footage.retainer(Retention { min_free: Some(floor), ..policy() });
    assert!(retainer.is_below(floor).unwrap());
    let (plan, entries) = entries(&retainer);
    let deleted = entries.iter().filter(|e| e.verdict == Verdict::Delete).map(|e| e.file.as_path());
    assert_eq!(deleted.collect::<Vec<_>>(), [Path::new("gate/a.mp4"), Path::new("gate/b.mp4")]);
    assert_eq!((plan.totals.for_floor.segments, plan.totals.shortfall), (2, 0));
    let Room { applied, lacking, .. } = retainer.make_room(floor, now()).unwrap();
    assert_eq!((applied.for_floor.segments, lacking), (2, 0), "room at once is the same room");
    assert_eq!(footage.files(), ["gate/c.mp4", "gate/c.mp4.json", "gate/older.mp4"]);
}

/// Makes all footage huge, without taking room: what other programs write to this disk meanwhile does not count beside
/// it. Returns the size of each.
fn blow_up(footage: &Footage) -> u64 {
    let huge = 1 << 40;
    let raw = rusqlite::Connection::open(footage.catalog.path()).unwrap();
    for file in footage.files().iter().filter(|file| file.ends_with(".mp4")) {
        let path = footage.path(file);
        std::fs::File::options().write(true).open(&path).unwrap().set_len(huge).unwrap();
        let stat = FileStat::of(&path.metadata().unwrap());
        let row = (stat.size as i64, stat.mtime_ns, file);
        raw.execute("UPDATE segment SET size = ?1, mtime_ns = ?2 WHERE path = ?3", row).unwrap();
    }
    huge
}

#[test]
fn a_floor_above_the_disk_is_refused_and_one_out_of_reach_costs_nothing_in_vain() {
    let footage = Footage::new();
    footage.process("a.mp4", days_ago(2));
    footage.record("b.mp4", days_ago(1));
    let total = measure(footage.root.path()).unwrap().total;
    let impossible = footage.retainer(Retention { min_free: Some(total), ..policy() });
    let refused = impossible.check_floor().unwrap_err().to_string();
    assert!(refused.contains("retention.min_free_gb"), "{refused}");
    assert!(impossible.without_floor().check_floor().is_ok());
    // Others fill the disk: a thousand bytes less of footage are nothing.
    let out_of_reach = footage.retainer(Retention { min_free: Some(total - 1), ..policy() });
    out_of_reach.check_floor().unwrap();
    let pass = out_of_reach.pass(now(), go_on).unwrap();
    assert_eq!((pass.applied.for_floor.segments, pass.applied.moved.segments), (0, 1));
    assert!(pass.totals.shortfall > 0 && pass.totals.floor < total / 2 && pass.totals.others() > 0);
    assert_eq!(footage.files(), ["gate/b.mp4", "gate/processed/a.mp4", "gate/processed/a.mp4.json"]);
}

#[test]
fn an_unprotected_floor_takes_what_waits_but_not_what_is_leased() {
    let footage = Footage::new();
    footage.record("a.mp4", days_ago(2));
    footage.record("b.mp4", days_ago(1));
    let huge = blow_up(&footage);
    let leases = footage.queue.lease(1, LEASE, now()).unwrap();
    let floor = measure(footage.root.path()).unwrap().free + huge / 2;
    let policy = Retention { min_free: Some(floor), protect_unprocessed: false, ..policy() };
    footage.retainer(policy).pass(now(), go_on).unwrap();
    assert_eq!(footage.files(), ["gate/a.mp4"]);
    assert_eq!(leases[0].segment.path, Path::new("gate/a.mp4"));
}

#[test]
fn a_policy_that_would_delete_much_at_once_waits_and_the_floor_does_not() {
    let footage = Footage::new();
    for number in 0..150 {
        footage.record(&format!("{number}.mp4"), days_ago(40) + TimeDelta::minutes(number));
    }
    footage.process("young.mp4", days_ago(1));
    let huge = blow_up(&footage);
    let retainer = footage.retainer(aged(30));
    let pass = retainer.pass(now(), go_on).unwrap();
    let guarded = pass.guarded.unwrap();
    assert_eq!((guarded.delete.segments, guarded.of.segments), (150, 151));
    assert_eq!((pass.applied.deleted.segments, pass.applied.moved.segments), (0, 151));
    let floor = measure(footage.root.path()).unwrap().free + huge / 2;
    let pressed = footage.retainer(Retention { min_free: Some(floor), ..aged(30) });
    let pass = pressed.pass(now(), go_on).unwrap();
    assert_eq!((pass.applied.deleted.segments, pass.applied.for_floor.segments), (1, 1));
    assert!(pass.guarded.is_some());
    let plan = retainer.plan(now(), |_| {}).unwrap();
    assert_eq!(apply(&retainer, &plan).deleted.segments, 149, "somebody agreed");
}

#[test]
fn what_is_on_hold_stays_where_it_is_until_it_is_taken_back() {
    let footage = Footage::new();
    let held = footage.process("held.mp4", days_ago(40));
    footage.process("old.mp4", days_ago(40));
    let retainer = footage.retainer(aged(30));
    let plan = retainer.plan(now(), |_| {}).unwrap();
    let hold = Hold { since: now(), until: None, reason: Some("police".to_owned()) };
    footage.catalog.hold(&OnHold::Segment(held), &hold).unwrap();
    let applied = apply(&retainer, &plan);
    assert_eq!((applied.deleted.segments, applied.left_alone), (1, 1), "held after it was planned");
    assert_eq!(retainer.after_processed(held, now()).unwrap(), Outcome::Kept);
    let (_, entries) = entries(&retainer);
    assert_eq!(verdicts(&entries), [("gate/held.mp4".to_owned(), Verdict::Keep)]);
    assert_eq!(retainer.future(held, now()).unwrap().unwrap().entry, entries[0]);
    footage.catalog.release_hold(&OnHold::Segment(held)).unwrap();
    assert_eq!(retainer.pass(now(), go_on).unwrap().applied.deleted.segments, 1);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "takes away the obstacle it has put there")]
fn one_file_that_fails_is_reported_and_does_not_stop_the_rest() {
    let footage = Footage::new();
    footage.process("x/a.mp4", days_ago(3));
    footage.process("b.mp4", days_ago(2));
    // A file where the folder of the first is to be.
    let obstacle = footage.path("gate/processed/x");
    std::fs::create_dir_all(footage.path("gate/processed")).unwrap();
    std::fs::write(&obstacle, "").unwrap();
    let retainer = footage.retainer(policy());
    let mut told = Vec::new();
    let applied = retainer
        .apply(&retainer.plan(now(), |_| {}).unwrap(), now(), |_, outcome| {
            told.push(outcome.ok());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(told, [None, Some(Outcome::Moved)]);
    assert_eq!((applied.moved.segments, applied.failed), (1, 1));
    assert_eq!(applied.failures[0].file, Path::new("gate/x/a.mp4"));
    assert!(footage.path("gate/x/a.mp4").exists());
    std::fs::remove_file(obstacle).unwrap();
    retainer.pass(now(), go_on).unwrap();
    assert!(footage.path("gate/processed/x/a.mp4.json").exists(), "the next pass finishes it");
}

#[test]
fn a_root_that_is_not_the_right_one_ends_it() {
    let footage = Footage::new();
    footage.process("a.mp4", days_ago(33));
    footage.process("b.mp4", days_ago(32));
    let retainer = footage.retainer(aged(30));
    let plan = retainer.plan(now(), |_| {}).unwrap();
    let id_file = footage.path(".nightreel-root");
    let id = std::fs::read(&id_file).unwrap();
    let error = retainer
        .apply(&plan, now(), |_, _| {
            std::fs::write(&id_file, "another").unwrap();
            ControlFlow::Continue(())
        })
        .unwrap_err();
    let wrong_root =
        |e: &RetentionError| matches!(e, RetentionError::Catalog(CatalogError::RootChanged { .. }));
    assert!(wrong_root(&error), "{error}");
    assert!(wrong_root(&retainer.plan(now(), |_| {}).unwrap_err()));
    assert!(wrong_root(&retainer.pass(now(), go_on).unwrap_err()));
    assert_eq!(footage.files(), ["gate/b.mp4", "gate/b.mp4.json"]);
    std::fs::write(&id_file, id).unwrap();
    retainer.pass(now(), go_on).unwrap();
    assert!(footage.files().is_empty(), "with the right disk back, the rest follows");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "stands in for the killed pass")]
fn the_next_pass_finishes_what_a_killed_one_began() {
    let footage = Footage::new();
    let marked = footage.process("marked.mp4", days_ago(3));
    let unlinked = footage.process("unlinked.mp4", days_ago(2));
    let moving = footage.process("moving.mp4", days_ago(1));
    mark(&footage, "intent = 'delete'", marked);
    mark(&footage, "intent = 'delete'", unlinked);
    std::fs::remove_file(footage.path("gate/unlinked.mp4")).unwrap();
    mark(&footage, "intent = 'move', intent_path = 'gate/processed/moving.mp4'", moving);
    std::fs::create_dir(footage.path("gate/processed")).unwrap();
    std::fs::rename(footage.path("gate/moving.mp4"), footage.path("gate/processed/moving.mp4")).unwrap();
    let retainer = footage.retainer(policy());
    assert!(entries(&retainer).1.is_empty(), "what is on its way is nobody else's");
    let pass = retainer.pass(now(), go_on).unwrap();
    use SegmentState::{Deleted, Processed};
    assert_eq!([marked, unlinked, moving].map(|id| footage.state(id)), [Deleted, Deleted, Processed]);
    assert_eq!(footage.files(), ["gate/processed/moving.mp4", "gate/processed/moving.mp4.json"]);
    assert_eq!(pass.totals.keep.segments, 1);
}

/// Notes an intent as the first phase of a move or deletion does.
fn mark(footage: &Footage, intent: &str, id: SegmentId) {
    let raw = rusqlite::Connection::open(footage.catalog.path()).unwrap();
    raw.execute(&format!("UPDATE segment SET {intent} WHERE id = ?1"), [id.0]).unwrap();
}

#[test]
fn a_listener_that_breaks_ends_it_early() {
    let footage = Footage::new();
    footage.process("a.mp4", days_ago(2));
    footage.process("b.mp4", days_ago(1));
    let retainer = footage.retainer(policy());
    let pass = retainer.pass(now(), |_, _| ControlFlow::Break(())).unwrap();
    assert_eq!(pass.applied.moved.segments, 1);
    assert!(footage.path("gate/b.mp4").exists());
    let pass = retainer.pass(now(), go_on).unwrap();
    assert_eq!(pass.applied.moved.segments, 1);
}

#[test]
fn a_clock_that_jumped_deletes_nothing_by_age_until_confirmed() {
    let footage = Footage::new();
    footage.process("a.mp4", days_ago(1));
    let retainer = footage.retainer(Retention { after_processing: AfterProcessing::Keep, ..aged(30) });
    let later = now() + TimeDelta::days(400);
    let pass = retainer.pass(later, go_on).unwrap();
    assert!(pass.totals.doubt.is_some());
    assert_eq!((pass.totals.withheld.segments, pass.applied.deleted.segments), (1, 0));
    footage.catalog.confirm_clock().unwrap();
    assert_eq!(retainer.pass(later, go_on).unwrap().applied.deleted.segments, 1);
}

#[test]
fn what_follows_processing_happens_to_the_one_segment() {
    let footage = Footage::new();
    let old = footage.process("old.mp4", days_ago(31));
    let other = footage.process("other.mp4", days_ago(1));
    let retainer = footage.retainer(Retention { min_free: Some(u64::MAX / 2), ..aged(30) });
    assert_eq!(retainer.after_processed(old, now()).unwrap(), Outcome::Moved);
    assert_eq!(retainer.after_processed(old, now()).unwrap(), Outcome::Kept);
    assert!(footage.path("gate/processed/old.mp4.json").exists() && footage.path("gate/other.mp4").exists());
    let deleting = footage.retainer(Retention { after_processing: AfterProcessing::Delete, ..policy() });
    assert_eq!(deleting.after_processed(other, now()).unwrap(), Outcome::Deleted);
    assert_eq!(footage.state(other), SegmentState::Deleted);
    assert_eq!(deleting.after_processed(other, now()).unwrap(), Outcome::Kept);
}

#[test]
fn what_is_not_finished_stays_after_processing() {
    let footage = Footage::new();
    let again = footage.process("again.mp4", days_ago(1));
    footage.queue.offer(&[again], now()).unwrap();
    let waiting = footage.record("waiting.mp4", days_ago(1));
    let retainer = footage.retainer(Retention { after_processing: AfterProcessing::Delete, ..policy() });
    for id in [again, waiting] {
        assert_eq!(retainer.after_processed(id, now()).unwrap(), Outcome::Kept);
    }
    assert_eq!(footage.queue.lease(2, LEASE, now()).unwrap().len(), 2);
    for id in [again, waiting] {
        assert_eq!(retainer.after_processed(id, now()).unwrap(), Outcome::Kept);
    }
}

#[test]
fn a_failed_segment_is_in_the_plan_and_stays() {
    let footage = Footage::new();
    let id = footage.record("broken.mp4", days_ago(90));
    let media = MediaFolder::new(footage.catalog.clone(), Some(footage.root.clone()));
    media.quarantine(id, "no index").unwrap();
    let retainer = footage.retainer(aged(30));
    let (_, entries) = entries(&retainer);
    assert_eq!(verdicts(&entries), [("gate/failed/broken.mp4".to_owned(), Verdict::Keep)]);
    assert_eq!(footage.files(), ["gate/failed/broken.mp4"]);
}
