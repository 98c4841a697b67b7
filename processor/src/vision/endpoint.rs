//! The endpoint: where requests go, with which headers, over which HTTP client.

use std::time::Duration;

use async_openai::config::Config;
use config::Vision;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::SecretString;

use super::error::VisionError;
use crate::error::chain;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes the place of `OpenAIConfig`, which reads the environment (even an admin key) where a field is not
/// set, panics on a key that is no header value, and does not mark the header as sensitive.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    base: String,
    headers: HeaderMap,
    /// The key travels in `headers`; the library wants this field for APIs that are not used.
    unused_key: SecretString,
}

impl Endpoint {
    pub(super) fn new(settings: &Vision) -> Result<Self, VisionError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &settings.api_key {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| {
                VisionError::Setup {
                    reason:
                        "`vision.api_key` holds a character that no header can carry: look for a line break \
                             or a letter that is not ASCII"
                            .to_owned(),
                }
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let base = settings.base_url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { base, headers, unused_key: SecretString::default() })
    }
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.unused_key
    }
}

/// Builds the HTTP client. It neither retries nor follows redirects nor takes a proxy from the environment:
/// each request in the ledger is exactly one request on the wire, to the server that the settings name.
pub(super) fn http_client(settings: &Vision) -> Result<reqwest::Client, VisionError> {
    // Refused where the program has installed a provider already; that one serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(settings.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(concat!("nightreel/", env!("CARGO_PKG_VERSION")));
    // A local server without TLS must work on a machine that has no root certificates.
    let plain = settings.base_url.scheme() == "http";
    let builder = if plain { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|error| VisionError::Setup {
        reason: format!("{}; are root certificates installed (`ca-certificates`)?", chain(&error)),
    })
}
