//! A clip: `/clip/gate?from=…&to=…` says what it will be, `/clip/gate/download?from=…&to=…` is the file.
//!
//! It is read from the segments while it is sent, so that neither memory nor disk has to hold it.

use std::io::{self, Read};
use std::sync::{Arc, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use catalog::{Segment, Span};
use chrono::{DateTime, Utc};
use config::CameraId;
use futures::stream;
use maud::{Markup, html};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use crate::fault::{Fault, Made};
use crate::makers::{Clip, Footage, NotMade};
use crate::open::open;
use crate::page::play::known;
use crate::page::shell::{Tab, shell};
use crate::page::words::{
    clock, count, date_and_clock, encoded, instant, length, media_address, play_address, size,
};
use crate::pages::{Pages, Shared};
use crate::params::Params;
use crate::path::MediaPath;

/// Clips that are made at once: each has its segments open, and its index in memory.
pub(crate) const AT_ONCE: usize = 3;

/// Read from the disk and sent in one go.
const PIECE: usize = 256 << 10;

pub(crate) async fn described(State(pages): Shared, Path(camera): Path<String>, params: Params) -> Response {
    pages.page(move |pages| show(pages, &Asked::read(pages, &camera, &params)?)).await
}

pub(crate) async fn download(State(pages): Shared, Path(camera): Path<String>, params: Params) -> Response {
    let made = pages.make(move |pages| {
        let asked = Asked::read(pages, &camera, &params)?;
        let place = pages.clips.clone().try_acquire_owned().map_err(|_| Fault::Busy)?;
        Ok((asked.file_name(pages), asked.clip(pages)?, place))
    });
    match made.await {
        Ok((name, clip, place)) => sent(&name, clip, place),
        Err(fault) => fault.page(),
    }
}

/// A clip as the API tells of it.
#[derive(Serialize)]
pub(crate) struct ClipLine {
    camera: String,
    begins: DateTime<Utc>,
    ends: DateTime<Utc>,
    frames: u64,
    bytes: u64,
    holes: Vec<Span>,
    download: String,
}

/// Reads what the API is asked for by `camera`, `from` and `to`.
pub(crate) fn line(pages: &Pages, params: &Params) -> Made<ClipLine> {
    let missing = || Fault::Wrong { text: "`camera` is missing".to_owned() };
    let asked = Asked::read(pages, params.get("camera").ok_or_else(missing)?, params)?;
    let clip = asked.clip(pages)?;
    Ok(ClipLine {
        camera: asked.camera.to_string(),
        begins: clip.span.from,
        ends: clip.span.to,
        frames: clip.frames,
        bytes: clip.length,
        holes: clip.holes,
        download: asked.download(),
    })
}

struct Asked {
    camera: CameraId,
    span: Span,
}

impl Asked {
    fn read(pages: &Pages, camera: &str, params: &Params) -> Made<Self> {
        let camera = known(pages, camera)?;
        let [from, to] = pages.site.when().span(params.get("from"), params.get("to"))?;
        let (Some(from), Some(to)) = (from, to) else {
            return Err(Fault::Wrong {
                text: "`from` and `to` say of which time the clip is to be".to_owned(),
            });
        };
        let is_of_now = |at: &DateTime<Utc>| (0..253_402_300_800).contains(&at.timestamp());
        if ![from, to].iter().all(is_of_now) {
            return Err(Fault::Wrong { text: "there is no footage of such times".to_owned() });
        }
        if to <= from {
            return Err(Fault::Wrong { text: "`to` must be later than `from`".to_owned() });
        }
        Ok(Self { camera, span: Span::new(from, to) })
    }

    fn clip(&self, pages: &Pages) -> Made<Clip> {
        let makers = &pages.site.makers;
        let _one_by_one = pages.planning.lock().unwrap_or_else(PoisonError::into_inner);
        let segments =
            pages.site.catalog.camera_segments(&self.camera, (self.span, makers.most_files + 1))?;
        // one that went away meanwhile leaves a hole
        let footage = segments.iter().filter_map(|segment| footage(pages, segment).transpose());
        let made = (makers.clip)(&self.camera, footage.collect::<Made<_>>()?, self.span);
        made.map_err(|why| match why {
            NotMade::Nothing(text) => Fault::Nothing { text },
            NotMade::Refused(text) => Fault::Wrong { text },
            NotMade::Failed(source) => Fault::Figure(source),
        })
    }

    fn download(&self) -> String {
        format!(
            "/clip/{}/download?from={}&to={}",
            encoded(self.camera.as_str()),
            encoded(&instant(self.span.from)),
            encoded(&instant(self.span.to))
        )
    }

    /// Ids of cameras have no character that a file may not have.
    fn file_name(&self, pages: &Pages) -> String {
        let zone = pages.site.zone();
        let local = |at: DateTime<Utc>, form| at.with_timezone(&zone).format(form).to_string();
        let (from, to) = (local(self.span.from, "%Y%m%d_%H%M%S"), local(self.span.to, "%H%M%S"));
        format!("{}_{from}-{to}.mp4", self.camera)
    }
}

/// Opens a segment's file; `None` where it is gone.
pub(crate) fn footage(pages: &Pages, segment: &Segment) -> Made<Option<Footage>> {
    let address = media_address(segment);
    let path = address.as_deref().and_then(|address| MediaPath::parse(address.strip_prefix("/media/")?));
    let Some(path) = path else { return Ok(None) };
    let opened =
        open(&pages.site.settings.storage.root, &path).map_err(|error| Fault::Figure(error.into()))?;
    let name = segment.path.display().to_string();
    Ok(opened.map(|opened| Footage { file: opened.file, name, start: segment.start }))
}

fn show(pages: &Pages, asked: &Asked) -> Made<Markup> {
    let clip = asked.clip(pages)?;
    let (camera, zone) = (asked.camera.as_str(), pages.site.zone());
    let body = html! {
        h1 { "Clip of " (camera) " " small { (date_and_clock(clip.span.from, zone)) " – " (clock(clip.span.to, zone)) } }
        p { (length(clip.span.length())) ", " (count(clip.frames, "picture")) ", " (size(clip.length)) "." }
        @if clip.span.from < asked.span.from {
            p {
                "It begins at " (clock(clip.span.from, zone)) ", the keyframe before " (clock(asked.span.from, zone))
                ": nothing is encoded anew, and only a keyframe can be the first picture."
            }
        }
        @for hole in &clip.holes {
            p.note {
                "Nothing is there from " (clock(hole.from, zone)) " to " (clock(hole.to, zone)) " ("
                (length(hole.length())) "). The picture before stands still for as long, so that the clip keeps the time."
            }
        }
        p.controls {
            a #download.button href=(asked.download()) download { "Download" }
            a href=(play_address(camera, asked.span.from)) { "Back to the player" }
        }
    };
    Ok(shell(&format!("Clip of {camera}"), Tab::Day, &body))
}

fn sent(name: &str, clip: Clip, place: OwnedSemaphorePermit) -> Response {
    let headers = [
        (CONTENT_TYPE, "video/mp4".to_owned()),
        (CONTENT_LENGTH, clip.length.to_string()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (ACCEPT_RANGES, "none".to_owned()),
    ];
    let pieces = stream::try_unfold((clip.content, Arc::new(place)), async |(mut content, place)| {
        let read = spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE);
            let read = content.by_ref().take(PIECE as u64).read_to_end(&mut piece);
            read.map(|read| (read > 0).then(|| (Bytes::from(piece), content)))
        });
        let next = read.await.map_err(io::Error::other)?.inspect_err(|error| {
            tracing::warn!(error = error as &dyn std::error::Error, "a clip ends early");
        })?;
        Ok::<_, io::Error>(next.map(|(piece, content)| (piece, (content, place))))
    });
    (headers, Body::from_stream(pieces)).into_response()
}
