//! An event as a card: picture with its box, what, where, when, and what was said.

use catalog::Event;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

use crate::page::strip::kind;
use crate::page::thumbnail;
use crate::page::words::{date_and_clock, instant, length, play_address};

/// Captions beyond these are on the event's own page.
const CAPTIONS: usize = 3;

/// What a card needs beside its event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Card<'a> {
    pub(crate) event: &'a Event,
    pub(crate) zone: Tz,
    /// The words that were found, each in `[ ]`; instead of the captions.
    pub(crate) snippet: Option<&'a str>,
}

/// Where a card's picture comes from, and whether it leads anywhere.
#[derive(Clone, Debug)]
pub(crate) enum Picture {
    Served,
    /// In a file that is handed on: there itself, or left out.
    Inlined(Option<String>),
}

/// When an event was, read back.
pub(crate) fn times(event: &Event) -> (DateTime<Utc>, DateTime<Utc>) {
    let read = |text: &str| text.parse::<DateTime<Utc>>().unwrap_or_default();
    (read(&event.what.start), read(&event.what.end))
}

/// Says what an event is of, as in `3 × person`.
pub(crate) fn what(event: &Event) -> String {
    let label = event.what.labels.first().map_or("described", String::as_str);
    match (event.what.still, event.what.peak) {
        (true, _) => format!("{label}, stays"),
        (false, 2..) if !event.what.labels.is_empty() => format!("{} × {label}", event.what.peak),
        _ => label.to_owned(),
    }
}

impl Card<'_> {
    pub(crate) fn markup(&self) -> Markup {
        self.with_picture(&Picture::Served)
    }

    pub(crate) fn with_picture(&self, picture: &Picture) -> Markup {
        let (event, (start, end)) = (self.event, times(self.event));
        let camera = event.camera.as_deref().unwrap_or(&event.file);
        let is_served = matches!(picture, Picture::Served);
        let shown = event.camera.as_ref().filter(|_| is_served).map(|camera| play_address(camera, start));
        let own = is_served.then(|| format!("/events/{}", event.id));
        html! {
            article.card id={ "event-" (event.id) } data-place=[event.place().map(crate::params::written)] {
                a.picture href=[shown.as_deref()] { (self.picture(picture)) }
                div.told {
                    h2 {
                        a href=[own] { (what(event)) }
                        span class={ "dot " (kind(event.what.labels.first().map(String::as_str))) } {}
                    }
                    p {
                        b { (camera) } @if event.what.view != "original" { " · " (event.what.view) }
                        br;
                        time datetime=(instant(start)) { (date_and_clock(start, self.zone)) } " · " (length(end - start))
                    }
                    (self.gist())
                    (self.said())
                }
            }
        }
    }

    /// The picture, and over it the box of what it shows, in fractions of it.
    fn picture(&self, picture: &Picture) -> Markup {
        let event = self.event;
        let source = match picture {
            Picture::Served => event.thumbnail.as_ref().map(|_| thumbnail::address(event.id)),
            Picture::Inlined(source) => source.clone(),
        };
        html! {
            @if let Some(source) = source {
                img src=(source) alt={ (what(event)) " in view " (event.what.view) }
                    loading="lazy";
                @if let Some([x, y, width, height]) = event.what.best.area {
                    svg.box viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" {
                        rect x=(x) y=(y) width=(width) height=(height) {}
                    }
                }
            } @else {
                span.none { "no picture" }
            }
        }
    }

    /// What structured answers say beside their captions.
    fn gist(&self) -> Markup {
        html! {
            @if let Some(gist) = &self.event.what.gist {
                @if gist.notable { p.notable { "Notable" @for reason in &gist.reasons { ": " (reason) } } }
                @if !gist.tags.is_empty() { ul.tags { @for tag in &gist.tags { li { (tag) } } } }
            }
        }
    }

    fn said(&self) -> Markup {
        let captions = &self.event.what.captions;
        html! {
            @if let Some(snippet) = self.snippet.filter(|snippet| !snippet.is_empty()) {
                p.said { (marked(snippet)) }
            } @else {
                @for caption in captions.iter().take(CAPTIONS) { p.said { (caption) } }
            }
        }
    }
}

/// Marks what stands in `[ ]`. Text that has such signs itself is marked there too, which harms nobody.
fn marked(snippet: &str) -> Markup {
    html! {
        @for (number, part) in snippet.split('[').enumerate() {
            @match (number, part.split_once(']')) {
                (1.., Some((word, rest))) => { mark { (word) } (rest) }
                (1.., None) => { "[" (part) }
                (0, _) => { (part) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_words_are_marked_and_nothing_else_is_markup() {
        let cases = [
            ("two [people] go", "two <mark>people</mark> go"),
            ("[a] [b]", "<mark>a</mark> <mark>b</mark>"),
            ("<b>[x]</b>", "&lt;b&gt;<mark>x</mark>&lt;/b&gt;"),
            ("[open", "[open"),
            ("close]", "close]"),
            ("", ""),
        ];
        for (snippet, markup) in cases {
            assert_eq!(marked(snippet).into_string(), markup);
        }
    }
}
