//! Who gets an answer: everybody where there are neither users nor tokens, else who has logged in, or sends a token or
//! name and password along.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use config::Secret;

use crate::DashboardError;
use crate::bearer::{Sent, Tokens};
use crate::page::words::encoded;
use crate::password::Users;
use crate::sessions::Sessions;

/// Its name; `__Host-` would want TLS, which is a proxy's work.
pub(crate) const NAME: &str = "nightreel";

/// What is answered to everybody: the login itself, its style, and whether the server lives.
const OPEN: [&str; 2] = ["/login", "/healthz"];
const OPEN_BELOW: &str = "/assets/";

#[derive(Debug)]
pub(crate) struct Access {
    users: Users,
    tokens: Tokens,
    pub(crate) sessions: Sessions,
}

impl Access {
    pub(crate) fn new(
        users: &BTreeMap<String, Secret>,
        tokens: &BTreeMap<String, Secret>,
    ) -> Result<Self, DashboardError> {
        Ok(Self { users: Users::new(users)?, tokens: Tokens::new(tokens)?, sessions: Sessions::default() })
    }

    /// Tells whether there is anybody who could log in.
    pub(crate) fn has_users(&self) -> bool {
        !self.users.is_empty()
    }

    /// Holds name and password against the users', within the number of tries; `None` where there were too many.
    pub(crate) async fn log_in(self: &Arc<Self>, name: String, password: String) -> Option<bool> {
        if !self.sessions.may_try(Instant::now()) {
            return None;
        }
        let access = Arc::clone(self);
        let opened = tokio::task::spawn_blocking(move || access.users.opens(&name, &password)).await;
        Some(opened.unwrap_or(false))
    }

    /// Programs send a token, or name and password, with each request; a password's hash is held against it only once.
    async fn answer_to_program(self: &Arc<Self>, headers: &HeaderMap) -> Sent {
        let Some(header) = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()) else {
            return Sent::Wrong;
        };
        if let Some(token) = bearer(header) {
            let sent = self.tokens.hold(token, Instant::now());
            if sent == Sent::Wrong {
                tracing::warn!("a token was refused");
            }
            return sent;
        }
        if self.lets_in(header).await { Sent::Right } else { Sent::Wrong }
    }

    async fn lets_in(self: &Arc<Self>, header: &str) -> bool {
        if self.sessions.knows(header, Instant::now()) {
            return true;
        }
        let Some((name, password)) = basic(header) else { return false };
        let opened = self.log_in(name, password).await == Some(true);
        if opened {
            self.sessions.note(header, Instant::now());
        }
        opened
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?.trim()).ok()?;
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// Reads the session of a request.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut pairs =
        cookies.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, token)| token)
}

pub(crate) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let asks = access.has_users() || !access.tokens.is_empty();
    let is_open = !asks || OPEN.contains(&path) || path.starts_with(OPEN_BELOW);
    let has_session =
        session(request.headers()).is_some_and(|token| access.sessions.knows(token, Instant::now()));
    if is_open || has_session {
        return next.run(request).await;
    }
    match access.answer_to_program(request.headers()).await {
        Sent::Right => next.run(request).await,
        Sent::Wrong => refused(&request),
        Sent::TooMany => {
            let later = [(RETRY_AFTER, "60")];
            (StatusCode::TOO_MANY_REQUESTS, later, "too many wrong tokens; wait a minute\n").into_response()
        }
    }
}

/// People get to the login, programs to know what is missing.
fn refused(request: &Request) -> Response {
    let wants_page = request.headers().get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if wants_page && request.method() == Method::GET {
        let wanted = request.uri().path_and_query().map_or("/", |path| path.as_str());
        return Redirect::to(&format!("/login?next={}", encoded(wanted))).into_response();
    }
    // A browser would ask for name and password by itself, and send them from then on: it has the login.
    if request.headers().contains_key("sec-fetch-mode") {
        return (StatusCode::UNAUTHORIZED, "log in at /login\n").into_response();
    }
    let asks = [(WWW_AUTHENTICATE, "Basic realm=\"nightreel\", charset=\"UTF-8\"")];
    (StatusCode::UNAUTHORIZED, asks, "log in at /login, or send a token, or name and password\n")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_are_read_as_programs_send_them() {
        let read = |header: &str| basic(header).map(|(name, password)| format!("{name}|{password}"));
        assert_eq!(read("Basic bWU6YTpi").as_deref(), Some("me|a:b"));
        for odd in ["", "Basic", "Basic !", "Basic bWU=", "Bearer bWU6YTpi", "Basic /w=="] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn tokens_are_read_as_programs_send_them() {
        let cases = [
            ("Bearer a.b_c-d", Some("a.b_c-d")),
            ("bearer   a", Some("a")),
            ("Bearer ", Some("")),
            ("Bearer", None),
            ("Basic a", None),
            ("Bearera b", None),
            ("", None),
        ];
        for (header, token) in cases {
            assert_eq!(bearer(header), token, "{header}");
        }
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(session(&headers), None);
        headers.append(COOKIE, "a=b; nightreelx=1;nightreel=t; c".parse().unwrap());
        assert_eq!(session(&headers), Some("t"));
    }
}
