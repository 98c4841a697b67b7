//! What holds for any holdings, policy, disk and clock.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

prop_compose! {
    fn any_holding()(
        state in prop::sample::select(FEED_ORDER.to_vec()),
        work in prop::sample::select(vec![Work::None, Work::Waiting, Work::Leased, Work::Dead]),
        hours in -48i64..2_000,
        size in prop_oneof![1 => Just(0u64), 9 => 1..100u64],
        moved: bool,
    ) -> Holding {
        let folder = if moved { "processed/" } else { "" };
        let mut holding = holding(&format!("gate/{folder}a.mp4"), state, work, 0);
        holding.segment.start = now() - TimeDelta::hours(hours);
        holding.segment.stat.size = size;
        holding
    }
}

prop_compose! {
    fn any_policy()(
        after_processing in prop::sample::select(
            vec![AfterProcessing::Keep, AfterProcessing::Move, AfterProcessing::Delete]),
        max_age in prop::option::of((1u32..80).prop_map(|days| DAY * days)),
        min_free in prop::option::of(0..2_000u64),
        protect_unprocessed: bool,
    ) -> Retention {
        Retention { after_processing, max_age, min_free, protect_unprocessed, ..policy() }
    }
}

prop_compose! {
    fn any_situation()(free in 0..1_500u64, doubted: bool) -> Situation {
        let disk = Disk { free, total: 100_000 };
        Situation { disk, doubt: in_doubt().doubt.filter(|_| doubted), ..situation(0) }
    }
}

fn any_case() -> impl Strategy<Value = (Vec<Holding>, Retention, Situation)> {
    (prop::collection::vec(any_holding(), 0..60).prop_map(as_fed), any_policy(), any_situation())
}

/// In the order of a catalogue, with an id each.
fn as_fed(mut held: Vec<Holding>) -> Vec<Holding> {
    let rank = |state| FEED_ORDER.iter().position(|s| *s == state);
    held.sort_by_key(|h| (rank(h.segment.state), h.segment.start));
    held.iter_mut().zip(1..).for_each(|(h, id)| h.segment.id = SegmentId(id));
    held
}

fn deletions<'a>(held: &'a [Holding], plan: &'a Plan) -> impl Iterator<Item = (&'a Holding, &'a Entry)> {
    held.iter().zip(&plan.entries).filter(|(_, e)| e.verdict == Verdict::Delete)
}

proptest! {
    #[test]
    fn every_segment_is_in_the_plan_once_and_with_a_reason((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        let ids: HashSet<SegmentId> = plan.entries.iter().map(|e| e.id).collect();
        prop_assert_eq!((ids.len(), plan.entries.len()), (held.len(), held.len()));
        prop_assert!(plan.entries.iter().all(|e| !e.reasons.is_empty()));
        let totals = plan.totals;
        let counted = totals.keep.segments + totals.move_to_processed.segments + totals.delete.segments;
        prop_assert_eq!(counted, held.len() as u64);
    }

    #[test]
    fn a_plan_is_the_same_each_time((held, policy, situation) in any_case()) {
        prop_assert_eq!(plan(held.clone(), &policy, &situation), plan(held, &policy, &situation));
    }

    #[test]
    fn what_is_leased_or_queued_again_is_kept((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        for (holding, entry) in held.iter().zip(&plan.entries) {
            let again = holding.segment.state == SegmentState::Processed && holding.work == Work::Waiting;
            if holding.work == Work::Leased || again {
                prop_assert_eq!(entry.verdict, Verdict::Keep);
            }
        }
    }

    #[test]
    fn only_the_floor_deletes_what_was_not_processed((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        for (holding, entry) in deletions(&held, &plan) {
            let processed = holding.segment.state == SegmentState::Processed;
            prop_assert!(processed || (entry.is_for_floor() && !policy.protect_unprocessed));
        }
    }

    #[test]
    fn a_clock_in_doubt_deletes_nothing_by_age((held, policy, situation) in any_case()) {
        let doubtful = Situation { doubt: in_doubt().doubt, ..situation };
        let ageless = Retention { max_age: None, ..policy };
        let verdicts = |plan: Plan| plan.entries.into_iter().map(|e| e.verdict).collect::<Vec<_>>();
        prop_assert_eq!(
            verdicts(plan(held.clone(), &policy, &doubtful)),
            verdicts(plan(held, &ageless, &doubtful))
        );
    }

    #[test]
    fn age_deletes_only_what_is_old_enough((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        for (_, entry) in deletions(&held, &plan) {
            if let Some(Reason::TooOld(age)) = entry.reasons.iter().find(|r| matches!(r, Reason::TooOld(_))) {
                prop_assert!((situation.now - entry.start).to_std().unwrap() >= *age);
            }
        }
    }

    #[test]
    fn the_floor_is_kept_and_not_exceeded((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        let needed = policy.min_free.unwrap_or(0).saturating_sub(situation.disk.free);
        let freed: u64 = deletions(&held, &plan).map(|(_, e)| e.bytes).sum();
        let newest = deletions(&held, &plan).filter(|(_, e)| e.is_for_floor()).last();
        if let Some((_, newest)) = newest {
            prop_assert!(freed - newest.bytes < needed, "without the newest deletion the floor is unmet");
        }
        prop_assert_eq!(plan.totals.shortfall, needed.saturating_sub(freed));
    }

    #[test]
    fn a_shortfall_is_left_only_when_nothing_more_may_go((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        for (holding, entry) in held.iter().zip(&plan.entries) {
            let kept = entry.verdict != Verdict::Delete && entry.bytes > 0;
            prop_assert!(plan.totals.shortfall == 0 || !kept || !floor_may_take(holding, &policy));
        }
    }

    #[test]
    fn the_floor_takes_the_oldest_and_processed_first((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        let last_taken = plan.entries.iter().rposition(Entry::is_for_floor).unwrap_or(0);
        for (holding, entry) in held.iter().zip(&plan.entries).take(last_taken) {
            let kept = entry.verdict != Verdict::Delete && entry.bytes > 0;
            prop_assert!(!kept || !floor_may_take(holding, &policy));
        }
    }
}

fn floor_may_take(holding: &Holding, policy: &Retention) -> bool {
    match (holding.segment.state, holding.work) {
        (_, Work::Leased) | (SegmentState::Processed, Work::Waiting) => false,
        (SegmentState::Processed, _) => true,
        _ => !policy.protect_unprocessed,
    }
}
