//! The style and the scripts, served from memory. Each has its hash in its address, so that browsers keep it for good and
//! a new version is another one.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const ASSETS: [Asset; 5] = [
    Asset { name: "style.css", content_type: "text/css", content: include_str!("../../assets/style.css") },
    script("keys.js", include_str!("../../assets/keys.js")),
    script("live.js", include_str!("../../assets/live.js")),
    script("more.js", include_str!("../../assets/more.js")),
    script("play.js", include_str!("../../assets/play.js")),
];

const fn script(name: &'static str, content: &'static str) -> Asset {
    Asset { name, content_type: "text/javascript", content }
}

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    ASSETS.iter().for_each(|asset| hash.update(asset.content));
    catalog::hex(&hash.finalize()[..6])
});

/// Returns the address of an asset.
pub(crate) fn address(name: &str) -> String {
    format!("/assets/{name}?v={}", *VERSION)
}

pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "no such file\n").into_response();
    };
    let headers =
        [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.content).into_response()
}
