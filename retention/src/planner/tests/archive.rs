//! What the archive has to do with a plan.

use Verdict::Archive;

use super::*;

#[test]
fn what_is_processed_is_archived_at_once_or_at_its_age_and_not_by_age_alone() {
    let now_or_never = Retention { after_processing: AfterProcessing::Archive, ..policy() };
    let later = Retention { archive_after: Some(DAY * 10), ..policy() };
    let with_age = Retention { max_age: Some(DAY * 20), ..later.clone() };
    let with_floor = Retention { min_free: Some(GB), ..now_or_never.clone() };
    let kept = Retention { after_processing: AfterProcessing::Keep, ..later.clone() };
    let archive = Reason::AfterProcessing(ALL, AfterProcessing::Archive);
    let any = situation(0);
    check(&[
        (&now_or_never, &any, (FRESH, Processed, Idle, 0), Archive, &[archive]),
        (&now_or_never, &any, (FRESH, Ready, Waiting, 99), Keep, &[Reason::Queued]),
        (&now_or_never, &any, (FRESH, Processed, Waiting, 99), Keep, &[Reason::QueuedAgain]),
        (
            &later,
            &any,
            (FRESH, Processed, Idle, 9),
            Move,
            &[Reason::AfterProcessing(ALL, AfterProcessing::Move)],
        ),
        (&later, &any, (MOVED, Processed, Idle, 10), Archive, &[Reason::ArchiveAfter(DAY * 10)]),
        (&kept, &any, (FRESH, Processed, Idle, 10), Archive, &[Reason::ArchiveAfter(DAY * 10)]),
        (&with_age, &any, (MOVED, Processed, Idle, 30), Archive, &[Reason::ArchiveAfter(DAY * 10)]),
        // Room for what is recorded now comes before the archive, which may be out of reach.
        (&with_floor, &any, (FRESH, Processed, Idle, 30), Delete, &[Reason::Floor(GB)]),
    ]);
}

#[test]
fn a_local_copy_goes_when_it_has_stayed_long_enough() {
    let at_once = Retention { after_processing: AfterProcessing::Archive, ..policy() };
    let staying = Retention { delete_after_archive: DAY * 3, ..at_once.clone() };
    let aged = Retention { max_age: Some(DAY * 5), ..staying.clone() };
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
        let entry = decide(held, policy, &situation(0));
        assert_eq!(entry.verdict, verdict, "{archived:?} {restored:?}: {:?}", entry.reasons);
    }
}
