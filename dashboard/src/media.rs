//! The router: which paths there are, and what surrounds every answer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{from_fn_with_state, map_response_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use catalog::Clock;
use config::Secret;
use tokio::task::spawn_blocking;

use crate::access::{self, Access};
use crate::answer::{Described, answer};
use crate::host::{Hosts, check};
use crate::kind::Life;
use crate::open::{Name, Opened, open};
use crate::origin::Origins;
use crate::page::login;
use crate::path::MediaPath;
use crate::{DashboardError, Reach, Site, pages};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What is served to whom.
#[derive(Clone, Debug)]
pub struct MediaServer {
    /// `storage.root`.
    pub root: PathBuf,
    /// `serve.cors_origins`: pages of these origins may read; `*` is any.
    pub cors_origins: Vec<String>,
    /// As for `bind`.
    pub reach: Reach,
    /// `[[serve.user]]`: who may look, with the hash of the password.
    pub users: BTreeMap<String, Secret>,
    /// `[[serve.token]]`: programs that may look, with the hash of what they send. Where both are empty nobody is asked.
    pub tokens: BTreeMap<String, Secret>,
}

/// Returns the router for `/media/CAMERA/…`, read-only, and `/healthz`.
///
/// Footage is served with byte ranges, while it is being recorded already under its final name, and after it
/// was looked at under the old one too. Nothing outside the root, hidden or in `failed/` is served.
pub fn media(server: &MediaServer) -> Result<Router, DashboardError> {
    with(server, Router::new())
}

/// Returns the router for all pages and the API, and for what [`media`] serves.
pub fn dashboard(server: &MediaServer, site: Site) -> Result<Router, DashboardError> {
    with(server, pages::router(site))
}

fn with(server: &MediaServer, pages: Router) -> Result<Router, DashboardError> {
    let origins = Origins::parse(&server.cors_origins)?;
    let hosts = Hosts::new(server.reach, &origins);
    let root: Arc<PathBuf> = Arc::new(server.root.clone());
    let router =
        Router::new().route("/healthz", get("ok")).route("/media/{*path}", get(file).with_state(root));
    let router = match origins.layer() {
        Some(layer) => router.layer(layer),
        None => router,
    };
    let access = Arc::new(Access::new(&server.users, &server.tokens)?);
    // Pages of other origins may read footage, and no pages.
    Ok(router
        .merge(pages)
        .merge(login::router(Arc::clone(&access)))
        .layer(from_fn_with_state(access, access::check))
        .layer(map_response_with_state(embedding(&origins), mark))
        .layer(from_fn_with_state(hosts, check)))
}

async fn file(State(root): State<Arc<PathBuf>>, request: Request) -> Response {
    // The path as it was sent: the router's own is decoded as a whole.
    let path = request.uri().path().strip_prefix("/media/").and_then(MediaPath::parse);
    let Some(path) = path else { return not_found() };
    let wanted = path.clone();
    match spawn_blocking(move || open(&root, &wanted)).await {
        Ok(Ok(Some(opened))) => {
            let described = describe(&path, &opened);
            answer(request.into_parts().0, opened, described).await
        }
        Ok(Ok(None)) => not_found(),
        Ok(Err(error)) => {
            let path = path.parts().join("/");
            tracing::warn!(path, error = &error as &dyn std::error::Error, "media cannot be opened");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "opening media failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn describe(path: &MediaPath, opened: &Opened) -> Described {
    let now = SystemTime::from(Clock::system().now());
    let life = match opened.name {
        Name::Partial => Life::Growing,
        // A time to come, after a step of the clock, is no age.
        Name::Own => Life::Named { age: now.duration_since(opened.modified).unwrap_or_default() },
    };
    Described {
        content_type: path.kind().content_type(path.name()),
        cache_control: path.kind().cache_control(life),
    }
}

/// Not to be kept: the next segment is asked for before it is there.
fn not_found() -> Response {
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")], "no such file\n").into_response()
}

/// Tells browsers which pages may show pictures and videos without reading them.
fn embedding(origins: &Origins) -> HeaderValue {
    HeaderValue::from_static(if *origins == Origins::None { "same-site" } else { "cross-origin" })
}

async fn mark(State(embedding): State<HeaderValue>, mut response: Response) -> Response {
    response.headers_mut().insert(CROSS_ORIGIN_RESOURCE_POLICY, embedding);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
