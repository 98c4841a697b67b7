//! Rules of retention that cannot hold, or would surprise.

use std::time::Duration;

use super::{CAMERA, load, refused};
use crate::AfterProcessing;

#[test]
fn rules_are_read_in_their_order_and_leave_the_rest_to_the_section() {
    let text = "[retention]\nmax_age_days = 30\n[[retention.rule]]\ncameras = ['gate']\nlabels = ['Person']\n\
                min_score = 0.5\nmax_age_days = 90\n[[retention.rule]]\nmax_gb = 500\nafter_processing = 'keep'\n";
    let policy = load(&format!("{CAMERA}{text}")).unwrap().retention;
    let [first, second] = policy.rules.as_slice() else { panic!("{policy:?}") };
    assert_eq!((first.cameras[0].as_str(), first.labels[0].as_str()), ("gate", "person"));
    assert_eq!((first.min_score, first.after_processing), (0.5, None));
    assert_eq!(first.max_age, Some(Duration::from_secs(90 * 86_400)));
    assert_eq!((second.max_bytes, second.max_age), (Some(500_000_000_000), None));
    assert_eq!(second.after_processing, Some(AfterProcessing::Keep));
    assert_eq!((policy.guard_share, policy.max_unprocessed_age), (0.5, None));
}

#[test]
fn refuses_policies_that_cannot_hold_or_would_surprise() {
    refused(
        CAMERA,
        &[
            ("[retention]\nmax_gb = 0", 6, "`retention.max_gb`: must be from 0.001 to 1000000, but is 0"),
            ("[retention]\nguard_share = 0", 6, "`retention.guard_share`: must be from 0.01 to 1, but is 0"),
            (
                "[retention]\nmin_age_days = 30\nmax_age_days = 7",
                7,
                "`retention.max_age_days`: nothing can be kept for 30 days and be deleted after 7",
            ),
            (
                "[retention]\nmax_unprocessed_age_days = 0.5\n[process]\nwindows = ['22:00-06:00']",
                6,
                "`retention.max_unprocessed_age_days`: is 0.5, and footage waits for `process.windows`",
            ),
            ("[[retention.rule]]\ncameras = ['gate']", 5, "`retention.rule[0]`: says nothing; give `after"),
            (
                "[[retention.rule]]\ncameras = ['gat']\nmax_age_days = 1",
                6,
                "`retention.rule[0].cameras`: no camera is `gat`; did you mean `gate`?",
            ),
            (
                "[[retention.rule]]\nlabels = ['persn']\nmax_age_days = 1",
                6,
                "`retention.rule[0].labels[0]`: the detector knows no `persn`; did you mean `person`?",
            ),
            (
                "[[retention.rule]]\nmin_score = 0.5\nmax_age_days = 1",
                6,
                "`retention.rule[0].min_score`: has no effect without `labels`",
            ),
            (
                "[retention]\nmax_age_days = 3\n[[retention.rule]]\nmin_age_days = 10",
                8,
                "`retention.rule[0].min_age_days`: nothing can be kept for 10 days and be deleted after 3",
            ),
            (
                "[[retention.rule]]\nmax_age_days = 3\n[[retention.rule]]\nlabels = ['person']\nmax_age_days = 90",
                7,
                "`retention.rule[1]`: never holds: `retention.rule[0]` before it takes all of it; swap them",
            ),
        ],
    );
}

const COLD: &str = "[archive]\nurl = 'file:///mnt/cold'\n";

#[test]
fn refuses_archives_that_nothing_gets_to_or_stays_in() {
    let before = format!("{CAMERA}{COLD}");
    refused(
        &before,
        &[
            (
                "[retention]\narchive_after_days = 30\nmax_age_days = 30",
                8,
                "`retention.archive_after_days`: is 30, and all is deleted before",
            ),
            (
                "[retention]\narchive_after_days = 3\nafter_processing = 'delete'",
                8,
                "`retention.archive_after_days`: is 3, and all is deleted before",
            ),
            (
                "[retention]\narchive_after_days = 9\n[[retention.rule]]\nmax_age_days = 7",
                8,
                "`retention.archive_after_days`: is 9, and all is deleted before",
            ),
            (
                "[retention]\ndelete_after_archive_days = 3",
                8,
                "`retention.delete_after_archive_days`: has no effect: nothing is archived",
            ),
            (
                "[retention]\nafter_processing = 'archive'\nmax_age_days = 7\ndelete_after_archive_days = 7",
                10,
                "`retention.delete_after_archive_days`: is 7, and `max_age_days` deletes every copy before",
            ),
            (
                "[retention]\nafter_processing = 'archive'\nkeep_restored_days = 0",
                9,
                "`retention.keep_restored_days`: is 0: what `nightreel restore` brings back",
            ),
        ],
    );
    let text = "max_age_days = 30\n[retention]\narchive_after_days = 30";
    refused(
        &before,
        &[(
            text,
            7,
            "`archive.max_age_days`: is 30, and footage gets there at `retention.archive_after_days` = 30",
        )],
    );
    // Some of it gets there.
    let rules = "[retention]\narchive_after_days = 9\nmax_age_days = 3\n[[retention.rule]]\nlabels = ['person']\n\
                 max_age_days = 90\n";
    load(&format!("{before}{rules}")).unwrap();
}
