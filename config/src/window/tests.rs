//! Tests of the windows: a table of nights, and properties that hold at any instant.

use chrono_tz::{America::New_York, Europe::Berlin, Pacific::Apia, Tz, UTC};
use proptest::prelude::*;

use super::*;

fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn open(since: &str, until: &str) -> WindowState {
    WindowState::Open { since: utc(since), until: utc(until) }
}

fn closed(until: &str) -> WindowState {
    WindowState::Closed { until: utc(until) }
}

type Case<'c> = (Tz, &'c [&'c str], &'c str, WindowState);

fn hold(cases: &[Case<'_>]) {
    for (zone, spans, now, expected) in cases {
        let windows = Windows::parse(*zone, spans).unwrap();
        assert_eq!(windows.at(utc(now)), *expected, "{spans:?} in {zone} at {now}");
    }
}

#[test]
fn opens_and_closes_by_the_local_clock() {
    hold(&[
        // An ordinary winter night, from just before to just after.
        (Berlin, &["22:00-06:00"], "2026-01-10T20:59:59Z", closed("2026-01-10T21:00:00Z")),
        (
            Berlin,
            &["22:00-06:00"],
            "2026-01-10T21:00:00Z",
            open("2026-01-10T21:00:00Z", "2026-01-11T05:00:00Z"),
        ),
        (
            Berlin,
            &["22:00-06:00"],
            "2026-01-11T04:59:59Z",
            open("2026-01-10T21:00:00Z", "2026-01-11T05:00:00Z"),
        ),
        (Berlin, &["22:00-06:00"], "2026-01-11T05:00:00Z", closed("2026-01-11T21:00:00Z")),
        // The night that lacks an hour, and the one that has one more.
        (
            Berlin,
            &["22:00-06:00"],
            "2026-03-29T00:30:00Z",
            open("2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"),
        ),
        (
            Berlin,
            &["22:00-06:00"],
            "2026-10-25T00:30:00Z",
            open("2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"),
        ),
    ]);
}

#[test]
fn moves_a_boundary_that_does_not_exist_forward_by_the_gap() {
    hold(&[
        // 02:30 does not exist: both boundaries move to 03:30.
        (Berlin, &["02:30-05:00"], "2026-03-29T00:59:59Z", closed("2026-03-29T01:30:00Z")),
        (
            Berlin,
            &["02:30-05:00"],
            "2026-03-29T01:30:00Z",
            open("2026-03-29T01:30:00Z", "2026-03-29T03:00:00Z"),
        ),
        (
            Berlin,
            &["23:00-02:30"],
            "2026-03-29T01:29:59Z",
            open("2026-03-28T22:00:00Z", "2026-03-29T01:30:00Z"),
        ),
        (Berlin, &["23:00-02:30"], "2026-03-29T01:30:00Z", closed("2026-03-29T21:00:00Z")),
        // A window that would end before it begins is left out that night.
        (Berlin, &["02:30-03:10"], "2026-03-29T01:05:00Z", closed("2026-03-30T00:30:00Z")),
    ]);
}

#[test]
fn opens_at_the_first_and_closes_at_the_second_of_an_hour_that_occurs_twice() {
    hold(&[
        // 02:30 occurs twice: open at the first, close at the second.
        (
            Berlin,
            &["02:30-05:00"],
            "2026-10-25T00:30:00Z",
            open("2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z"),
        ),
        (
            Berlin,
            &["23:00-02:30"],
            "2026-10-25T01:29:59Z",
            open("2026-10-24T21:00:00Z", "2026-10-25T01:30:00Z"),
        ),
        (
            Berlin,
            &["02:10-02:40"],
            "2026-10-25T01:00:00Z",
            open("2026-10-25T00:10:00Z", "2026-10-25T01:40:00Z"),
        ),
    ]);
}

#[test]
fn follows_the_changes_of_other_zones() {
    hold(&[
        // New York changes at 02:00 local, on other days.
        (
            New_York,
            &["22:00-06:00"],
            "2026-03-08T07:00:00Z",
            open("2026-03-08T03:00:00Z", "2026-03-08T10:00:00Z"),
        ),
        (New_York, &["02:30-04:00"], "2026-03-08T07:29:59Z", closed("2026-03-08T07:30:00Z")),
        (
            New_York,
            &["01:30-04:00"],
            "2026-11-01T05:30:00Z",
            open("2026-11-01T05:30:00Z", "2026-11-01T09:00:00Z"),
        ),
        (
            New_York,
            &["22:00-01:30"],
            "2026-11-01T06:29:59Z",
            open("2026-11-01T02:00:00Z", "2026-11-01T06:30:00Z"),
        ),
        // Samoa had no 30 December 2011 at all.
        (Apia, &["10:00-12:00"], "2011-12-30T09:59:59Z", closed("2011-12-30T20:00:00Z")),
    ]);
}

#[test]
fn counts_windows_that_overlap_or_touch_as_one() {
    hold(&[
        // Several windows; those that overlap or touch are one.
        (UTC, &["01:00-03:00", "12:00-13:00"], "2026-05-05T04:00:00Z", closed("2026-05-05T12:00:00Z")),
        (
            UTC,
            &["01:00-03:00", "02:00-05:00"],
            "2026-05-05T04:00:00Z",
            open("2026-05-05T01:00:00Z", "2026-05-05T05:00:00Z"),
        ),
        (
            UTC,
            &["22:00-24:00", "00:00-02:00"],
            "2026-05-05T23:00:00Z",
            open("2026-05-05T22:00:00Z", "2026-05-06T02:00:00Z"),
        ),
        (UTC, &["20:00-24:00"], "2026-05-05T23:59:59Z", open("2026-05-05T20:00:00Z", "2026-05-06T00:00:00Z")),
        (UTC, &["20:00-00:00"], "2026-05-06T00:00:00Z", closed("2026-05-06T20:00:00Z")),
        // Nothing left out, so nothing to wait for.
        (UTC, &[], "2026-05-05T04:00:00Z", WindowState::Always),
        (UTC, &["00:00-24:00"], "2026-05-05T04:00:00Z", WindowState::Always),
        (Berlin, &["22:00-10:00", "09:00-22:00"], "2026-03-29T01:00:00Z", WindowState::Always),
    ]);
}

#[test]
fn counts_a_cap_for_the_day_on_which_the_window_opens() {
    let cases: &[(Tz, &[&str], &str, &str)] = &[
        (Berlin, &["22:00-06:00"], "2026-01-10T22:30:00Z", "2026-01-10"),
        (Berlin, &["22:00-06:00"], "2026-01-11T04:00:00Z", "2026-01-10"),
        (Berlin, &["22:00-06:00"], "2026-01-11T05:00:00Z", "2026-01-10"),
        (Berlin, &["00:30-06:00"], "2026-01-10T23:10:00Z", "2026-01-10"),
        (Berlin, &["00:30-06:00"], "2026-01-11T12:00:00Z", "2026-01-11"),
        (Berlin, &["22:00-06:00"], "2026-01-11T20:59:59Z", "2026-01-10"),
        (Berlin, &["22:00-06:00"], "2026-01-11T21:00:00Z", "2026-01-11"),
        (Berlin, &["01:00-02:00", "13:00-14:00"], "2026-01-11T10:00:00Z", "2026-01-11"),
        (Berlin, &[], "2026-01-10T23:30:00Z", "2026-01-11"),
        (New_York, &["00:00-24:00"], "2026-01-10T04:30:00Z", "2026-01-09"),
    ];
    for (zone, spans, now, expected) in cases {
        let windows = Windows::parse(*zone, spans).unwrap();
        assert_eq!(windows.cap_day(utc(now)).to_string(), *expected, "{spans:?} in {zone} at {now}");
    }
}

#[test]
fn a_cap_day_ends_with_the_first_opening_of_another_date() {
    let cases: &[(Tz, &[&str], &str, &str)] = &[
        (Berlin, &["22:00-06:00"], "2026-01-10T22:30:00Z", "2026-01-11T21:00:00Z"),
        (Berlin, &["22:00-06:00"], "2026-01-11T12:00:00Z", "2026-01-11T21:00:00Z"),
        (Berlin, &["01:00-02:00", "13:00-14:00"], "2026-01-11T00:30:00Z", "2026-01-12T00:00:00Z"),
        // Both nights of the year on which clocks change.
        (Berlin, &["22:00-06:00"], "2026-03-28T23:00:00Z", "2026-03-29T20:00:00Z"),
        (Berlin, &["22:00-06:00"], "2026-10-24T23:00:00Z", "2026-10-25T21:00:00Z"),
        // The window of this night is lost to the change.
        (Berlin, &["02:10-02:50"], "2026-03-28T12:00:00Z", "2026-03-29T01:10:00Z"),
        (Berlin, &[], "2026-03-28T23:30:00Z", "2026-03-29T22:00:00Z"),
        (UTC, &[], "2026-05-05T12:00:00Z", "2026-05-06T00:00:00Z"),
    ];
    for (zone, spans, now, expected) in cases {
        let windows = Windows::parse(*zone, spans).unwrap();
        assert_eq!(windows.cap_day_ends(utc(now)), utc(expected), "{spans:?} in {zone} at {now}");
    }
}

#[test]
fn refuses_what_is_not_a_window() {
    let wrong = [
        "",
        "22:00",
        "22-06",
        "22:00-6:00",
        "22:60-06:00",
        "24:01-06:00",
        "24:00-06:00",
        "+2:00-06:00",
        "22:00-22:00",
    ];
    for text in wrong {
        assert_eq!(Windows::parse(UTC, &[text]), Err(InvalidWindow(text.to_owned())));
    }
}

fn spans() -> impl Strategy<Value = Vec<String>> {
    let span = (0u16..1440, 1u16..1440).prop_map(|(opens, length)| {
        let closes = (opens + length) % 1440;
        format!("{:02}:{:02}-{:02}:{:02}", opens / 60, opens % 60, closes / 60, closes % 60)
    });
    proptest::collection::vec(span, 1..4)
}

fn zones() -> impl Strategy<Value = Tz> {
    let zones = [UTC, Berlin, New_York, Tz::Australia__Lord_Howe, Tz::Asia__Kathmandu, Tz::America__St_Johns];
    proptest::sample::select(zones.to_vec())
}

/// Any second of 2026 and 2027.
fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    (1_767_225_600i64..1_830_297_600).prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

proptest! {
    #[test]
    fn names_an_interval_that_holds_now_and_ends_it_there(zone in zones(), spans in spans(), now in instants()) {
        let windows = Windows::parse(zone, &spans).unwrap();
        let just_before = |instant: DateTime<Utc>| instant - Duration::seconds(1);
        let closed_at = |instant| matches!(windows.at(instant), WindowState::Closed { .. });
        match windows.at(now) {
            WindowState::Always => {}
            WindowState::Open { since, until } => {
                prop_assert!(since <= now && now < until);
                prop_assert_eq!(windows.at(since), windows.at(just_before(until)));
                prop_assert!(closed_at(until));
                prop_assert!(closed_at(just_before(since)));
            }
            WindowState::Closed { until } => {
                prop_assert!(now < until && until - now < Duration::days(3));
                let opened_then = matches!(windows.at(until), WindowState::Open { since, .. } if since == until);
                prop_assert!(opened_then);
                prop_assert_eq!(windows.at(just_before(until)), WindowState::Closed { until });
            }
        }
    }

    #[test]
    fn keeps_one_cap_day_for_the_whole_of_a_window(zone in zones(), spans in spans(), now in instants()) {
        let windows = Windows::parse(zone, &spans).unwrap();
        if let WindowState::Open { since, until } = windows.at(now) {
            prop_assert_eq!(windows.cap_day(now), windows.cap_day(since));
            prop_assert_eq!(windows.cap_day(now), windows.cap_day(until - Duration::seconds(1)));
        }
    }

    #[test]
    fn a_cap_day_lasts_to_its_end(zone in zones(), spans in spans(), now in instants()) {
        let windows = Windows::parse(zone, &spans).unwrap();
        let ends = windows.cap_day_ends(now);
        prop_assert!(ends > now);
        prop_assert_eq!(windows.cap_day(ends - Duration::seconds(1)), windows.cap_day(now));
        prop_assert_ne!(windows.cap_day(ends), windows.cap_day(now));
    }

    #[test]
    fn agrees_with_the_wall_clock_on_days_without_a_change(spans in spans(), now in instants()) {
        let windows = Windows::parse(UTC, &spans).unwrap();
        let minute = u16::try_from(now.timestamp() % 86_400 / 60).unwrap();
        let inside = spans.iter().any(|text| {
            let span = parse_span(text).unwrap();
            (span.opens..span.closes).contains(&minute) || (span.opens..span.closes).contains(&(minute + MINUTES_PER_DAY))
        });
        prop_assert_eq!(inside, !matches!(windows.at(now), WindowState::Closed { .. }));
    }
}
