//! A camera's time as a strip: what was recorded and what became of it, the gaps, and the events below. An SVG whose
//! units are seconds; it is stretched to any width.

use catalog::{CoverageRows, Footage, Mark, Span};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

use crate::page::words::{clock, count, length, play_address};

/// Neighbours this close are drawn as one: a strip has fewer points than a day has seconds.
const NEAR: TimeDelta = TimeDelta::seconds(20);

/// What became of recorded time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Queued,
    Processed,
    /// No longer on the disk.
    Archived,
}

/// Whether a click leads to the player; a file that is handed on has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Player,
    None,
}

/// Whose strip, of which time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strip<'a> {
    pub(crate) camera: &'a str,
    pub(crate) span: Span,
    pub(crate) zone: Tz,
    pub(crate) rows: &'a CoverageRows,
    pub(crate) marks: &'a [Mark],
    pub(crate) links: Links,
}

impl Strip<'_> {
    pub(crate) fn svg(&self) -> Markup {
        let seconds = self.span.length().num_seconds().max(1);
        // No mark is narrower than this, however long the strip is.
        let least = seconds as f64 / 400.0;
        html! {
            svg.strip role="group" aria-label={ "Strip of " (self.camera) } viewBox={ "0 0 " (seconds) " 30" }
                preserveAspectRatio="none" data-play={ "/play/" (crate::page::words::encoded(self.camera)) }
                data-from=(self.span.from.timestamp_millis()) data-to=(self.span.to.timestamp_millis()) {
                rect.ground x="0" y="0" width=(seconds) height="18" {}
                @for (span, stage) in self.footage() { (self.recorded(span, stage)) }
                @for (span, cause) in &self.rows.gaps {
                    @if let Some((x, width)) = self.place(*span, least) {
                        rect.gap x=(x) y="0" width=(width) height="18" {
                            title {
                                (clock(span.from, self.zone)) "–" (clock(span.to, self.zone)) ": " (cause) ", "
                                (length(span.length()))
                            }
                        }
                    }
                }
                @for mark in self.marks { (self.mark(mark, least)) }
            }
        }
    }

    /// Returns when its footage begins.
    pub(crate) fn first(&self) -> DateTime<Utc> {
        self.footage().first().map_or(self.span.from, |(span, _)| span.from.max(self.span.from))
    }

    fn recorded(&self, span: Span, stage: Stage) -> Markup {
        let (class, word) = match stage {
            Stage::Queued => ("queued", "waits to be processed"),
            Stage::Processed => ("processed", "processed"),
            Stage::Archived => ("archived", "in the archive, no longer on the disk"),
        };
        html! {
            @if let Some((x, width)) = self.place(span, 0.0) {
                a href=[self.link(span.from.max(self.span.from))] tabindex="-1" {
                    rect class=(class) x=(x) y="0" width=(width) height="18" {
                        title { (clock(span.from, self.zone)) "–" (clock(span.to, self.zone)) ": " (word) }
                    }
                }
            }
        }
    }

    fn mark(&self, mark: &Mark, least: f64) -> Markup {
        let label = mark.label.as_deref().unwrap_or("said");
        html! {
            @if let Some((x, width)) = self.place(Span::new(mark.start, mark.start), least) {
                a href=[self.link(mark.start)] tabindex="-1" {
                    rect class={ "mark " (kind(mark.label.as_deref())) } x=(x) y="20" width=(width) height="10" {
                        title { (clock(mark.start, self.zone)) ": " (label) ", " (count(mark.events, "event")) }
                    }
                }
            }
        }
    }

    fn link(&self, at: DateTime<Utc>) -> Option<String> {
        (self.links == Links::Player).then(|| play_address(self.camera, at))
    }

    /// Returns where a span lies on the strip, and how wide it is; nothing where it does not touch it.
    fn place(&self, span: Span, least: f64) -> Option<(String, String)> {
        let (from, to) = (span.from.max(self.span.from), span.to.min(self.span.to));
        let seconds = |at: DateTime<Utc>| (at - self.span.from).num_milliseconds() as f64 / 1000.0;
        let width = (seconds(to) - seconds(from)).max(least);
        let inside = from <= to && from < self.span.to && width > 0.0;
        inside.then(|| (format!("{:.1}", seconds(from)), format!("{width:.1}")))
    }

    /// Joins neighbours of which the same is to be said.
    fn footage(&self) -> Vec<(Span, Stage)> {
        let mut joined: Vec<(Span, Stage)> = Vec::new();
        for file in &self.rows.footage {
            let stage = match file {
                Footage { away: true, .. } => Stage::Archived,
                Footage { processed: true, .. } => Stage::Processed,
                _ => Stage::Queued,
            };
            match joined.last_mut() {
                Some((last, same)) if *same == stage && file.span.from - last.to < NEAR => {
                    last.to = last.to.max(file.span.to);
                }
                _ => joined.push((file.span, stage)),
            }
        }
        joined.retain(|(span, _)| span.to > self.span.from && span.from < self.span.to);
        joined
    }
}

/// Returns when within a span the archive alone has footage; neighbours are one.
pub(crate) fn away_spans(rows: &CoverageRows, span: Span) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::new();
    for file in rows.footage.iter().filter(|file| file.away) {
        let part = Span::new(file.span.from.max(span.from), file.span.to.min(span.to));
        match joined.last_mut() {
            _ if part.from >= part.to => {}
            Some(last) if part.from - last.to < NEAR => last.to = last.to.max(part.to),
            _ => joined.push(part),
        }
    }
    joined
}

/// Groups labels by colour.
pub(crate) fn kind(label: Option<&str>) -> &'static str {
    match label {
        None => "said",
        Some("person") => "person",
        Some("car" | "truck" | "bus" | "motorcycle" | "bicycle" | "train" | "boat") => "vehicle",
        Some("dog" | "cat" | "bird" | "horse" | "sheep" | "cow" | "bear") => "animal",
        Some(_) => "other",
    }
}

/// The hours above strips of a day. Days of 23 and 25 hours have theirs.
pub(crate) fn hours(span: Span, zone: Tz) -> Markup {
    let hours = span.length().num_hours().max(1);
    html! {
        div.hours aria-hidden="true" {
            @for hour in (0..hours).step_by(3) {
                span { ((span.from + TimeDelta::hours(hour)).with_timezone(&zone).format("%-H")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use catalog::GapCause;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_763_769_600 + second, 0).unwrap()
    }

    fn file(from: i64, to: i64, processed: bool) -> Footage {
        Footage { span: Span::new(at(from), at(to)), processed, archived: false, away: false }
    }

    #[test]
    fn a_strip_joins_neighbours_and_says_why_there_is_a_gap() {
        let rows = CoverageRows {
            footage: vec![
                file(-90, -30, true),
                file(-30, 30, true),
                file(31, 90, true),
                file(90, 150, false),
                file(86_390, 86_500, false),
            ],
            gaps: vec![(Span::new(at(150), at(400)), GapCause::Unreachable)],
            ..CoverageRows::default()
        };
        let marks = [Mark { camera: "gate".into(), label: Some("<b>".into()), start: at(60), events: 2 }];
        let span = Span::new(at(0), at(86_400));
        let strip = Strip {
            camera: "gate",
            span,
            zone: chrono_tz::UTC,
            rows: &rows,
            marks: &marks,
            links: Links::Player,
        };
        assert_eq!(strip.footage().len(), 3);
        let svg = strip.svg().into_string();
        assert!(svg.contains(r#"class="processed" x="0.0" y="0" width="90.0""#), "{svg}");
        assert!(svg.contains(r#"x="86390.0" y="0" width="10.0""#), "{svg}");
        assert!(svg.contains("00:02:30–00:06:40: camera unreachable, 4 min 10 s"), "{svg}");
        assert!(svg.contains("00:01:00: &lt;b&gt;, 2 events") && !svg.contains("<b>"), "{svg}");
    }

    #[test]
    fn what_the_archive_alone_has_is_told_apart() {
        let away = |from, to| Footage { archived: true, away: true, ..file(from, to, true) };
        let rows = CoverageRows {
            footage: vec![away(0, 60), away(60, 120), file(120, 180, true)],
            ..CoverageRows::default()
        };
        let span = Span::new(at(0), at(3600));
        assert_eq!(away_spans(&rows, span), [Span::new(at(0), at(120))]);
        assert_eq!(away_spans(&rows, Span::new(at(30), at(90))), [Span::new(at(30), at(90))]);
        assert_eq!(away_spans(&rows, Span::new(at(120), at(180))), []);
    }

    #[test]
    fn days_have_the_hours_they_have() {
        let zone = chrono_tz::Europe::Berlin;
        for (date, hours, last) in [("2026-03-29", 8, "22"), ("2026-10-25", 9, "23"), ("2026-11-25", 8, "21")]
        {
            let span = catalog::Day::of(date.parse().unwrap(), zone).span;
            let shown = super::hours(span, zone).into_string();
            assert_eq!(shown.matches("<span>").count(), hours, "{date}");
            assert!(shown.contains(&format!("<span>{last}</span></div>")), "{shown}");
        }
    }
}
