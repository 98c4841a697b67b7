//! The hook: everyone who is to hear of events, each told by a task of its own.

use std::sync::Arc;
use std::time::Duration;

use config::Settings;
use recorder::Notices;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod command;
#[cfg(feature = "mqtt")]
mod mqtt;
#[cfg(feature = "mqtt")]
mod topics;
mod webhook;

/// Whoever is away may be so far behind: a minute of 64 cameras that all come and go every ten seconds.
const WAITING_MAX: usize = 512;

/// For whoever is still to be told at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Tells events, in their order. Nobody who is away holds up the work, nor those who listen.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    events: broadcast::Sender<Arc<str>>,
    telling: TaskTracker,
    closing: CancellationToken,
}

/// What a process has to tell of, for those who want to know beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subjects {
    /// The cameras that it records, and the disk.
    pub(crate) recording: bool,
    /// What its cameras see.
    pub(crate) events: bool,
}

impl Hook {
    /// Begins to tell those whom the settings name; what is wrong with one of them is logged.
    pub(crate) fn start(settings: &Settings, subjects: Subjects) -> Self {
        let (events, _) = broadcast::channel(WAITING_MAX);
        let hook = Self { events, telling: TaskTracker::new(), closing: CancellationToken::new() };
        if let Some(section) = &settings.hook {
            if let Some(command) = section.command.clone() {
                hook.telling.spawn(command::tell(command, section.timeout, hook.listen("hook.command")));
            }
            if let Some(webhook) = section.webhook.clone() {
                hook.telling.spawn(webhook::tell(webhook, section.timeout, hook.listen("hook.webhook")));
            }
        }
        #[cfg(feature = "mqtt")]
        if let Some(broker) = settings.mqtt.clone() {
            let topics = topics::Topics::new(&broker, &settings.cameras, subjects);
            hook.telling.spawn(mqtt::tell(broker, topics, hook.listen("mqtt")));
        }
        #[cfg(not(feature = "mqtt"))]
        let _ = subjects;
        hook
    }

    /// Tells an event: an object with its name as `event`.
    pub(crate) fn tell(&self, event: &impl Serialize) {
        match serde_json::to_string(event) {
            // nobody has to listen
            Ok(event) => drop(self.events.send(event.into())),
            Err(error) => tracing::error!(%error, "an event cannot be told"),
        }
    }

    /// Tells what the recorder notices, until it has ended.
    pub(crate) async fn tell_all(self, mut notices: Notices) {
        while let Some(notice) = notices.next().await {
            self.tell(&notice);
        }
    }

    /// Lets what was told be heard, as far as somebody is there.
    pub(crate) async fn end(self) {
        self.closing.cancel();
        self.telling.close();
        if timeout(LAST_WORDS, self.telling.wait()).await.is_err() {
            tracing::warn!("not everything was told: the hook is away");
        }
    }

    fn listen(&self, key: &'static str) -> Listener {
        Listener { key, told: self.events.subscribe(), closing: self.closing.clone() }
    }
}

/// One of those who are told.
#[derive(Debug)]
struct Listener {
    /// The key of the settings that names it.
    key: &'static str,
    told: broadcast::Receiver<Arc<str>>,
    closing: CancellationToken,
}

impl Listener {
    /// Waits for the next event; none comes at the end. Of too many that wait the oldest are passed over.
    async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            let received = tokio::select! {
                biased;
                received = self.told.recv() => received,
                () = self.closing.cancelled() => match self.told.try_recv() {
                    Ok(event) => Ok(event),
                    Err(TryRecvError::Lagged(lost)) => Err(RecvError::Lagged(lost)),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
                },
            };
            match received {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, what = self.key, "events were passed over, too many at once");
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn log(&self, error: &anyhow::Error) {
        tracing::warn!(what = self.key, error = format!("{error:#}"), "an event was not told");
    }
}

#[cfg(test)]
mod tests;
