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
        in_yard: bool,
        person: bool,
        archived in prop::option::weighted(0.2, 0..20i64),
        back: bool,
    ) -> Holding {
        let folder = if moved { "processed/" } else { "" };
        let mut holding = holding(&format!("gate/{folder}a.mp4"), state, work, 0);
        holding.start = now() - TimeDelta::hours(hours);
        holding.bytes = size;
        holding.camera = if in_yard { "yard" } else { "gate" }.into();
        holding.archived = archived.map(|days| now() - TimeDelta::days(days));
        holding.restored = holding.archived.filter(|_| back);
        if person { showing("person", holding) } else { holding }
    }
}

fn any_after() -> impl Strategy<Value = AfterProcessing> {
    prop::sample::select(vec![
        AfterProcessing::Keep,
        AfterProcessing::Move,
        AfterProcessing::Archive,
        AfterProcessing::Delete,
    ])
}

fn any_age() -> impl Strategy<Value = Option<Duration>> {
    prop::option::of((1u32..80).prop_map(|days| DAY * days))
}

prop_compose! {
    fn any_rule()(
        of_yard: bool,
        of_people: bool,
        after_processing in prop::option::of(any_after()),
        max_age in any_age(),
        min_age in any_age(),
        max_bytes in prop::option::of(0..1_000u64),
    ) -> RetentionRule {
        let cameras = if of_yard { vec!["yard".parse().unwrap()] } else { Vec::new() };
        let labels = if of_people { vec!["person".to_owned()] } else { Vec::new() };
        RetentionRule { cameras, labels, min_score: 0.5, after_processing, max_age, min_age, max_bytes, storage_class: None }
    }
}

prop_compose! {
    fn any_policy()(
        after_processing in any_after(),
        max_age in any_age(),
        (min_age, failed_max_age, max_unprocessed_age) in (any_age(), any_age(), any_age()),
        min_free in prop::option::of(0..2_000u64),
        max_bytes in prop::option::of(0..3_000u64),
        protect_unprocessed: bool,
        rules in prop::collection::vec(any_rule(), 0..3),
        (archive_after, stay) in (any_age(), any_age()),
    ) -> Retention {
        Retention {
            archive_after, delete_after_archive: stay.unwrap_or_default(), after_processing, max_age, min_age, failed_max_age, max_unprocessed_age, min_free, max_bytes,
            protect_unprocessed, rules, ..policy()
        }
    }
}

prop_compose! {
    fn any_situation()(free in 0..1_500u64, total in 3_000..9_000u64, doubted: bool) -> Situation {
        let disk = Disk { free, total };
        Situation { disk, doubt: in_doubt().doubt.filter(|_| doubted), ..situation(0) }
    }
}

fn any_case() -> impl Strategy<Value = (Vec<Holding>, Retention, Situation)> {
    (prop::collection::vec(any_holding(), 0..60).prop_map(as_fed), any_policy(), any_situation())
}

/// In the order of a catalogue, with an id each.
fn as_fed(mut held: Vec<Holding>) -> Vec<Holding> {
    let rank = |state| FEED_ORDER.iter().position(|s| *s == state);
    held.sort_by_key(|h| (rank(h.state), h.start));
    held.iter_mut().zip(1..).for_each(|(h, id)| h.id = SegmentId(id));
    held
}

fn deletions<'a>(held: &'a [Holding], plan: &'a Planned) -> impl Iterator<Item = (&'a Holding, &'a Entry)> {
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
        prop_assert_eq!(totals.held().segments, held.len() as u64);
    }

    #[test]
    fn a_plan_is_the_same_each_time((held, policy, situation) in any_case()) {
        prop_assert_eq!(plan(held.clone(), &policy, &situation), plan(held, &policy, &situation));
    }

    #[test]
    fn what_is_leased_or_queued_again_is_kept((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        for (holding, entry) in held.iter().zip(&plan.entries) {
            let again = holding.state == SegmentState::Processed && holding.work == Work::Waiting;
            if holding.work == Work::Leased || again {
                prop_assert_eq!(entry.verdict, Verdict::Keep);
            }
        }
    }

    #[test]
    fn what_was_not_processed_goes_only_by_the_explicit_word((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        for (holding, entry) in deletions(&held, &plan) {
            let by_age = entry.reasons.iter().any(|reason| match reason {
                Reason::FailedTooOld(age) => policy.failed_max_age == Some(*age),
                Reason::UnprocessedTooOld(age) => policy.max_unprocessed_age == Some(*age),
                _ => false,
            });
            let processed = holding.state == SegmentState::Processed;
            prop_assert!(processed || by_age || (entry.is_for_floor() && !policy.protect_unprocessed));
        }
    }

    #[test]
    fn a_clock_in_doubt_deletes_nothing_by_age((held, policy, situation) in any_case()) {
        let doubtful = Situation { doubt: in_doubt().doubt, ..situation };
        let mut ageless = Retention {
            max_age: None, failed_max_age: None, max_unprocessed_age: None, ..policy.clone()
        };
        ageless.rules.iter_mut().for_each(|rule| rule.max_age = None);
        let verdicts = |plan: Planned| plan.entries.into_iter().map(|e| e.verdict).collect::<Vec<_>>();
        prop_assert_eq!(
            verdicts(plan(held.clone(), &policy, &doubtful)),
            verdicts(plan(held, &ageless, &doubtful))
        );
    }

    #[test]
    fn age_deletes_only_what_is_old_enough((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        for (_, entry) in deletions(&held, &plan) {
            for reason in &entry.reasons {
                if let Reason::TooOld(_, age) | Reason::FailedTooOld(age) | Reason::UnprocessedTooOld(age) = reason {
                    prop_assert!((situation.now - entry.start).to_std().unwrap() >= *age);
                }
            }
        }
    }

    #[test]
    fn what_its_rule_drops_by_age_is_dropped((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        for (holding, entry) in held.iter().zip(&plan.entries) {
            let rule = policy.rule_of(&entry.camera, &holding.seen).map(|number| &policy.rules[number]);
            let most = rule.and_then(|rule| rule.max_age).or(policy.max_age);
            let too_old = most.is_some_and(|most| (situation.now - entry.start).to_std().is_ok_and(|age| age >= most));
            if too_old && is_finished(holding) && situation.doubt.is_none() {
                let copy_stays = holding.restored.is_some() && policy.archives();
                prop_assert!(copy_stays || matches!(entry.verdict, Verdict::Delete | Verdict::Archive));
            }
        }
    }

    #[test]
    fn what_is_to_be_archived_goes_there_before_anything_but_the_floor_takes_it(
        (held, policy, situation) in any_case()
    ) {
        let plan = plan(held.clone(), &policy, &situation);
        for (holding, entry) in held.iter().zip(&plan.entries) {
            let rule = policy.rule_of(&entry.camera, &holding.seen).map(|number| &policy.rules[number]);
            let after = rule.and_then(|rule| rule.after_processing).unwrap_or(policy.after_processing);
            let old_enough = policy.archive_after.map(|age| (situation.now - entry.start).to_std().is_ok_and(|a| a >= age));
            let by_rule = old_enough.unwrap_or(after == AfterProcessing::Archive);
            let is_new = is_finished(holding) && holding.archived.is_none();
            if by_rule && after != AfterProcessing::Delete && is_new {
                prop_assert!(entry.verdict == Verdict::Archive || entry.is_for_floor(), "{:?}", entry);
            } else {
                prop_assert!(entry.verdict != Verdict::Archive, "{:?}", entry);
            }
        }
    }

    #[test]
    fn the_floor_is_kept_and_not_exceeded((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        let freed: u64 = deletions(&held, &plan).map(|(_, e)| e.bytes).sum();
        let floor = policy.min_free.unwrap_or(0);
        prop_assert_eq!(plan.totals.shortfall, floor.saturating_sub(situation.disk.free + freed));
        prop_assert!(plan.totals.floor <= floor);
        // Sizes go by whole segments, and may free more than the floor could count on.
        if policy.max_bytes.is_none() && policy.rules.iter().all(|rule| rule.max_bytes.is_none()) {
            let needed = plan.totals.floor.saturating_sub(situation.disk.free);
            let newest = deletions(&held, &plan).filter(|(_, e)| e.is_for_floor()).last();
            if let Some((_, newest)) = newest {
                prop_assert!(freed - newest.bytes < needed, "without the newest deletion the floor is unmet");
            }
        }
    }

    #[test]
    fn a_floor_within_reach_is_reached((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        let going = deletions(&held, &plan).filter(|(_, e)| !e.is_for_floor()).map(|(h, _)| h.id);
        let going: HashSet<SegmentId> = going.collect();
        let may_go = |h: &&Holding| going.contains(&h.id) || floor_may_take(h, &policy);
        let takeable: u64 = held.iter().filter(may_go).map(|h| h.bytes).sum();
        let within_reach = situation.disk.free + takeable >= policy.min_free.unwrap_or(0);
        prop_assert!(!within_reach || plan.totals.shortfall == 0);
    }

    #[test]
    fn sizes_are_kept_and_not_exceeded((held, policy, situation) in any_case()) {
        let plan = plan(held.clone(), &policy, &situation);
        for (number, rule) in policy.rules.iter().enumerate() {
            let Some(most) = rule.max_bytes else { continue };
            let section = Section::rule(number);
            let of_rule = || held.iter().zip(&plan.entries)
                .filter(|(h, e)| policy.rule_of(&e.camera, &h.seen) == Some(number));
            let for_size = |e: &Entry| e.reasons.contains(&Reason::OverSize(section, most));
            let for_others = |e: &Entry| e.verdict == Verdict::Delete && !for_size(e) && !e.is_for_floor()
                && !e.reasons.iter().any(|r| matches!(r, Reason::OverSize(..)));
            let without_size: u64 = of_rule().filter(|(_, e)| !for_others(e)).map(|(_, e)| e.bytes).sum();
            let taken: Vec<u64> = of_rule().filter(|(_, e)| for_size(e)).map(|(_, e)| e.bytes).collect();
            if let Some(last) = taken.last() {
                let before_last = taken.iter().sum::<u64>() - last;
                prop_assert!(without_size - before_last > most, "the last one was not needed");
            }
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

fn is_finished(holding: &Holding) -> bool {
    holding.state == SegmentState::Processed && matches!(holding.work, Work::None | Work::Dead)
}

fn floor_may_take(holding: &Holding, policy: &Retention) -> bool {
    match (holding.state, holding.work) {
        (_, Work::Leased) | (SegmentState::Processed, Work::Waiting) => false,
        (SegmentState::Processed, _) => true,
        _ => !policy.protect_unprocessed,
    }
}
