//! The hook's address on the web: it gets each event by POST.

use std::time::Duration;

use anyhow::Context;
use config::Webhook;
use reqwest::StatusCode;
use tokio::time::sleep;

use super::Listener;

/// Before a webhook is tried again. Most are away for a restart, or because the network is; what takes longer
/// would only hold up the events after it, of which as many wait as [`super::WAITING_MAX`].
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15), Duration::from_secs(60)];

/// Tells until there is nothing more to tell. What fails for good is logged, and work goes on.
pub(super) async fn tell(webhook: Webhook, patience: Duration, events: Listener) {
    match Poster::new(webhook, patience) {
        Ok(poster) => poster.tell(events).await,
        Err(error) => tracing::error!(error = format!("{error:#}"), "`hook.webhook` is not told of events"),
    }
}

pub(super) struct Poster {
    webhook: Webhook,
    http: reqwest::Client,
    /// Before each further attempt.
    pub(super) waits: Vec<Duration>,
}

/// Why an event was not taken.
#[derive(Debug)]
pub(super) struct NotPosted {
    /// Whether to try again.
    may_pass: bool,
    pub(super) reason: anyhow::Error,
}

impl Poster {
    pub(super) fn new(webhook: Webhook, patience: Duration) -> anyhow::Result<Self> {
        // Refused where the program has installed a provider already; that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .timeout(patience)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("nightreel/", env!("CARGO_PKG_VERSION")));
        // a server without TLS must work on a machine that has no root certificates
        let is_plain = webhook.expose().starts_with("http://");
        let builder = if is_plain { builder.tls_certs_only([]) } else { builder };
        let http = builder.build().context("are root certificates installed (`ca-certificates`)?")?;
        Ok(Self { webhook, http, waits: WAITS.to_vec() })
    }

    async fn tell(self, mut events: Listener) {
        while let Some(event) = events.next().await {
            if let Err(error) = self.insist(&event).await {
                events.log(&error);
            }
        }
    }

    /// Posts, again where that may help.
    pub(super) async fn insist(&self, object: &str) -> anyhow::Result<()> {
        let mut waits = self.waits.iter();
        loop {
            let Err(error) = self.post(object).await else { return Ok(()) };
            let Some(wait) = waits.next().filter(|_| error.may_pass) else { return Err(error.reason) };
            tracing::debug!(error = format!("{:#}", error.reason), wait_s = wait.as_secs(), "webhook fails");
            sleep(*wait).await;
        }
    }

    pub(super) async fn post(&self, object: &str) -> Result<(), NotPosted> {
        let request = self.http.post(self.webhook.expose()).header("content-type", "application/json");
        let status = match request.body(object.to_owned()).send().await {
            Ok(response) => response.status(),
            Err(error) => return Err(NotPosted { may_pass: true, reason: self.hidden(error) }),
        };
        if status.is_success() {
            return Ok(());
        }
        // the others say that the request is wrong, and will say so again
        let may_pass = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        Err(NotPosted { may_pass, reason: anyhow::anyhow!("`{}` answers {status}", self.webhook) })
    }

    /// Says what went wrong without the address, which may be a secret.
    fn hidden(&self, error: reqwest::Error) -> anyhow::Error {
        anyhow::Error::new(error.without_url()).context(format!("cannot post to `{}`", self.webhook))
    }
}
