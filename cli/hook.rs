//! The hook: tells a command and a web address what the recorder says, one event after another.

use std::process::Stdio;

use anyhow::Context;
use config::{Hook, HookCommand, Webhook};
use recorder::{Notice, Notices};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Tells until the recorder has ended. Each event is told once: what fails is logged, and recording goes on.
pub(crate) async fn tell(hook: Hook, mut notices: Notices) {
    let teller = match Teller::new(hook) {
        Ok(teller) => teller,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "nobody is told of events");
            return;
        }
    };
    while let Some(notice) = notices.next().await {
        teller.tell(&notice).await;
    }
}

struct Teller {
    hook: Hook,
    http: reqwest::Client,
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
        Ok(Self { hook, http })
    }

    async fn tell(&self, notice: &Notice) {
        let object = match serde_json::to_string(notice) {
            Ok(object) => object,
            Err(error) => return tracing::error!(%error, "an event cannot be told"),
        };
        let (called, posted) = tokio::join!(self.call(&object), self.post(&object));
        for (what, told) in [("hook.command", called), ("hook.webhook", posted)] {
            if let Err(error) = told {
                tracing::warn!(what, error = format!("{error:#}"), "an event was not told");
            }
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

    async fn post(&self, object: &str) -> anyhow::Result<()> {
        let Some(webhook) = &self.hook.webhook else { return Ok(()) };
        let request = self.http.post(webhook.expose()).header("content-type", "application/json");
        let response =
            request.body(object.to_owned()).send().await.map_err(|error| hidden(error, webhook))?;
        let status = response.status();
        anyhow::ensure!(status.is_success(), "`{webhook}` answers {status}");
        Ok(())
    }
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
