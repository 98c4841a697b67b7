//! A camera as it is now: `/live/gate`. Its live playlist, where the browser plays one, and what was seen last.

use axum::extract::{Path, State};
use axum::response::Response;
use catalog::EventFilter;
use config::CameraId;
use maud::{Markup, html};

use crate::fault::Made;
use crate::page::assets::address;
use crate::page::card::Card;
use crate::page::play::known;
use crate::page::shell::{Tab, shell};
use crate::page::still;
use crate::page::words::encoded;
use crate::pages::{Pages, Shared};

/// Events that are shown beside it.
const LAST: u32 = 8;

pub(crate) async fn live(State(pages): Shared, Path(camera): Path<String>) -> Response {
    pages.page(move |pages| show(pages, &known(pages, &camera)?)).await
}

fn show(pages: &Pages, camera: &CameraId) -> Made<Markup> {
    let site = &pages.site;
    let has_playlist = site.settings.cameras.iter().any(|c| c.id == *camera && c.hls.is_some());
    let cameras = vec![camera.to_string()];
    let filter = EventFilter { cameras, limit: Some(LAST), ..EventFilter::default() };
    let events = site.catalog.events_before(&filter, None)?;
    let recorded = format!("/play/{}", encoded(camera.as_str()));
    let body = html! {
        div.head {
            h1 { (camera) ", live" }
            nav.days aria-label="Of this camera" {
                a href=(recorded) { "newest recording" }
                a href={ "/events?camera=" (encoded(camera.as_str())) } { "its events" }
            }
        }
        @if has_playlist { (screen(pages, camera)) } @else {
            @if pages.site.makers.still.is_some() && recorded_once(pages, camera)? { (newest(camera)) }
            p.empty {
                "This camera has no live playlist: " code { "hls = true" } " in its settings makes one. "
                a href=(recorded) { "The newest recording" } " is at most a segment old."
            }
        }
        h2 { "Seen last" }
        div.cards #last { @for event in &events { (Card { event, zone: site.zone(), snippet: None }.markup()) } }
        script src=(address("live.js")) defer {}
    };
    Ok(shell(&format!("{camera}, live"), Tab::Day, &body))
}

fn recorded_once(pages: &Pages, camera: &CameraId) -> Made<bool> {
    Ok(pages.site.catalog.camera_segment_before(camera, pages.site.clock.now())?.is_some())
}

/// The newest picture that is recorded, which the script asks for anew.
fn newest(camera: &CameraId) -> Markup {
    html! {
        p #player { img #still.live src=(still::newest_address(camera)) alt={ "The newest recorded picture of " (camera) }; }
    }
}

fn screen(pages: &Pages, camera: &CameraId) -> Markup {
    let playlist = format!("/media/{}/{}", encoded(camera.as_str()), catalog::PLAYLIST);
    html! {
        div #player {
            video #live controls muted autoplay playsinline src=(playlist) {}
            @if pages.site.makers.still.is_some() {
                img #still.live hidden data-src=(still::newest_address(camera))
                    alt={ "The newest recorded picture of " (camera) };
            }
            p #cannot.note role="alert" hidden {
                "The browser does not play it: nothing is recorded at present, or it knows no live playlists (HLS) or not the "
                "camera's format (H.265). "
                @if pages.site.makers.still.is_some() { "Instead there is the newest recorded picture, a segment old at most. " }
                a href={ "/play/" (encoded(camera.as_str())) } { "The newest recording" } " can be downloaded. " a href=(playlist) { "The playlist" } " plays in mpv, VLC or ffplay."
            }
        }
    }
}
