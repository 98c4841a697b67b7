//! Retention beside recording: a pass at every interval, and room at once when the floor is reached.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use retention::{Due, Tally};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::commands::retain::retainer;
use crate::commands::retain_alarms::{self, Found, RetentionNotice};
use crate::hook::Hook;
use crate::open::Store;

/// Between two passes of retention over the whole catalogue.
const RETAIN_EVERY: Duration = Duration::from_secs(10 * 60);

/// Between two looks at the free space, one system call each: 64 cameras of 4 Mbit/s write 32 MB meanwhile.
const LOOK_AT_DISK_EVERY: Duration = Duration::from_secs(1);

/// Times as long as it took to find out what may go the disk is left alone then.
const REST: u32 = 9;

/// Between two lines of the log on room that was made, which may be each second.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Retains until `ending`; `room` asks for a pass at once.
pub(super) async fn retain_on(
    (store, hook): (Store, Hook),
    room: Arc<Notify>,
    due: mpsc::Sender<Due>,
    ending: CancellationToken,
) {
    let (aim, room_made) = (store.settings.retention.min_free, RoomMade::default());
    let mut keeper = Keeper { aim, is_exhausted: false, room_made, due, store };
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
        match notices {
            Ok(notices) => notices.iter().for_each(|notice| hook.tell(notice)),
            Err(error) => tracing::error!(error = format!("{error:#}"), "retention failed"),
        }
        tokio::select! {
            () = ending.cancelled() => {}
            () = tokio::time::sleep(LOOK_AT_DISK_EVERY) => since_pass += LOOK_AT_DISK_EVERY,
            () = room.notified() => since_pass = RETAIN_EVERY,
        }
    }
}

/// Keeps footage within the policy.
struct Keeper {
    store: Store,
    /// The floor that the last pass aimed at.
    aim: Option<u64>,
    /// Whether there was nothing more to delete for it: the next pass looks again.
    is_exhausted: bool,
    room_made: RoomMade,
    /// Takes what is to be archived.
    due: mpsc::Sender<Due>,
}

/// What was deleted between two passes.
#[derive(Default)]
struct RoomMade {
    /// Not told of yet.
    tally: Tally,
    told: Option<Instant>,
    /// Where the backlog is long, looking for what may go costs time of its own.
    rests_until: Option<Instant>,
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
        if self.room_made.rests() || !retainer.is_below(floor)? {
            return Ok(());
        }
        let room = retainer.make_room(floor, self.store.clock.now())?;
        self.is_exhausted = room.lacking > 0;
        self.room_made.note(room.applied.for_floor, room.looking);
        Ok(())
    }
}

impl RoomMade {
    fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| Instant::now() < until)
    }

    /// Rests after what looking took, and not after what deleting took: on a slow disk cameras would fill more
    /// meanwhile than can be deleted.
    fn note(&mut self, deleted: Tally, looking: Duration) {
        self.rests_until = Some(Instant::now() + looking * REST);
        self.tally.segments += deleted.segments;
        self.tally.bytes += deleted.bytes;
        if self.tally.segments > 0 && self.told.is_none_or(|told| told.elapsed() > TELL_EVERY) {
            let Tally { segments, bytes } = std::mem::take(&mut self.tally);
            tracing::warn!(segments, bytes, "deleted footage to keep the floor");
            self.told = Some(Instant::now());
        }
    }
}
