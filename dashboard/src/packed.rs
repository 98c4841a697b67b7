//! A page that is kept: packed, as browsers take it, and with its tag, by which they ask whether theirs still holds.
//!
//! A day of 64 cameras is a megabyte and a half, and a tenth of that packed. Nothing secret is packed with what a stranger
//! can choose, so its length gives nothing away.

use std::io::{self, Read, Write};

use axum::body::Bytes;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use maud::Markup;
use sha2::{Digest, Sha256};

/// What a page of this kind says beside itself: to be kept by the browser of who may see it, and asked for each time.
const HEADERS: [(axum::http::HeaderName, &str); 2] =
    [(CACHE_CONTROL, "private, no-cache"), (VARY, "accept-encoding, cookie")];

#[derive(Debug)]
pub(crate) struct Packed {
    gzip: Bytes,
    tag: String,
}

impl Packed {
    pub(crate) fn new(page: Markup) -> io::Result<Self> {
        let page = page.into_string();
        let mut packer = GzEncoder::new(Vec::new(), Compression::new(5));
        packer.write_all(page.as_bytes())?;
        // Weak: the same page is sent packed and not.
        let tag = format!("W/\"{}\"", catalog::hex(&Sha256::digest(&page)[..12]));
        Ok(Self { gzip: packer.finish()?.into(), tag })
    }

    /// Returns how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        self.gzip.len() + self.tag.len()
    }

    /// Answers a request with these headers. Blocks where it has to be unpacked.
    pub(crate) fn answer(&self, asked: &HeaderMap) -> io::Result<Response> {
        let tag = [(ETAG, self.tag.as_str())];
        if is_known(asked, &self.tag) {
            return Ok((StatusCode::NOT_MODIFIED, HEADERS, tag).into_response());
        }
        let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
        if takes_gzip(asked) {
            let packed = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
            return Ok((HEADERS, tag, kind, packed, self.gzip.clone()).into_response());
        }
        let mut page = Vec::new();
        GzDecoder::new(self.gzip.as_ref()).read_to_end(&mut page)?;
        Ok((HEADERS, tag, kind, page).into_response())
    }
}

fn listed(asked: &HeaderMap, name: axum::http::HeaderName) -> impl Iterator<Item = &str> {
    let headers = asked.get_all(name).into_iter().filter_map(|header| header.to_str().ok());
    headers.flat_map(|header| header.split(',')).map(str::trim)
}

fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim_start_matches("W/").to_owned();
    listed(asked, IF_NONE_MATCH).any(|known| known == "*" || bare(known) == bare(tag))
}

fn takes_gzip(asked: &HeaderMap) -> bool {
    listed(asked, ACCEPT_ENCODING).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let quality = quality.trim().strip_prefix("q=").and_then(|quality| quality.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && quality.is_some_and(|quality| quality > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;

    fn asked(headers: &[(axum::http::HeaderName, &str)]) -> HeaderMap {
        headers.iter().map(|(name, text)| (name.clone(), text.parse().unwrap())).collect()
    }

    async fn body(response: Response) -> Vec<u8> {
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
    }

    #[tokio::test]
    async fn who_takes_it_packed_gets_it_packed_and_who_has_it_gets_nothing() {
        let markup = || html! { p { @for n in 0..1000 { (n) " " } } };
        let (page, plain) = (Packed::new(markup()).unwrap(), markup().into_string());
        assert!(page.weight() < plain.len());

        for headers in [&[][..], &[(ACCEPT_ENCODING, "br, gzip;q=0")], &[(ACCEPT_ENCODING, "identity")]] {
            let response = page.answer(&asked(headers)).unwrap();
            assert!(!response.headers().contains_key(CONTENT_ENCODING), "{headers:?}");
            assert_eq!(body(response).await, plain.as_bytes());
        }
        let response = page.answer(&asked(&[(ACCEPT_ENCODING, "deflate, gzip;q=0.5")])).unwrap();
        assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
        let tag = response.headers()[ETAG].to_str().unwrap().to_owned();
        let mut unpacked = String::new();
        GzDecoder::new(body(response).await.as_slice()).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);

        for known in [tag.as_str(), tag.trim_start_matches("W/"), &format!("\"a\", {tag}"), "*"] {
            let response = page.answer(&asked(&[(IF_NONE_MATCH, known)])).unwrap();
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(response.headers()[ETAG], tag.as_str());
            assert!(body(response).await.is_empty());
        }
        let other = Packed::new(html! { p {} }).unwrap();
        assert_eq!(other.answer(&asked(&[(IF_NONE_MATCH, &tag)])).unwrap().status(), StatusCode::OK);
    }
}
