//! The hook: tells a command and a web address what happens, one event after another.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use config::{Hook, HookCommand, Webhook};
use recorder::{Notice, Notices};
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Before a webhook is tried again. Most are away for a restart, or because the network is; what takes longer
/// would only hold up the events after it, of which as many wait as [`Notices`] keeps.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15), Duration::from_secs(60)];

/// Where events come from; `None` when there will be no more.
pub(crate) trait Events: Send {
    type Event: Serialize + Send + Sync;

    fn next(&mut self) -> impl Future<Output = Option<Self::Event>> + Send;
}

impl Events for Notices {
    type Event = Notice;

    async fn next(&mut self) -> Option<Notice> {
        Self::next(self).await
    }
}

/// What each of the two hears; a webhook that is away does not hold up the command.
pub(crate) struct Heard<E> {
    pub(crate) by_command: E,
    pub(crate) by_webhook: E,
}

/// Tells until there is nothing more to tell. What fails for good is logged, and work goes on.
pub(crate) async fn tell<E: Events>(hook: Hook, heard: Heard<E>) {
    let teller = match Teller::new(hook) {
        Ok(teller) => teller,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "nobody is told of events");
            return;
        }
    };
    let Heard { mut by_command, mut by_webhook } = heard;
    let calling = async {
        while let Some(notice) = by_command.next().await {
            teller.tell_command(&notice).await;
        }
    };
    let posting = async {
        while let Some(notice) = by_webhook.next().await {
            teller.tell_webhook(&notice).await;
        }
    };
    tokio::join!(calling, posting);
}

struct Teller {
    hook: Hook,
    http: reqwest::Client,
    /// Before each further attempt of a webhook.
    waits: Vec<Duration>,
}

impl Teller {
    fn new(hook: Hook) -> anyhow::Result<Self> {
        // Refused where the program has installed a provider already; that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .timeout(hook.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("nightreel/", env!("CARGO_PKG_VERSION")));
        // a server without TLS must work on a machine that has no root certificates
        let plain = hook.webhook.as_ref().is_none_or(|webhook| webhook.expose().starts_with("http://"));
        let builder = if plain { builder.tls_certs_only([]) } else { builder };
        let http = builder.build().context("are root certificates installed (`ca-certificates`)?")?;
        Ok(Self { hook, http, waits: WAITS.to_vec() })
    }

    async fn tell_command(&self, notice: &impl Serialize) {
        if let Some(object) = object(notice)
            && let Err(error) = self.call(&object).await
        {
            tracing::warn!(what = "hook.command", error = format!("{error:#}"), "an event was not told");
        }
    }

    async fn tell_webhook(&self, notice: &impl Serialize) {
        let Some(object) = object(notice) else { return };
        let mut waits = self.waits.iter();
        loop {
            let error = match self.post(&object).await {
                Ok(()) => return,
                Err(error) => error,
            };
            let Some(wait) = waits.next().filter(|_| error.may_pass) else {
                let error = format!("{:#}", error.reason);
                tracing::warn!(what = "hook.webhook", error, "an event was not told");
                return;
            };
            tracing::debug!(error = format!("{:#}", error.reason), wait_s = wait.as_secs(), "webhook fails");
            sleep(*wait).await;
        }
    }

    async fn call(&self, object: &str) -> anyhow::Result<()> {
        let Some(command) = &self.hook.command else { return Ok(()) };
        let mut child = spawn(command)?;
        match timeout(self.hook.timeout, feed(&mut child, object)).await {
            Ok(ended) => ended,
            Err(_) => {
                kill(&mut child).await;
                anyhow::bail!("it did not end within {} s and was killed", self.hook.timeout.as_secs())
            }
        }
    }

    async fn post(&self, object: &str) -> Result<(), NotPosted> {
        let Some(webhook) = &self.hook.webhook else { return Ok(()) };
        let request = self.http.post(webhook.expose()).header("content-type", "application/json");
        let status = match request.body(object.to_owned()).send().await {
            Ok(response) => response.status(),
            Err(error) => return Err(NotPosted { may_pass: true, reason: hidden(error, webhook) }),
        };
        if status.is_success() {
            return Ok(());
        }
        // the others say that the request is wrong, and will say so again
        let may_pass = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        Err(NotPosted { may_pass, reason: anyhow::anyhow!("`{webhook}` answers {status}") })
    }
}

/// Why a webhook did not take an event.
#[derive(Debug)]
struct NotPosted {
    /// Whether to try again.
    may_pass: bool,
    reason: anyhow::Error,
}

fn object(notice: &impl Serialize) -> Option<String> {
    let written = serde_json::to_string(notice);
    written.inspect_err(|error| tracing::error!(%error, "an event cannot be told")).ok()
}

/// Says what went wrong without the address, which may be a secret.
fn hidden(error: reqwest::Error, webhook: &Webhook) -> anyhow::Error {
    anyhow::Error::new(error.without_url()).context(format!("cannot post to `{webhook}`"))
}

fn spawn(command: &HookCommand) -> anyhow::Result<Child> {
    Command::new(&command.program)
        .args(&command.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // of its own, so that what it starts can be ended with it
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run `{}`", command.program.display()))
}

async fn feed(child: &mut Child, object: &str) -> anyhow::Result<()> {
    if let Some(mut stdin) = child.stdin.take() {
        // a command that knows what to do without reading is none the worse for it
        let _ = stdin.write_all(format!("{object}\n").as_bytes()).await;
    }
    let status = child.wait().await.context("cannot wait for it")?;
    anyhow::ensure!(status.success(), "it ended with {status}");
    Ok(())
}

async fn kill(child: &mut Child) {
    if let Some(group) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait().await;
}

#[cfg(test)]
mod tests;
