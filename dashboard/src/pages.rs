//! The pages and the API as one router, and what surrounds their answers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::Markup;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::fault::{Fault, Made};
use crate::figures::Wanted;
use crate::kept::{Holds, Kept};
use crate::packed::Packed;
use crate::page::{clip, cues, day, events, feed, live, night, play, search, still, storage, thumbnail};
use crate::params::Params;
use crate::site::Site;
use crate::{metrics, token};

/// Nothing from elsewhere, nothing written into a page: whatever gets into one cannot become a program.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                      media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Of pages that are kept, packed: some months of 64 cameras.
const DAYS_BYTES: usize = 16 << 20;

/// More than there are.
const FIGURES: usize = 8;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Pages {
    pub(crate) site: Site,
    /// Days as they are shown, by their date.
    pub(crate) days: Kept<chrono::NaiveDate, Arc<Packed>, day::Basis>,
    /// What the figures told last.
    pub(crate) figures: Kept<Wanted, Arc<Value>, ()>,
    /// The labels of which there are events.
    labels: Kept<(), Arc<Vec<String>>, ()>,
    /// What forms send back: a page elsewhere cannot know it.
    pub(crate) token: String,
    /// Places for clips that are being sent.
    pub(crate) clips: Arc<Semaphore>,
    /// The turn to make a still.
    pub(crate) stills: Arc<Semaphore>,
    pub(crate) gallery: still::Gallery,
    /// Held while a clip is planned, which takes memory.
    pub(crate) planning: Mutex<()>,
}

pub(crate) type Shared = State<Arc<Pages>>;

pub(crate) fn router(site: Site) -> Router {
    let days = Kept::new(DAYS_BYTES, |page: &Arc<Packed>| page.weight());
    let pages = Arc::new(Pages {
        site,
        days,
        figures: Kept::new(FIGURES, |_| 1),
        labels: Kept::new(1, |_| 1),
        token: token::random(),
        clips: Arc::new(Semaphore::new(clip::AT_ONCE)),
        stills: Arc::new(Semaphore::new(1)),
        gallery: still::Gallery::default(),
        planning: Mutex::default(),
    });
    Router::new()
        .route("/", get(day::today))
        .route("/day", get(day::chosen))
        .route("/day/{date}", get(day::of_date))
        .route("/play/{camera}", get(play::player))
        .route("/clip/{camera}", get(clip::described))
        .route("/clip/{camera}/download", get(clip::download))
        .route("/live/{camera}", get(live::live))
        .route("/events", get(events::list))
        .route("/events/{id}", get(events::one))
        .route("/search", get(search::found))
        .route("/events.atom", get(feed::atom))
        .route("/night", get(night::night))
        .route("/night/requeue/{id}", post(night::requeue))
        .route("/still/{camera}/{view}", get(still::picture))
        .route("/storage", get(storage::storage))
        .route("/metrics", get(metrics::metrics))
        .route("/readyz", get(metrics::ready))
        .route("/thumbnails/{name}", get(thumbnail::picture))
        .route("/cues/{name}", get(cues::text))
        .nest("/api/v1", crate::api::router())
        .layer(map_response(guard))
        .with_state(pages)
}

pub(crate) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Pages {
    /// Refuses a form that comes from no page of this server.
    pub(crate) fn require_token(&self, form: &Params) -> Made<()> {
        match form.get("token") == Some(self.token.as_str()) {
            true => Ok(()),
            false => Err(Fault::Wrong {
                text: "that page was of an earlier start of the server; load it again".to_owned(),
            }),
        }
    }

    /// Lists the labels to choose from. To find them, all events are looked at.
    pub(crate) fn labels(&self) -> Made<Arc<Vec<String>>> {
        let find = || Ok((Arc::new(self.site.catalog.event_labels()?), Holds::AWhile));
        self.labels.get(&(), || Ok(()), find)
    }

    /// Makes a page, on a thread where it may block.
    pub(crate) async fn page(
        self: Arc<Self>,
        make: impl FnOnce(&Self) -> Made<Markup> + Send + 'static,
    ) -> Response {
        match self.make(make).await {
            Ok(markup) => markup.into_response(),
            Err(fault) => fault.page(),
        }
    }

    /// Answers with a page that may be kept, by what a request asks of it.
    pub(crate) async fn packed(
        self: Arc<Self>,
        asked: HeaderMap,
        find: impl FnOnce(&Self) -> Made<Arc<Packed>> + Send + 'static,
    ) -> Response {
        let answer = move |pages: &Self| Ok(find(pages)?.answer(&asked)?);
        self.make(answer).await.unwrap_or_else(|fault| fault.page())
    }

    /// Makes an answer of the API, likewise.
    pub(crate) async fn json<T: Serialize + Send + 'static>(
        self: Arc<Self>,
        make: impl FnOnce(&Self) -> Made<T> + Send + 'static,
    ) -> Response {
        match self.make(make).await {
            Ok(value) => axum::Json(value).into_response(),
            Err(fault) => fault.json(),
        }
    }

    pub(crate) async fn make<T: Send + 'static>(
        self: Arc<Self>,
        make: impl FnOnce(&Self) -> Made<T> + Send + 'static,
    ) -> Made<T> {
        let made = tokio::task::spawn_blocking(move || make(&self)).await;
        made.unwrap_or_else(|error| Err(Fault::Figure(error.into())))
    }
}
