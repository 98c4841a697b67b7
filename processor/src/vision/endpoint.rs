//! The endpoint: where requests go, with which headers, over which HTTP client.

use std::path::Path;
use std::time::Duration;

use async_openai::config::Config;
use config::{Header, Secret, Vision};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Proxy};
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
        for header in &settings.headers {
            let (name, value) = own_header(header)?;
            headers.insert(name, value);
        }
        let base = settings.base_url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { base, headers, unused_key: SecretString::default() })
    }
}

fn own_header(header: &Header) -> Result<(HeaderName, HeaderValue), VisionError> {
    let fault = || VisionError::Setup {
        reason: format!("`vision.header` has one that no request can carry: look at `{}`", header.name),
    };
    let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| fault())?;
    let mut value = HeaderValue::from_str(header.value.expose()).map_err(|_| fault())?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Lists what must not appear in what is kept of an error.
pub(super) fn secrets(settings: &Vision) -> Vec<Secret> {
    settings.api_key.iter().chain(settings.headers.iter().map(|header| &header.value)).cloned().collect()
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
/// each request in the ledger is exactly one request on the wire, to the server and over the proxy that the settings
/// name.
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
    let proxy = settings.proxy.as_ref().map(Secret::expose);
    let plain =
        settings.base_url.scheme() == "http" && proxy.is_none_or(|address| address.starts_with("http:"));
    let builder = if plain { builder.tls_certs_only([]) } else { builder };
    let builder = match &settings.ca_file {
        Some(file) => builder.tls_certs_merge(authorities(file)?),
        None => builder,
    };
    let builder = match proxy.map(Proxy::all).transpose() {
        Ok(Some(proxy)) => builder.proxy(proxy),
        Ok(None) => builder,
        // Not the error's text: it may repeat the address, and a password in it.
        Err(_) => {
            let reason = "`vision.proxy` is no address of a proxy".to_owned();
            return Err(VisionError::Setup { reason });
        }
    };
    builder.build().map_err(|error| VisionError::Setup {
        reason: format!("{}; are root certificates installed (`ca-certificates`)?", chain(&error)),
    })
}

fn authorities(file: &Path) -> Result<Vec<Certificate>, VisionError> {
    let fault = |text: String| VisionError::Setup {
        reason: format!("`vision.ca_file`: {text} in `{}`", file.display()),
    };
    let text = std::fs::read(file).map_err(|error| fault(error.to_string()))?;
    match Certificate::from_pem_bundle(&text) {
        Ok(certificates) if certificates.is_empty() => Err(fault("there is no certificate (PEM)".to_owned())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(fault(chain(&error))),
    }
}
