//! The planner's cases as tables, a rule each.

use std::time::Duration;

use SegmentState::{Failed, Missing, Processed, Ready};
use Verdict::{Delete, Keep, Move};
use Work::{Dead, Leased, None as Idle, Waiting};
use catalog::{SegmentId, Work};
use chrono::TimeDelta;
use config::{Retention, RetentionRule};

use super::*;
use crate::{Section, Tally};

mod archive;
mod properties;

const FRESH: &str = "gate/a.mp4";
const MOVED: &str = "gate/processed/a.mp4";
const SET_ASIDE: &str = "gate/failed/a.mp4";

const DAY: Duration = Duration::from_secs(86_400);
const GB: u64 = 1_000_000_000;
const ALL: Section = Section::DEFAULTS;

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn policy() -> Retention {
    Retention::default()
}

fn situation(free: u64) -> Situation {
    Situation::new(now(), Disk { free, total: 100 * GB })
}

fn in_doubt() -> Situation {
    Situation { doubt: Some(ClockDoubt { before: now() - TimeDelta::days(9), now: now() }), ..situation(0) }
}

/// A plan that is collected.
#[derive(Clone, Debug, PartialEq)]
struct Planned {
    entries: Vec<Entry>,
    totals: Totals,
}

fn plan(held: impl IntoIterator<Item = Holding>, policy: &Retention, situation: &Situation) -> Planned {
    let held: Vec<Holding> = held.into_iter().collect();
    let rules = Rules::new(policy, situation.clone());
    let mut survey = Survey::new(&rules);
    held.iter().for_each(|holding| survey.add(holding, &rules));
    let mut planner = Planner::new(&rules, Some(&survey));
    let entries = held.into_iter().map(|holding| planner.decide(holding)).collect();
    Planned { entries, totals: planner.finish() }
}

/// Decides about one of many, so that the floor is within reach.
fn decide(holding: Holding, policy: &Retention, situation: &Situation) -> Entry {
    let rules = Rules::new(policy, situation.clone());
    let lacking = policy.min_free.unwrap_or(0).saturating_sub(situation.disk.free);
    Planner::for_room(&rules, lacking).decide(holding)
}

/// One gigabyte that was recorded `days` ago.
fn holding(path: &str, state: SegmentState, work: Work, days: i64) -> Holding {
    Holding {
        id: SegmentId(1),
        path: path.into(),
        camera: "gate".into(),
        state,
        start: now() - TimeDelta::days(days),
        duration: Some(Duration::from_secs(60)),
        bytes: GB,
        work,
        seen: Vec::new(),
        archived: None,
        restored: None,
    }
}

/// A policy, a disk, a segment, and what is expected of it.
type Case<'a> = (&'a Retention, &'a Situation, Seen, Verdict, &'a [Reason]);
/// Path, state, work, age in days.
type Seen = (&'static str, SegmentState, Work, i64);

#[track_caller]
fn check(cases: &[Case<'_>]) {
    for (policy, situation, (path, state, work, days), verdict, reasons) in cases {
        let entry = decide(holding(path, *state, *work, *days), policy, situation);
        let case = format!("{path} {state} {work:?} {days} days, {policy:?}");
        assert_eq!((entry.verdict, &entry.reasons[..]), (*verdict, *reasons), "{case}");
    }
}

#[test]
fn what_follows_processing_happens_to_what_is_finished() {
    let moved = policy();
    let kept = Retention { after_processing: AfterProcessing::Keep, ..policy() };
    let deleted = Retention { after_processing: AfterProcessing::Delete, ..policy() };
    let roomy = &situation(50 * GB);
    let to_move = [Reason::AfterProcessing(ALL, AfterProcessing::Move)];
    let to_keep = [Reason::AfterProcessing(ALL, AfterProcessing::Keep)];
    let to_delete = [Reason::AfterProcessing(ALL, AfterProcessing::Delete)];
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
    let both = Retention { after_processing: AfterProcessing::Delete, ..aged.clone() };
    let roomy = &situation(50 * GB);
    let too_old = Reason::TooOld(ALL, 30 * DAY);
    let spared = Reason::SparedByAge(ALL, 30 * DAY);
    let after = Reason::AfterProcessing(ALL, AfterProcessing::Delete);
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
    let open = Retention { protect_unprocessed: false, ..protecting.clone() };
    let full = &situation(GB);
    let floor = Reason::Floor(5 * GB);
    check(&[
        (&protecting, &situation(5 * GB), (MOVED, Processed, Idle, 1), Keep, &[Reason::AlreadyMoved]),
        (&protecting, full, (MOVED, Processed, Idle, 1), Delete, &[floor]),
        (&protecting, full, (FRESH, Processed, Idle, 1), Delete, &[floor]),
        (&protecting, full, (MOVED, Processed, Leased, 1), Keep, &[Reason::Leased]),
        (&open, full, (MOVED, Processed, Waiting, 1), Keep, &[Reason::QueuedAgain]),
        (&protecting, full, (FRESH, Ready, Waiting, 1), Keep, &[Reason::Queued, Reason::Protected]),
        (&protecting, full, (SET_ASIDE, Failed, Dead, 1), Keep, &[Reason::Failed, Reason::Protected]),
        (&open, full, (FRESH, Ready, Waiting, 1), Delete, &[Reason::Queued, Reason::Unprotected, floor]),
        (&open, full, (SET_ASIDE, Failed, Dead, 1), Delete, &[Reason::Failed, Reason::Unprotected, floor]),
        (&open, full, (FRESH, Ready, Leased, 1), Keep, &[Reason::Leased]),
        (&open, &situation(5 * GB), (FRESH, Ready, Waiting, 1), Keep, &[Reason::Queued]),
        (&open, full, (FRESH, Missing, Idle, 1), Keep, &[Reason::Gone]),
    ]);
}

#[test]
fn a_clock_in_doubt_holds_back_age_and_nothing_else() {
    let aged = Retention { max_age: Some(30 * DAY), ..policy() };
    let both = Retention { after_processing: AfterProcessing::Delete, ..aged.clone() };
    let floor = Retention { min_free: Some(5 * GB), ..aged.clone() };
    let doubt = Reason::ClockInDoubt(ALL, 30 * DAY);
    let to_move = Reason::AfterProcessing(ALL, AfterProcessing::Move);
    let to_delete = Reason::AfterProcessing(ALL, AfterProcessing::Delete);
    check(&[
        (&aged, &in_doubt(), (MOVED, Processed, Idle, 31), Keep, &[Reason::AlreadyMoved, doubt]),
        (&aged, &in_doubt(), (MOVED, Processed, Idle, 29), Keep, &[Reason::AlreadyMoved]),
        (&aged, &in_doubt(), (FRESH, Processed, Idle, 31), Move, &[to_move, doubt]),
        (&both, &in_doubt(), (FRESH, Processed, Idle, 31), Delete, &[to_delete]),
        (&floor, &in_doubt(), (MOVED, Processed, Idle, 31), Delete, &[Reason::Floor(5 * GB)]),
    ]);
}

#[test]
fn an_age_that_reaches_before_all_time_deletes_nothing() {
    let policy = Retention { max_age: Some(Duration::MAX), ..policy() };
    let old = holding(MOVED, Processed, Idle, 36_500);
    assert_eq!(decide(old, &policy, &situation(0)).verdict, Keep);
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
    empty.bytes = 0;
    let plan = plan([empty, holding(MOVED, Processed, Idle, 1)], &policy, &situation(4 * GB));
    let verdicts: Vec<Verdict> = plan.entries.iter().map(|e| e.verdict).collect();
    assert_eq!(verdicts, [Keep, Delete]);
}

#[test]
fn a_floor_out_of_reach_costs_no_more_than_the_own_share() {
    let policy = Retention { min_free: Some(20 * GB), ..policy() };
    let held = || (1..=9).rev().map(|days| holding(MOVED, Processed, Idle, days));
    let crowded = plan(held(), &policy, &situation(2 * GB));
    assert_eq!((crowded.totals.delete.segments, crowded.totals.shortfall), (0, 18 * GB));
    assert_eq!(crowded.totals.others(), 89 * GB);
    // 9 GB of 99.5 GB that are used: 1.8 GB of the floor.
    let full = plan(held(), &policy, &situation(GB / 2));
    assert_eq!(full.totals.for_floor, Tally { segments: 2, bytes: 2 * GB });
    assert_eq!(full.totals.floor / (GB / 10), 18);
}

fn rule(policy: RetentionRule, labels: &[&str]) -> RetentionRule {
    RetentionRule { labels: labels.iter().map(|&label| label.to_owned()).collect(), ..policy }
}

fn showing(label: &str, holding: Holding) -> Holding {
    Holding { seen: vec![(label.into(), 0.8)], ..holding }
}

#[test]
fn the_first_rule_that_fits_decides_and_leaves_the_rest_to_the_section() {
    let days = |days: u32| RetentionRule { max_age: Some(DAY * days), ..RetentionRule::default() };
    let kept = RetentionRule { after_processing: Some(AfterProcessing::Keep), ..RetentionRule::default() };
    let rules = vec![rule(days(90), &["person"]), rule(kept, &["car"]), days(3)];
    let policy = Retention { max_age: Some(DAY * 30), rules, ..policy() };
    let old = |days| holding(FRESH, Processed, Idle, days);
    let (first, third) = (Section::rule(0), Section::rule(2));
    let moved = Reason::AfterProcessing(ALL, AfterProcessing::Move);
    let stays = Reason::AfterProcessing(Section::rule(1), AfterProcessing::Keep);
    let cases = [
        (showing("person", old(60)), Move, moved),
        (showing("person", old(91)), Delete, Reason::TooOld(first, DAY * 90)),
        (showing("car", old(29)), Keep, stays),
        (showing("car", old(31)), Delete, Reason::TooOld(ALL, DAY * 30)),
        (showing("dog", old(4)), Delete, Reason::TooOld(third, DAY * 3)),
        (old(2), Move, moved),
    ];
    for (holding, verdict, reason) in cases {
        let entry = decide(holding, &policy, &situation(50 * GB));
        assert_eq!((entry.verdict, entry.reasons), (verdict, vec![reason]));
    }
}

#[test]
fn what_is_young_waits_for_what_would_follow_processing() {
    let policy = Retention {
        after_processing: AfterProcessing::Delete,
        min_age: Some(7 * DAY),
        min_free: Some(5 * GB),
        ..policy()
    };
    let young = Reason::TooYoung(ALL, 7 * DAY);
    let delete = Reason::AfterProcessing(ALL, AfterProcessing::Delete);
    let (roomy, full) = (&situation(50 * GB), &situation(GB));
    check(&[
        (&policy, roomy, (FRESH, Processed, Idle, 6), Keep, &[young]),
        (&policy, roomy, (FRESH, Processed, Idle, 7), Delete, &[delete]),
        (&policy, full, (FRESH, Processed, Idle, 6), Delete, &[Reason::Floor(5 * GB)]),
        (
            &Retention { min_free: None, ..policy.clone() },
            &in_doubt(),
            (FRESH, Processed, Idle, 9),
            Keep,
            &[young],
        ),
    ]);
}

#[test]
fn what_is_stuck_goes_by_ages_of_its_own() {
    let policy =
        Retention { failed_max_age: Some(10 * DAY), max_unprocessed_age: Some(20 * DAY), ..policy() };
    let roomy = &situation(50 * GB);
    let failed = [Reason::Failed, Reason::FailedTooOld(10 * DAY)];
    let waiting = [Reason::Queued, Reason::UnprocessedTooOld(20 * DAY)];
    check(&[
        (&policy, roomy, (SET_ASIDE, Failed, Dead, 9), Keep, &[Reason::Failed]),
        (&policy, roomy, (SET_ASIDE, Failed, Dead, 10), Delete, &failed),
        (&policy, &in_doubt(), (SET_ASIDE, Failed, Dead, 10), Keep, &[Reason::Failed]),
        (&policy, roomy, (FRESH, Ready, Waiting, 19), Keep, &[Reason::Queued]),
        (&policy, roomy, (FRESH, Ready, Waiting, 20), Delete, &waiting),
        (&policy, roomy, (FRESH, Ready, Leased, 30), Keep, &[Reason::Leased]),
    ]);
}

#[test]
fn sizes_take_the_oldest_that_are_processed() {
    let gate = RetentionRule { max_bytes: Some(2 * GB), ..rule(RetentionRule::default(), &["person"]) };
    let policy = Retention { max_bytes: Some(4 * GB), rules: vec![gate], ..policy() };
    let held = [
        showing("person", holding(MOVED, Processed, Idle, 9)),
        holding(MOVED, Processed, Idle, 8),
        showing("person", holding(MOVED, Processed, Idle, 7)),
        holding(MOVED, Processed, Idle, 6),
        showing("person", holding(MOVED, Processed, Idle, 5)),
        holding(FRESH, Ready, Waiting, 20),
    ];
    let plan = plan(held, &policy, &situation(50 * GB));
    let deleted: Vec<_> = plan.entries.iter().filter(|e| e.verdict == Delete).map(|e| e.reasons[0]).collect();
    assert_eq!(deleted, [Reason::OverSize(Section::rule(0), 2 * GB), Reason::OverSize(ALL, 4 * GB)]);
    let by_rule: Vec<_> = plan.totals.by_rule.iter().map(|rule| rule.delete.segments).collect();
    assert_eq!((by_rule, plan.totals.held().segments), (vec![1, 1], 6));
}

#[test]
fn the_floor_counts_on_what_other_rules_delete_wherever_it_lies() {
    let short = RetentionRule { max_age: Some(DAY), ..rule(RetentionRule::default(), &["dog"]) };
    let policy = Retention { min_free: Some(5 * GB), rules: vec![short], ..policy() };
    let held = [
        holding(MOVED, Processed, Idle, 9),
        holding(MOVED, Processed, Idle, 8),
        showing("dog", holding(MOVED, Processed, Idle, 2)),
    ];
    let plan = plan(held, &policy, &situation(3 * GB));
    let verdicts: Vec<Verdict> = plan.entries.iter().map(|e| e.verdict).collect();
    assert_eq!(verdicts, [Delete, Keep, Delete]);
}

#[test]
fn what_is_on_hold_stays_whatever_the_policy_says() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = catalog::Catalog::open(folder.path()).unwrap();
    let span = catalog::Span { from: now() - TimeDelta::days(40), to: now() - TimeDelta::days(20) };
    let hold = catalog::Hold { since: now(), until: None, reason: None };
    catalog.hold(&catalog::OnHold::Footage { camera: "gate".into(), span }, &hold).unwrap();
    let held = Situation { holds: catalog.holds(now()).unwrap(), ..situation(GB) };
    let policy = Retention {
        max_age: Some(DAY),
        max_unprocessed_age: Some(DAY),
        min_free: Some(5 * GB),
        protect_unprocessed: false,
        ..policy()
    };
    for (state, work) in [(Processed, Idle), (Ready, Waiting), (Failed, Dead)] {
        let entry = decide(holding(FRESH, state, work, 30), &policy, &held);
        assert_eq!((entry.verdict, entry.reasons[0]), (Keep, Reason::OnHold(None)));
        assert_eq!(decide(holding(FRESH, state, work, 10), &policy, &held).verdict, Delete);
    }
}
