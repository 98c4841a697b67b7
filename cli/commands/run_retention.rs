//! Retention beside recording: a pass at every interval, and room at once when the floor is reached.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use config::Hook;
use retention::Due;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::commands::retain::retainer;
use crate::commands::retain_alarms::{self, Found, RetentionNotice};
use crate::hook::{self, Heard};
use crate::open::Store;

/// Between two passes of retention over the whole catalogue.
const RETAIN_EVERY: Duration = Duration::from_secs(10 * 60);

/// Between two looks at the free space: at 64 cameras of 4 Mbit/s, 5 GB fill in two and a half minutes.
const LOOK_AT_DISK_EVERY: Duration = Duration::from_secs(10);

/// There are two alarms; more notices than that wait only where the hook is away.
const NOTICES_MAX: usize = 16;

/// Retains until `ending`; `room` asks for a pass at once.
pub(super) async fn retain_on(
    store: Store,
    room: Arc<Notify>,
    due: mpsc::Sender<Due>,
    ending: CancellationToken,
) {
    let listeners = store.settings.hook.clone().map(Listeners::of);
    let mut keeper = Keeper { aim: store.settings.retention.min_free, is_exhausted: false, due, store };
    let mut since_pass = RETAIN_EVERY;
    while !ending.is_cancelled() {
        let pass = since_pass >= RETAIN_EVERY;
        if pass {
            since_pass = Duration::ZERO;
        }
        let worked = tokio::task::spawn_blocking(move || {
            let notices = if pass { keeper.pass() } else { keeper.make_room().map(|()| Vec::new()) };
            (keeper, notices)
        });
        let notices;
        match worked.await {
            Ok(done) => (keeper, notices) = done,
            Err(error) => {
                tracing::error!(%error, "retention ended");
                break;
            }
        }
        match (notices, &listeners) {
            (Ok(notices), Some(listeners)) => notices.iter().for_each(|notice| listeners.tell(notice)),
            (Ok(_), None) => {}
            (Err(error), _) => tracing::error!(error = format!("{error:#}"), "retention failed"),
        }
        tokio::select! {
            () = ending.cancelled() => {}
            () = tokio::time::sleep(LOOK_AT_DISK_EVERY) => since_pass += LOOK_AT_DISK_EVERY,
            () = room.notified() => since_pass = RETAIN_EVERY,
        }
    }
    if let Some(listeners) = listeners {
        listeners.end().await;
    }
}

/// Keeps footage within the policy.
struct Keeper {
    store: Store,
    /// The floor that the last pass aimed at.
    aim: Option<u64>,
    /// Whether there was nothing more to delete for it: the next pass looks again.
    is_exhausted: bool,
    /// Takes what is to be archived.
    due: mpsc::Sender<Due>,
}

impl Keeper {
    fn pass(&mut self) -> anyhow::Result<Vec<RetentionNotice>> {
        let retainer = retainer(&self.store);
        let floor = retainer.check_floor().err();
        let retainer = if floor.is_some() { retainer.without_floor() } else { retainer };
        let pass = retainer.pass(self.store.clock.now(), |_, _| ControlFlow::Continue(()))?;
        // Full while the last one is being sent: the next pass finds what is left.
        drop(self.due.try_send(pass.due));
        self.aim = Some(pass.totals.floor).filter(|floor| *floor > 0);
        self.is_exhausted = pass.totals.free_afterwards() < pass.totals.floor;
        retain_alarms::note(&self.store, &Found { totals: &pass.totals, guarded: pass.guarded, floor })
    }

    fn make_room(&mut self) -> anyhow::Result<()> {
        let Some(floor) = self.aim.filter(|_| !self.is_exhausted) else { return Ok(()) };
        let retainer = retainer(&self.store);
        if retainer.is_below(floor)? {
            let (_, lacking) = retainer.make_room(floor, self.store.clock.now())?;
            self.is_exhausted = lacking > 0;
        }
        Ok(())
    }
}

/// The hook, told of what retention cannot do.
struct Listeners {
    command: mpsc::Sender<RetentionNotice>,
    webhook: mpsc::Sender<RetentionNotice>,
    telling: JoinHandle<()>,
}

impl Listeners {
    fn of(hook: Hook) -> Self {
        let (command, by_command) = mpsc::channel(NOTICES_MAX);
        let (webhook, by_webhook) = mpsc::channel(NOTICES_MAX);
        let telling = tokio::spawn(hook::tell(hook, Heard { by_command, by_webhook }));
        Self { command, webhook, telling }
    }

    fn tell(&self, notice: &RetentionNotice) {
        for listener in [&self.command, &self.webhook] {
            if listener.try_send(notice.clone()).is_err() {
                tracing::warn!("a notice of retention was passed over, the hook is away");
            }
        }
    }

    /// Lets what was told be heard, as far as the hook is there.
    async fn end(self) {
        let Self { command, webhook, telling } = self;
        drop((command, webhook));
        if tokio::time::timeout(LOOK_AT_DISK_EVERY, telling).await.is_err() {
            tracing::warn!("the hook did not hear everything");
        }
    }
}
