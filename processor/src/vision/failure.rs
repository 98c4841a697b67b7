//! A failure: why one request brought no answer, told by its HTTP status before anything is parsed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::error::chain;

/// Longer texts of servers are cut: some send a page, some echo the whole request.
const TEXT_LIMIT: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("HTTP {status}: {text}")]
    Status {
        status: u16,
        code: Option<String>,
        /// `type` in the error object.
        kind: Option<String>,
        text: String,
        retry_after: Option<RetryAfter>,
    },
    /// The server says that it succeeded, but there is no answer in what it sent; it may be billed.
    #[error("the answer cannot be used: {text}")]
    Unreadable { text: String },
    /// The model itself declined to answer; asking again would buy the same.
    #[error("the model declined: {text}")]
    Declined { text: String },
    /// Nothing was sent.
    #[error("cannot connect: {text}")]
    NotConnected { text: String },
    /// The connection or the time ran out after sending: whether it is billed is unknown.
    #[error("no answer: {text}")]
    Interrupted { text: String },
    /// The request could not even be built.
    #[error("cannot make the request: {text}")]
    Unsendable { text: String },
}

/// As in RFC 9110 §10.2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    For(Duration),
    At(DateTime<Utc>),
}

impl RetryAfter {
    /// Reads the header's text; what is neither seconds nor a date counts as absent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Self::For(Duration::from_secs(seconds)));
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // More seconds than fit: further away than anyone waits.
            return Some(Self::For(Duration::MAX));
        }
        if let Ok(seconds) = text.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds).ok().map(Self::For);
        }
        DateTime::parse_from_rfc2822(text).ok().map(|date| Self::At(date.to_utc()))
    }

    /// Returns the time to wait from `now`; zero for a date that has passed.
    pub(super) fn wait(self, now: DateTime<Utc>) -> Duration {
        match self {
            Self::For(wait) => wait,
            Self::At(date) => (date - now).to_std().unwrap_or_default(),
        }
    }
}

impl Failure {
    /// Reads the body of an answer whose status is not a success. The status is kept whatever the body
    /// holds: OpenAI's object, vLLM's bare string, a number as code, or a proxy's HTML page.
    pub(super) fn from_status(status: u16, retry_after: Option<RetryAfter>, body: &str) -> Self {
        let parsed = serde_json::from_str::<Value>(body).unwrap_or_default();
        let error = parsed.get("error").unwrap_or(&parsed);
        Self::Status {
            status,
            code: error.get("code").and_then(plain),
            kind: error.get("type").and_then(plain),
            text: shorten(&error_text(error).unwrap_or_else(|| body.to_owned())),
            retry_after,
        }
    }

    pub(super) fn from_transport(error: reqwest::Error) -> Self {
        // The URL may carry a password.
        let error = error.without_url();
        let text = shorten(&chain(&error));
        if error.is_connect() {
            Self::NotConnected { text }
        } else if error.is_builder() {
            Self::Unsendable { text }
        } else {
            Self::Interrupted { text }
        }
    }

    /// Tells by the status whether the same request may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Status { status: 408 | 409 | 429 | 500..=599, .. })
    }

    pub(super) fn http_status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::Unreadable { .. } | Self::Declined { .. } => Some(200),
            Self::NotConnected { .. } | Self::Interrupted { .. } | Self::Unsendable { .. } => None,
        }
    }
}

/// Finds the sentence meant for people in an error object, or in a bare string.
pub(super) fn error_text(error: &Value) -> Option<String> {
    let named = ["message", "detail", "error"].iter().find_map(|name| error.get(name));
    match named.unwrap_or(error) {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Puts a text on one line and cuts it.
pub(super) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(TEXT_LIMIT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "(no text)".to_owned(),
        None => line,
    }
}

/// vLLM and llama.cpp send numbers where OpenAI sends words.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_servers_way_to_say_no_keeps_its_status_and_text() {
        let cases = [
            (r#"{"error":{"message":"wrong key","type":"auth","code":"invalid_api_key"}}"#, "wrong key"),
            (
                r#"{"error":{"message":"too long","type":"exceed","code":400,"n_prompt_tokens":9}}"#,
                "too long",
            ),
            (r#"{"error":"Unauthorized"}"#, "Unauthorized"),
            (r#"{"object":"error","message":"no such model","code":404}"#, "no such model"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            ("<html>\n  Bad gateway\n</html>", "<html> Bad gateway </html>"),
            ("", "(no text)"),
            ("{\"error\":{\"mess", "{\"error\":{\"mess"),
        ];
        for (body, expected) in cases {
            let Failure::Status { status, text, .. } = Failure::from_status(418, None, body) else {
                panic!("{body} lost its status");
            };
            assert_eq!((status, text.as_str()), (418, expected));
        }
    }

    #[test]
    fn a_code_may_be_a_word_or_a_number() {
        for (body, expected) in [
            (r#"{"error":{"code":"insufficient_quota"}}"#, Some("insufficient_quota")),
            (r#"{"error":{"code":503}}"#, Some("503")),
            (r#"{"error":{"code":null}}"#, None),
        ] {
            let Failure::Status { code, .. } = Failure::from_status(429, None, body) else {
                panic!("{body}")
            };
            assert_eq!(code.as_deref(), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        let text = shorten(&"ä".repeat(10_000));
        assert_eq!(text.chars().count(), TEXT_LIMIT + 1);
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let for_seconds = |seconds| Some(RetryAfter::For(Duration::from_secs(seconds)));
        assert_eq!(RetryAfter::parse(" 120 "), for_seconds(120));
        assert_eq!(RetryAfter::parse("1.0"), for_seconds(1));
        assert_eq!(RetryAfter::parse("99999999999999999999999"), Some(RetryAfter::For(Duration::MAX)));
        let date = "2026-11-22T01:00:30Z".parse().unwrap();
        assert_eq!(RetryAfter::parse("Sun, 22 Nov 2026 01:00:30 GMT"), Some(RetryAfter::At(date)));
        for nonsense in ["", "-5", "soon", "NaN", "inf"] {
            assert_eq!(RetryAfter::parse(nonsense), None, "{nonsense}");
        }
    }
}
