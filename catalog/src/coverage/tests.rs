//! Coverage, reckoned by hand against what is reckoned from rows.

use chrono::TimeDelta;

use super::*;
use crate::fixture::{Store, noon};
use crate::health::tests::{recording, waiting};
use crate::{Gap, OpenGap};

const GATE: &str = "gate";

fn gate() -> CameraId {
    GATE.parse().unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(second)
}

fn span(from: i64, to: i64) -> Span {
    Span::new(at(from), at(to))
}

fn today() -> Span {
    Day::of(noon().date_naive(), Tz::UTC).span
}

fn always() -> Windows {
    Windows::always(Tz::UTC)
}

fn file(from: i64, to: i64) -> Footage {
    Footage { span: span(from, to), processed: false, archived: false, away: false }
}

fn rows(footage: &[Footage], gaps: &[(Span, GapCause)]) -> CoverageRows {
    CoverageRows {
        expected: vec![span(0, 600)],
        footage: footage.to_vec(),
        gaps: gaps.to_vec(),
        ..CoverageRows::default()
    }
}

fn causes(coverage: &Coverage) -> Vec<(GapCause, f64)> {
    coverage.missing.iter().map(|missing| (missing.cause, missing.seconds)).collect()
}

#[test]
fn each_second_is_counted_once_and_every_missing_one_has_a_cause_or_none() {
    use GapCause::{DiskFull, PacketLoss, Stalled};
    // after a step back two files cover the same minute
    let footage = [file(0, 60), file(30, 90), file(90, 120), file(200, 300), file(300, 600)];
    let gaps = [
        (span(120, 150), Stalled),
        (span(140, 180), DiskFull),
        (span(250, 252), PacketLoss),
        (span(-50, -10), Stalled),
    ];
    let covered = coverage(&rows(&footage, &gaps), &always(), today());
    assert_eq!((covered.expected_s, covered.recorded_s), (600.0, 518.0));
    assert_eq!(causes(&covered), [(Stalled, 30.0), (DiskFull, 30.0), (PacketLoss, 2.0)]);
    assert_eq!(covered.unexplained_s, 20.0);
    let explained: f64 = covered.missing.iter().map(|missing| missing.seconds).sum();
    assert_eq!(covered.recorded_s + explained + covered.unexplained_s, covered.expected_s);
}

#[test]
fn files_that_nearly_touch_leave_no_hole_unless_the_ledger_says_so() {
    let after = |ms| Footage { span: Span::new(at(60) + TimeDelta::milliseconds(ms), at(600)), ..file(0, 0) };
    let covered = |ms, gaps: &[_]| coverage(&rows(&[file(0, 60), after(ms)], gaps), &always(), today());
    assert_eq!(covered(900, &[]).recorded_s, 600.0);
    assert_eq!(covered(1100, &[]).recorded_s, 598.9);
    let gap = (Span::new(at(60), at(60) + TimeDelta::milliseconds(900)), GapCause::EndedByCamera);
    assert_eq!(causes(&covered(900, &[gap])), [(GapCause::EndedByCamera, 0.9)]);
}

#[test]
fn days_have_the_length_that_the_zone_gives_them() {
    let zone = chrono_tz::Europe::Berlin;
    let cases = [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-22", 24)];
    for (date, hours) in cases {
        let day = Day::of(date.parse().unwrap(), zone);
        assert_eq!(day.span.length(), TimeDelta::hours(hours), "{date}");
        let rows =
            CoverageRows { expected: vec![Span::new(at(-100_000_000), at(1_000_000))], ..Default::default() };
        assert_eq!(coverage(&rows, &always(), day.span).expected_s, hours as f64 * 3600.0);
        assert_eq!(Day::at(day.span.from, zone).date, day.date);
        assert_eq!(Day::at(day.span.to, zone).date, day.date.succ_opt().unwrap());
    }
    // clocks went from 00:00 to 01:00
    let beirut = Day::of("2024-03-31".parse().unwrap(), chrono_tz::Asia::Beirut);
    assert_eq!(beirut.span.length(), TimeDelta::hours(23));
}

#[test]
fn nothing_is_expected_outside_of_the_windows() {
    let windows = Windows::parse(Tz::UTC, &["12:01-12:03", "12:05-12:06"]).unwrap();
    let covered =
        coverage(&rows(&[file(60, 120)], &[(span(120, 400), GapCause::Stopped)]), &windows, today());
    assert_eq!((covered.expected_s, covered.recorded_s), (180.0, 60.0));
    assert_eq!(causes(&covered), [(GapCause::Stopped, 120.0)]);
    assert_eq!(Day::at(noon(), Tz::UTC).open_for(&windows), Duration::from_secs(180));
    assert_eq!(Day::at(noon(), Tz::UTC).open_for(&always()), Duration::from_secs(24 * 3600));
}

#[test]
fn a_day_with_a_step_of_the_clock_is_marked() {
    let covered = |gap| coverage(&rows(&[file(0, 600)], &[gap]), &always(), today());
    assert!(covered((span(300, 300), GapCause::ClockStep)).clock_in_doubt);
    assert!(!covered((span(-90_000, -90_000), GapCause::ClockStep)).clock_in_doubt);
    assert!(!covered((span(300, 301), GapCause::Stalled)).clock_in_doubt);
    let doubted = CoverageRows { doubts: vec![span(-90_000, 0)], ..rows(&[], &[]) };
    assert!(coverage(&doubted, &always(), today()).clock_in_doubt);
}

#[test]
fn the_catalogue_counts_what_was_processed_and_deleted_too() {
    let store = Store::new();
    store.catalog.note_resumed(&gate(), at(0)).unwrap();
    store.footage(GATE, at(0), 60);
    store.footage(GATE, at(60), 60);
    let deleted = store.footage(GATE, at(120), 60);
    store.footage("yard", at(120), 600);
    store.break_rows(&format!("UPDATE segment SET state = 'deleted' WHERE id = {deleted}"));
    store.break_rows("INSERT INTO profile VALUES ('p', '')");
    store.break_rows(&format!("INSERT INTO result VALUES ({deleted}, 'p', '', '', 0)"));
    store.catalog.note_health(&[waiting(GATE, at(180))]).unwrap();
    let open = OpenGap { camera: gate(), from: at(180), cause: GapCause::Unreachable };
    store.catalog.open_gap(&open).unwrap();
    let rows = store.catalog.coverage_rows(&gate(), today(), at(300)).unwrap();
    let covered = coverage(&rows, &always(), today());
    assert_eq!((covered.expected_s, covered.recorded_s, covered.processed_s), (300.0, 180.0, 60.0));
    assert_eq!(causes(&covered), [(GapCause::Unreachable, 120.0)], "a gap that lasts is counted up to now");
    assert_eq!(covered.unexplained_s, 0.0);
}

#[test]
fn a_camera_in_hand_is_counted_up_to_its_last_frame_and_one_without_a_recorder_is_stopped() {
    let store = Store::new();
    store.catalog.note_resumed(&gate(), at(0)).unwrap();
    store.footage(GATE, at(0), 60);
    let recorder = store.catalog_elsewhere();
    recorder.note_health(&[recording(GATE, at(60), at(95))]).unwrap();
    let covered = || {
        let rows = store.catalog.coverage_rows(&gate(), today(), at(100)).unwrap();
        coverage(&rows, &always(), today())
    };
    let live = covered();
    assert_eq!((live.expected_s, live.recorded_s, causes(&live)), (95.0, 95.0, vec![]));
    store.footage(GATE, at(60), 38);
    let closed = covered();
    assert_eq!((closed.expected_s, closed.recorded_s), (98.0, 98.0), "closed since the recorder said so");
    store.break_rows("DELETE FROM job WHERE segment_id = 2");
    store.break_rows("DELETE FROM segment WHERE id = 2");
    drop(recorder);
    let dead = covered();
    assert_eq!((dead.expected_s, dead.recorded_s), (100.0, 60.0));
    assert_eq!(causes(&dead), [(GapCause::Stopped, 40.0)]);
}

#[test]
fn a_gap_over_midnight_belongs_to_both_days() {
    let store = Store::new();
    store.catalog.note_resumed(&gate(), at(0)).unwrap();
    let midnight = today().to;
    let gap = Gap {
        camera: gate(),
        from: midnight - TimeDelta::hours(1),
        to: midnight + TimeDelta::hours(2),
        cause: GapCause::NotWritable,
    };
    store.catalog.add_gap(&gap).unwrap();
    let now = midnight + TimeDelta::days(2);
    let hours = |date: NaiveDate| {
        let day = Day::of(date, Tz::UTC).span;
        let covered = coverage(&store.catalog.coverage_rows(&gate(), day, now).unwrap(), &always(), day);
        covered.missing.iter().find(|c| c.cause == GapCause::NotWritable).map(|c| c.seconds / 3600.0)
    };
    assert_eq!(hours(noon().date_naive()), Some(1.0));
    assert_eq!(hours(noon().date_naive().succ_opt().unwrap()), Some(2.0));
}
