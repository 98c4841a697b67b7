//! Search: words, labels and times as they are typed, `/search?q=person+yesterday+22:00-02:00`.

use axum::extract::State;
use axum::response::Response;
use catalog::{EventFilter, Hit, Hits};
use maud::{Markup, html};

use crate::fault::Made;
use crate::page::card::Card;
use crate::page::shell::{Tab, shell};
use crate::page::words::{count, date_and_clock};
use crate::pages::{Pages, Shared};
use crate::params::Params;
use crate::site::Site;

pub(crate) async fn found(State(pages): Shared, params: Params) -> Response {
    pages.page(move |pages| show(pages, &params)).await
}

/// Finds what was typed: words with a time at their end, or a time alone.
pub(crate) fn find(site: &Site, params: &Params) -> Made<(EventFilter, Hits)> {
    let (words, span) = site.when().words_and_span(params.get("q").unwrap_or_default());
    let mut filter = params.events(site.when())?;
    if let Some(span) = span {
        (filter.from, filter.to) = (Some(span.from), Some(span.to));
    }
    let hits = match (words.is_empty(), span) {
        (true, Some(_)) => {
            let events = site.catalog.events_before(&filter, None)?;
            let hits = events.into_iter().map(|event| Hit { event, snippet: String::new() }).collect();
            Hits { all_words: true, hits }
        }
        _ => site.catalog.search(&words, &filter)?,
    };
    Ok((filter, hits))
}

fn show(pages: &Pages, params: &Params) -> Made<Markup> {
    let (site, zone) = (&pages.site, pages.site.zone());
    let typed = params.get("q").unwrap_or_default();
    let (filter, found) = find(site, params)?;
    let times = filter.from.zip(filter.to);
    let body = html! {
        h1 { "Search" }
        form.filters role="search" action="/search" {
            label { "What, and when" input type="search" name="q" value=(typed) maxlength="300" size="40"; }
            button { "Search" }
        }
        @if typed.is_empty() {
            p.empty {
                "Words of descriptions, labels, cameras and views; at the end a time, as in "
                code { "red van yesterday" } ", " code { "person 22:00-02:00" } " or " code { "gate 2h" } "."
            }
        } @else {
            p.sum role="status" {
                (count(found.hits.len() as u64, "event")) " found"
                @if let Some((from, to)) = times {
                    " from " (date_and_clock(from, zone)) " to " (date_and_clock(to, zone))
                }
                @if !found.all_words { ". None has all the words; these have some of them" }
            }
        }
        div.cards {
            @for hit in &found.hits {
                (Card { event: &hit.event, zone, snippet: Some(&hit.snippet) }.markup())
            }
        }
    };
    Ok(shell("Search", Tab::Search, &body))
}
