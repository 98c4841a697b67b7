//! Which web pages of other origins may read what is served: `serve.cors_origins`.

use std::time::Duration;

use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::DashboardError;

/// How long a browser need not ask again; more than two hours no browser takes.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(3600);

/// The origins that are let in, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origins {
    None,
    Any,
    Listed(Vec<Url>),
}

impl Origins {
    pub(crate) fn parse(origins: &[String]) -> Result<Self, DashboardError> {
        if origins.is_empty() {
            return Ok(Self::None);
        }
        let listed = origins.iter().filter(|origin| *origin != "*");
        let listed = listed.map(|origin| parse(origin)).collect::<Result<Vec<_>, _>>()?;
        Ok(if listed.len() == origins.len() { Self::Listed(listed) } else { Self::Any })
    }

    /// Returns the layer that answers preflights and marks answers, where there is a page to be let in.
    pub(crate) fn layer(&self) -> Option<CorsLayer> {
        let origins = match self {
            Self::None => return None,
            Self::Any => AllowOrigin::any(),
            Self::Listed(origins) => AllowOrigin::list(origins.iter().filter_map(header)),
        };
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::HEAD])
            .allow_headers([RANGE, IF_RANGE, IF_NONE_MATCH, IF_MODIFIED_SINCE])
            .expose_headers([CONTENT_RANGE, CONTENT_LENGTH, ACCEPT_RANGES, ETAG])
            .max_age(PREFLIGHT_KEPT);
        Some(layer)
    }
}

fn header(origin: &Url) -> Option<HeaderValue> {
    HeaderValue::from_str(&written(origin)?).ok()
}

/// Takes an origin only as browsers write it: with a slash at the end it would never match, and nobody would
/// know why.
fn parse(origin: &str) -> Result<Url, DashboardError> {
    let url = Url::parse(origin).ok();
    let wanted = url.as_ref().and_then(written);
    match (url, wanted) {
        (Some(url), Some(wanted)) if wanted == origin => Ok(url),
        (_, wanted) => {
            let hint = wanted.map(|wanted| format!("`{wanted}`"));
            let hint = hint.unwrap_or_else(|| "`https://HOST`, `https://HOST:PORT` or `*`".into());
            Err(DashboardError::Origin { origin: origin.into(), hint })
        }
    }
}

/// Also for schemes that `Url::origin` takes for opaque, such as those of desktop programs.
fn written(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty() && !host.contains('*'))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{host}{port}", url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(origins: &[&str]) -> Result<Origins, DashboardError> {
        Origins::parse(&origins.iter().map(|o| (*o).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn origins_are_taken_as_browsers_write_them() {
        assert_eq!(parsed(&[]).unwrap(), Origins::None);
        assert_eq!(parsed(&["*"]).unwrap(), Origins::Any);
        assert_eq!(parsed(&["https://a.example", "*"]).unwrap(), Origins::Any);
        for origin in ["https://a.example", "http://localhost:3000", "http://[::1]:8080", "tauri://localhost"]
        {
            let Origins::Listed(origins) = parsed(&[origin]).unwrap() else {
                panic!("{origin} is not listed")
            };
            assert_eq!(header(&origins[0]).unwrap(), origin);
        }
    }

    #[test]
    fn what_never_matches_is_refused_with_what_would() {
        let cases = [
            ("https://a.example/", "`https://a.example`"),
            ("https://a.example/page", "`https://a.example`"),
            ("https://A.example", "`https://a.example`"),
            ("https://a.example:443", "`https://a.example`"),
            ("https://user@a.example", "`https://a.example`"),
            ("a.example", "`https://HOST`"),
            ("a.example:8080", "`https://HOST`"),
            ("https://*.a.example", "`https://HOST`"),
            ("null", "`https://HOST`"),
            ("", "`https://HOST`"),
        ];
        for (origin, hint) in cases {
            let fault = parsed(&[origin]).expect_err(origin).to_string();
            assert!(fault.contains("`serve.cors_origins`") && fault.contains(hint), "{origin}: {fault}");
        }
        assert!(parsed(&["*", "a.example"]).is_err(), "a fault beside `*` is one too");
    }
}
