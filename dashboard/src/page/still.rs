//! Stills: what a camera's view shows at a time, `/still/gate/left?at=2026-11-25T22:00:00Z`, out of what is recorded; without
//! a time the newest picture of the newest closed segment.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use catalog::Span;
use chrono::{DateTime, TimeDelta, Utc};
use config::{CameraId, View, ViewMode};
use tokio::time::timeout;

use crate::fault::{Fault, Made};
use crate::makers::{Moment, StillMaker};
use crate::page::clip::footage;
use crate::page::play::known;
use crate::page::words::{encoded, instant};
use crate::pages::{Pages, Shared};
use crate::params::Params;

/// The frame as it is; every camera has it.
pub(crate) const ORIGINAL: &str = "original";

/// Pictures that are kept: a person goes to and fro, and several may look at the same.
const KEPT: usize = 16;

/// Each takes some tenths of a second of a core. Whoever has waited for so long gets none.
const PATIENCE: Duration = Duration::from_secs(10);

/// Times this close show the same picture.
const STEP_MS: i64 = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    camera: CameraId,
    view: String,
    /// In steps.
    at: i64,
}

/// The pictures made last.
#[derive(Debug, Default)]
pub(crate) struct Gallery(Mutex<VecDeque<(Key, Bytes)>>);

impl Gallery {
    fn get(&self, key: &Key) -> Option<Bytes> {
        let pictures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pictures.iter().find(|(known, _)| known == key).map(|(_, picture)| picture.clone())
    }

    fn keep(&self, key: Key, picture: Bytes) {
        let mut pictures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pictures.push_front((key, picture));
        pictures.truncate(KEPT);
    }
}

pub(crate) async fn picture(
    State(pages): Shared,
    Path((camera, view)): Path<(String, String)>,
    params: Params,
) -> Response {
    // One after the other, and nobody waits for long.
    let Ok(turn) = timeout(PATIENCE, pages.stills.clone().acquire_owned()).await else {
        return Fault::Busy.json();
    };
    let made = pages.make(move |pages| {
        let _turn = turn;
        still(pages, (&camera, &view), &params)
    });
    match made.await {
        // Retention may delete what it is of.
        Ok(jpeg) => {
            ([(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, max-age=300")], jpeg).into_response()
        }
        Err(fault) => fault.json(),
    }
}

fn still(pages: &Pages, (camera, view): (&str, &str), params: &Params) -> Made<Bytes> {
    let missing = Fault::NotFound { what: "still" };
    let Some(maker) = &pages.site.makers.still else { return Err(missing) };
    let camera = known(pages, camera)?;
    let view = views(pages, &camera).into_iter().find(|known| known.name == view).ok_or(missing)?;
    let at = match pages.site.when().span(params.get("at"), None)? {
        [Some(at), _] => at,
        [None, _] => newest(pages, &camera)?,
    };
    let key = Key { camera, view: view.name.clone(), at: at.timestamp_millis().div_euclid(STEP_MS) };
    if let Some(kept) = pages.gallery.get(&key) {
        return Ok(kept);
    }
    let jpeg = make(pages, maker, (&key.camera, &view, at))?;
    pages.gallery.keep(key, jpeg.clone());
    Ok(jpeg)
}

fn make(
    pages: &Pages,
    maker: &StillMaker,
    (camera, view, at): (&CameraId, &View, DateTime<Utc>),
) -> Made<Bytes> {
    let nothing =
        || Fault::Nothing { text: "nothing was recorded then, or it is no longer on the disk".to_owned() };
    let end = at.checked_add_signed(TimeDelta::milliseconds(1)).ok_or_else(nothing)?;
    if !(0..253_402_300_800).contains(&at.timestamp()) {
        return Err(nothing());
    }
    let mut segments = pages.site.catalog.camera_segments(camera, (Span::new(at, end), 8))?;
    let segment = segments.pop().ok_or_else(nothing)?;
    let footage = footage(pages, &segment)?.ok_or_else(nothing)?;
    let after = (at - segment.start).to_std().unwrap_or_default();
    Ok(Bytes::from(maker(camera, view, Moment { footage, after })?))
}

/// Returns when the newest picture was taken that is there to be read.
fn newest(pages: &Pages, camera: &CameraId) -> Made<DateTime<Utc>> {
    let nothing = || Fault::Nothing { text: "nothing was recorded yet".to_owned() };
    let catalog = &pages.site.catalog;
    let segment = catalog.camera_segment_before(camera, pages.site.clock.now())?.ok_or_else(nothing)?;
    let length = segment.duration.and_then(|length| TimeDelta::from_std(length).ok()).unwrap_or_default();
    Ok(segment.start + (length - TimeDelta::milliseconds(1)).max(TimeDelta::zero()))
}

/// Lists what a camera's pictures can be seen through, the whole picture first.
pub(crate) fn views(pages: &Pages, camera: &CameraId) -> Vec<View> {
    let cameras = &pages.site.settings.cameras;
    let of_settings = cameras.iter().find(|known| known.id == *camera).map_or(&[][..], |known| &known.views);
    let original = View { name: ORIGINAL.to_owned(), mode: ViewMode::Original };
    let others = of_settings.iter().filter(|view| view.name != ORIGINAL).cloned();
    std::iter::once(original).chain(others).collect()
}

/// Returns where the newest still of a whole picture is.
pub(crate) fn newest_address(camera: &CameraId) -> String {
    format!("/still/{}/{ORIGINAL}", encoded(camera.as_str()))
}

/// Returns where a still is.
pub(crate) fn address(camera: &CameraId, view: &str, at: DateTime<Utc>) -> String {
    format!("/still/{}/{}?at={}", encoded(camera.as_str()), encoded(view), encoded(&instant(at)))
}
