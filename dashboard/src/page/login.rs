//! The login: `/login`, where there are users.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};

use crate::access::{Access, NAME, session};
use crate::page::assets;
use crate::page::shell::{Tab, shell};
use crate::pages::guard;
use crate::params::Params;
use crate::sessions::LASTS;

type Shared = State<Arc<Access>>;

pub(crate) fn router(access: Arc<Access>) -> Router {
    Router::new()
        .route("/login", get(form).post(enter))
        .route("/logout", post(leave))
        .route("/assets/{name}", get(assets::asset))
        .layer(axum::middleware::map_response(guard))
        .with_state(access)
}

async fn form(State(access): Shared, params: Params) -> Response {
    let nobody = "The settings have tokens for programs and no `[[serve.user]]`: nobody can log in.";
    (StatusCode::OK, page(&params, (!access.has_users()).then_some(nobody))).into_response()
}

async fn enter(State(access): Shared, body: String) -> Response {
    let form = Params::parse(body.as_bytes());
    let text = |name| form.get(name).unwrap_or_default().to_owned();
    match access.log_in(text("name"), text("password")).await {
        Some(true) => {
            let cookie = cookie(&access.sessions.begin(Instant::now()), LASTS.as_secs());
            ([(SET_COOKIE, cookie)], Redirect::to(next(&form))).into_response()
        }
        Some(false) => {
            tracing::warn!("a login failed");
            (StatusCode::UNAUTHORIZED, page(&form, Some("That name and password do not belong together.")))
                .into_response()
        }
        None => {
            let text = "Too many tries; wait a minute.";
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "60")], page(&form, Some(text))).into_response()
        }
    }
}

/// Only this site's pages send the cookie along, so that nobody else can log a person out.
async fn leave(State(access): Shared, headers: HeaderMap) -> Response {
    if let Some(token) = session(&headers) {
        access.sessions.end(token);
    }
    ([(SET_COOKIE, cookie("", 0)), (CACHE_CONTROL, "no-store".to_owned())], Redirect::to("/login"))
        .into_response()
}

fn cookie(token: &str, seconds: u64) -> String {
    format!("{NAME}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict")
}

/// Where the person wanted to go: a path of this server, whatever the address says.
fn next(params: &Params) -> &str {
    let is_path = |path: &&str| {
        path.starts_with('/') && !path.contains(['\\', '\r', '\n', '\t']) && !path.starts_with("//")
    };
    params.get("next").filter(is_path).unwrap_or("/")
}

fn page(params: &Params, fault: Option<&str>) -> Markup {
    let body = html! {
        h1 { "Log in" }
        @if let Some(fault) = fault { p.note role="alert" { (fault) } }
        form.login method="post" action="/login" {
            input type="hidden" name="next" value=(next(params));
            label { "Name" input name="name" autocomplete="username" required autofocus; }
            label { "Password" input type="password" name="password" autocomplete="current-password" required; }
            button { "Log in" }
        }
    };
    shell("Log in", Tab::None, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_nowhere_else() {
        for (wanted, to) in [
            ("/play/gate%3Fat=1", "/play/gate?at=1"),
            ("https://evil.example", "/"),
            ("//evil.example", "/"),
            ("/%5Cevil.example", "/"),
            ("/%0D%0Aa", "/"),
            ("", "/"),
        ] {
            assert_eq!(next(&Params::parse(format!("next={wanted}").as_bytes())), to, "{wanted}");
        }
    }
}
