//! Addresses of streams: their scheme, and that no secret stays in them, because addresses are logged.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Check;
use crate::source::{self, NETWORK_SCHEMES, PASSWORD_PLACE};
use crate::{Input, planned};

/// Addresses that later versions take.
const PLANNED_SCHEMES: &[&str] = &["srt"];

/// Names of query parameters that hold a secret.
const SECRET_PARAMETERS: &[&str] = &["password", "passwd", "pass", "pwd", "token"];

impl Check<'_> {
    pub(super) fn url(&mut self, key: &str, text: &str) -> Option<Url> {
        Url::parse(text.trim()).ok().or_else(|| {
            self.fault(
                key,
                "is no URL, such as `rtsp://192.168.1.20:554/stream`; write `%40` for an `@` in a password",
            )
        })
    }

    /// Checks the address of a camera's stream, all but its query.
    pub(super) fn stream_url(&mut self, key: &str, text: &str) -> Option<Url> {
        let url = self.url(key, text)?;
        if PLANNED_SCHEMES.contains(&url.scheme()) {
            return self.fault(key, planned::cannot_do_yet(&format!("`{}://`", url.scheme())));
        }
        if source::is_local(url.scheme()) {
            return self.local_url(key, text.trim(), url);
        }
        if !NETWORK_SCHEMES.contains(&url.scheme()) {
            return self.fault(
                key,
                "must begin with `rtsp://`, or for ffmpeg with `rtsps://`, `rtmp://`, `rtmps://`, `http://`, \
                 `https://`, `file:///` or `v4l2:///`",
            );
        }
        self.with_host(key, url)
    }

    pub(super) fn with_host(&mut self, key: &str, url: Url) -> Option<Url> {
        match url.host_str() {
            None | Some("") => self.fault(key, "names no host"),
            Some(_) => Some(url),
        }
    }

    fn local_url(&mut self, key: &str, text: &str, url: Url) -> Option<Url> {
        let scheme = url.scheme();
        // `Url` reads `file:clip.mp4` as `file:///clip.mp4`, which nobody meant.
        let is_full = text.get(scheme.len()..).is_some_and(|rest| rest.starts_with(":///"));
        if !is_full || url.path().ends_with('/') {
            return self.fault(key, format!("must name a full path, as in `{scheme}:///path/name`"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return self.fault(key, "must be a path alone: write `%3F` for a `?` and `%23` for a `#` in it");
        }
        Some(url)
    }

    /// Refuses a secret after `?`, but for the place where ffmpeg's address gets it.
    pub(super) fn refuse_secrets_in_query(&mut self, key: &str, url: &Url, input: Input) {
        let (place, advice) = match input {
            Input::Native => (None, "use `username` and one of `password_file` and `password_env`"),
            Input::Ffmpeg => (
                Some(PASSWORD_PLACE),
                "write `{password}` there, and give one of `password_file` and `password_env`",
            ),
        };
        if has_secret_in_query(url, place) {
            self.faults.add(
                key,
                format!("must not carry a password after `?`, because addresses are logged: {advice}"),
            );
        }
    }

    pub(super) fn decoded(&mut self, key: &str, text: &str) -> Option<String> {
        match percent_decode_str(text).decode_utf8() {
            Ok(text) => Some(text.into_owned()),
            Err(_) => self.fault(key, "holds a `%` that is no character; write `%25` for it"),
        }
    }
}

/// Tells whether a parameter holds a secret, rather than the `place` for one.
pub(super) fn has_secret_in_query(url: &Url, place: Option<&str>) -> bool {
    let is_secret = |name: &str| SECRET_PARAMETERS.contains(&name.to_lowercase().as_str());
    url.query_pairs().any(|(name, value)| is_secret(&name) && Some(value.as_ref()) != place)
}
