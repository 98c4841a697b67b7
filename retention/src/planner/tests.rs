//! The planner's cases as tables, a rule each.

use SegmentState::{Failed, Missing, Processed, Ready};
use Verdict::{Archive, Delete, Keep, Move};
use Work::{Dead, Leased, None as Idle, Waiting};
use catalog::{FileStat, SegmentId, StartSource};

use super::*;
use crate::Tally;

mod properties;

const FRESH: &str = "gate/a.mp4";
const MOVED: &str = "gate/processed/a.mp4";
const SET_ASIDE: &str = "gate/failed/a.mp4";

const DAY: Duration = Duration::from_secs(86_400);
const GB: u64 = 1_000_000_000;

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn policy() -> Retention {
    Retention {
        after_processing: AfterProcessing::Move,
        max_age: None,
        min_free: None,
        protect_unprocessed: true,
        archive_after: None,
        delete_after_archive: Duration::ZERO,
        keep_restored: DAY * 7,
    }
}

fn situation(free: u64) -> Situation {
    Situation { now: now(), disk: Disk { free, total: 100 * GB }, doubt: None }
}

fn in_doubt() -> Situation {
    Situation { doubt: Some(ClockDoubt { before: now() - TimeDelta::days(9), now: now() }), ..situation(0) }
}

/// One gigabyte that was recorded `days` ago.
fn holding(path: &str, state: SegmentState, work: Work, days: i64) -> Holding {
    let segment = Segment {
        id: SegmentId(1),
        path: path.into(),
        camera: Some("gate".to_owned()),
        state,
        start: now() - TimeDelta::days(days),
        start_source: StartSource::Recorder,
        duration: Some(Duration::from_secs(60)),
        stat: FileStat { size: GB, mtime_ns: 0, inode: 1 },
        reason: None,
    };
    Holding { segment, work, archived: None, restored: None }
}

/// A policy, a disk, a segment, and what is expected of it.
type Case<'a> = (&'a Retention, Situation, Seen, Verdict, &'a [Reason]);
/// Path, state, work, age in days.
type Seen = (&'static str, SegmentState, Work, i64);

#[track_caller]
fn check(cases: &[Case<'_>]) {
    for (policy, situation, (path, state, work, days), verdict, reasons) in cases {
        let entry = Planner::new(policy, situation).decide(holding(path, *state, *work, *days));
        let case = format!("{path} {state} {work:?} {days} days, {policy:?}");
        assert_eq!((entry.verdict, &entry.reasons[..]), (*verdict, *reasons), "{case}");
    }
}

#[test]
fn what_follows_processing_happens_to_what_is_finished() {
    let moved = policy();
    let kept = Retention { after_processing: AfterProcessing::Keep, ..policy() };
    let deleted = Retention { after_processing: AfterProcessing::Delete, ..policy() };
    let roomy = situation(50 * GB);
    let to_move = [Reason::AfterProcessing(AfterProcessing::Move)];
    let to_keep = [Reason::AfterProcessing(AfterProcessing::Keep)];
    let to_delete = [Reason::AfterProcessing(AfterProcessing::Delete)];
    check(&[
        (&moved, roomy, (FRESH, Processed, Idle, 1), Move, &to_move),
        (&moved, roomy, ("gate/2026/a.mp4", Processed, Idle, 1), Move, &to_move),
        (&moved, roomy, (MOVED, Processed, Idle, 1), Keep, &[Reason::AlreadyMoved]),
        (&moved, roomy, ("processed/a.mp4", Processed, Idle, 1), Move, &to_move),
        (&moved, roomy, (FRESH, Processed, Leased, 1), Keep, &[Reason::Leased]),
        (&moved, roomy, (FRESH, Ready, Waiting, 1), Keep, &[Reason::Queued]),
        (&kept, roomy, (FRESH, Processed, Idle, 1), Keep, &to_keep),
        (&deleted, roomy, (FRESH, Processed, Idle, 1), Delete, &to_delete),
        (&deleted, roomy, (MOVED, Processed, Idle, 1), Delete, &to_delete),
        (&deleted, roomy, (FRESH, Processed, Dead, 1), Delete, &to_delete),
        (&deleted, roomy, (FRESH, Processed, Waiting, 1), Keep, &[Reason::QueuedAgain]),
        (&deleted, roomy, (FRESH, Processed, Leased, 1), Keep, &[Reason::Leased]),
        (&deleted, roomy, (FRESH, Ready, Waiting, 1), Keep, &[Reason::Queued]),
        (&deleted, roomy, (FRESH, Ready, Leased, 1), Keep, &[Reason::Leased]),
        (&deleted, roomy, (FRESH, Ready, Idle, 1), Keep, &[Reason::NotQueued]),
        (&deleted, roomy, (FRESH, Ready, Dead, 1), Keep, &[Reason::Failed]),
        (&deleted, roomy, (SET_ASIDE, Failed, Dead, 1), Keep, &[Reason::Failed]),
        (&deleted, roomy, (SET_ASIDE, Failed, Idle, 1), Keep, &[Reason::Failed]),
        (&deleted, roomy, (SET_ASIDE, Failed, Waiting, 1), Keep, &[Reason::Queued]),
        (&deleted, roomy, (FRESH, Missing, Idle, 1), Keep, &[Reason::Gone]),
    ]);
}

#[test]
fn age_deletes_what_is_finished_and_spares_the_rest() {
    let aged = Retention { max_age: Some(30 * DAY), ..policy() };
    let both = Retention { after_processing: AfterProcessing::Delete, ..aged };
    let roomy = situation(50 * GB);
    let too_old = Reason::TooOld(30 * DAY);
    let spared = Reason::SparedByAge(30 * DAY);
    let after = Reason::AfterProcessing(AfterProcessing::Delete);
    check(&[
        (&aged, roomy, (MOVED, Processed, Idle, 29), Keep, &[Reason::AlreadyMoved]),
        (&aged, roomy, (MOVED, Processed, Idle, 30), Delete, &[too_old]),
        (&aged, roomy, (FRESH, Processed, Idle, 31), Delete, &[too_old]),
        (&aged, roomy, (FRESH, Processed, Dead, 31), Delete, &[too_old]),
        (&both, roomy, (FRESH, Processed, Idle, 31), Delete, &[after, too_old]),
        (&aged, roomy, (MOVED, Processed, Waiting, 31), Keep, &[Reason::QueuedAgain, spared]),
        (&aged, roomy, (FRESH, Processed, Leased, 31), Keep, &[Reason::Leased, spared]),
        (&aged, roomy, (FRESH, Ready, Waiting, 31), Keep, &[Reason::Queued, spared]),
        (&aged, roomy, (FRESH, Ready, Idle, 31), Keep, &[Reason::NotQueued, spared]),
        (&aged, roomy, (SET_ASIDE, Failed, Dead, 31), Keep, &[Reason::Failed, spared]),
        (&aged, roomy, (MOVED, Processed, Idle, -400), Keep, &[Reason::AlreadyMoved]),
    ]);
}

#[test]
fn the_floor_takes_what_is_processed_and_the_rest_only_if_allowed() {
    let protecting = Retention { min_free: Some(5 * GB), ..policy() };
    let open = Retention { protect_unprocessed: false, ..protecting };
    let full = situation(GB);
    let floor = Reason::Floor(5 * GB);
    check(&[
        (&protecting, situation(5 * GB), (MOVED, Processed, Idle, 1), Keep, &[Reason::AlreadyMoved]),
        (&protecting, full, (MOVED, Processed, Idle, 1), Delete, &[floor]),
        (&protecting, full, (FRESH, Processed, Idle, 1), Delete, &[floor]),
        (&protecting, full, (MOVED, Processed, Leased, 1), Keep, &[Reason::Leased]),
        (&open, full, (MOVED, Processed, Waiting, 1), Keep, &[Reason::QueuedAgain]),
        (&protecting, full, (FRESH, Ready, Waiting, 1), Keep, &[Reason::Queued, Reason::Protected]),
        (&protecting, full, (SET_ASIDE, Failed, Dead, 1), Keep, &[Reason::Failed, Reason::Protected]),
        (&open, full, (FRESH, Ready, Waiting, 1), Delete, &[Reason::Queued, Reason::Unprotected, floor]),
        (&open, full, (SET_ASIDE, Failed, Dead, 1), Delete, &[Reason::Failed, Reason::Unprotected, floor]),
        (&open, full, (FRESH, Ready, Leased, 1), Keep, &[Reason::Leased]),
        (&open, situation(5 * GB), (FRESH, Ready, Waiting, 1), Keep, &[Reason::Queued]),
        (&open, full, (FRESH, Missing, Idle, 1), Keep, &[Reason::Gone]),
    ]);
}

#[test]
fn a_clock_in_doubt_holds_back_age_and_nothing_else() {
    let aged = Retention { max_age: Some(30 * DAY), ..policy() };
    let both = Retention { after_processing: AfterProcessing::Delete, ..aged };
    let floor = Retention { min_free: Some(5 * GB), ..aged };
    let doubt = Reason::ClockInDoubt(30 * DAY);
    let to_move = Reason::AfterProcessing(AfterProcessing::Move);
    let to_delete = Reason::AfterProcessing(AfterProcessing::Delete);
    check(&[
        (&aged, in_doubt(), (MOVED, Processed, Idle, 31), Keep, &[Reason::AlreadyMoved, doubt]),
        (&aged, in_doubt(), (MOVED, Processed, Idle, 29), Keep, &[Reason::AlreadyMoved]),
        (&aged, in_doubt(), (FRESH, Processed, Idle, 31), Move, &[to_move, doubt]),
        (&both, in_doubt(), (FRESH, Processed, Idle, 31), Delete, &[to_delete]),
        (&floor, in_doubt(), (MOVED, Processed, Idle, 31), Delete, &[Reason::Floor(5 * GB)]),
    ]);
}

#[test]
fn an_age_that_reaches_before_all_time_deletes_nothing() {
    let policy = Retention { max_age: Some(Duration::MAX), ..policy() };
    let old = holding(MOVED, Processed, Idle, 36_500);
    assert_eq!(Planner::new(&policy, &situation(0)).decide(old).verdict, Keep);
}

#[test]
fn the_floor_takes_no_more_than_it_needs() {
    let policy = Retention { min_free: Some(5 * GB), max_age: Some(30 * DAY), ..policy() };
    let ages = [40, 20, 19, 18, 17];
    let held = ages.map(|days| holding(MOVED, Processed, Idle, days));
    let plan = plan(held, &policy, &situation(2 * GB + 1));
    let verdicts: Vec<Verdict> = plan.entries.iter().map(|e| e.verdict).collect();
    assert_eq!(verdicts, [Delete, Delete, Delete, Keep, Keep]);
    assert_eq!(plan.totals.for_floor, Tally { segments: 2, bytes: 2 * GB });
    assert_eq!((plan.totals.delete.segments, plan.totals.shortfall), (3, 0));
}

#[test]
fn the_floor_leaves_what_would_free_nothing() {
    let policy = Retention { min_free: Some(5 * GB), ..policy() };
    let mut empty = holding(MOVED, Processed, Idle, 2);
    empty.segment.stat.size = 0;
    let plan = plan([empty, holding(MOVED, Processed, Idle, 1)], &policy, &situation(4 * GB));
    let verdicts: Vec<Verdict> = plan.entries.iter().map(|e| e.verdict).collect();
    assert_eq!(verdicts, [Keep, Delete]);
}

#[test]
fn a_floor_out_of_reach_is_told() {
    let policy = Retention { min_free: Some(5 * GB), ..policy() };
    let held = [holding(MOVED, Processed, Idle, 2), holding("gate/b.mp4", Ready, Waiting, 1)];
    let plan = plan(held, &policy, &situation(GB));
    assert_eq!(plan.totals.shortfall, 3 * GB);
    assert_eq!(plan.totals.keep.segments, 1);
}

#[test]
fn a_plan_has_the_documented_json() {
    let held = [holding(FRESH, Processed, Idle, 1)];
    let json = serde_json::to_value(plan(held, &policy(), &situation(GB))).unwrap();
    let expected = serde_json::json!({"plan": [{
        "file": "gate/a.mp4", "camera": "gate", "verdict": "move",
        "reasons": ["processed, and retention.after_processing = \"move\""]
    }]});
    assert_eq!(json, expected);
}

#[test]
fn what_is_processed_is_archived_at_once_or_at_its_age_and_not_by_age_alone() {
    let now_or_never = Retention { after_processing: AfterProcessing::Archive, ..policy() };
    let later = Retention { archive_after: Some(DAY * 10), ..policy() };
    let with_age = Retention { max_age: Some(DAY * 20), ..later };
    let with_floor = Retention { min_free: Some(GB), ..now_or_never };
    let kept = Retention { after_processing: AfterProcessing::Keep, ..later };
    let archive = Reason::AfterProcessing(AfterProcessing::Archive);
    let cases: [Case<'_>; 8] = [
        (&now_or_never, situation(0), (FRESH, Processed, Idle, 0), Archive, &[archive]),
        (&now_or_never, situation(0), (FRESH, Ready, Waiting, 99), Keep, &[Reason::Queued]),
        (&now_or_never, situation(0), (FRESH, Processed, Waiting, 99), Keep, &[Reason::QueuedAgain]),
        (
            &later,
            situation(0),
            (FRESH, Processed, Idle, 9),
            Move,
            &[Reason::AfterProcessing(AfterProcessing::Move)],
        ),
        (&later, situation(0), (MOVED, Processed, Idle, 10), Archive, &[Reason::ArchiveAfter(DAY * 10)]),
        (&kept, situation(0), (FRESH, Processed, Idle, 10), Archive, &[Reason::ArchiveAfter(DAY * 10)]),
        (&with_age, situation(0), (MOVED, Processed, Idle, 30), Archive, &[Reason::ArchiveAfter(DAY * 10)]),
        // Room for what is recorded now comes before the archive, which may be out of reach.
        (&with_floor, situation(0), (FRESH, Processed, Idle, 30), Delete, &[Reason::Floor(GB)]),
    ];
    for (policy, situation, (path, state, work, days), verdict, reasons) in cases {
        let entry = Planner::new(policy, &situation).decide(holding(path, state, work, days));
        assert_eq!((entry.verdict, entry.reasons.as_slice()), (verdict, reasons), "{path} of {days} days");
    }
}

#[test]
fn a_local_copy_goes_when_it_has_stayed_long_enough() {
    let at_once = Retention { after_processing: AfterProcessing::Archive, ..policy() };
    let staying = Retention { delete_after_archive: DAY * 3, ..at_once };
    let aged = Retention { max_age: Some(DAY * 5), ..staying };
    let days_ago = |days: i64| Some(now() - TimeDelta::days(days));
    let cases = [
        (&at_once, days_ago(0), None, Delete),
        (&staying, days_ago(2), None, Keep),
        (&staying, days_ago(3), None, Delete),
        (&aged, days_ago(2), None, Delete),
        (&at_once, days_ago(30), days_ago(6), Keep),
        (&at_once, days_ago(30), days_ago(7), Delete),
        // Who archives no longer keeps what is here.
        (&policy(), days_ago(30), None, Move),
    ];
    for (policy, archived, restored, verdict) in cases {
        let held = Holding { archived, restored, ..holding(FRESH, Processed, Idle, 30) };
        let entry = Planner::new(policy, &situation(0)).decide(held);
        assert_eq!(entry.verdict, verdict, "{archived:?} {restored:?}: {:?}", entry.reasons);
    }
}
