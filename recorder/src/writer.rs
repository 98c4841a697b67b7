//! The threads that write files. Cameras hand over orders and go on; a slow disk fills a camera's own queue,
//! and nobody else's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use catalog::CameraLock;
use chrono::{DateTime, Utc};
use config::{Camera, CameraId};
use futures::future::select_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;

use crate::destination::{Destination, Destinations};
use crate::gather::Order;
use crate::mp4::FileHead;
use crate::register::Register;
use crate::segment::{OpenSegment, Place};
use crate::tap::Tap;
use crate::thread::{self, Ended};
use crate::{CameraStatus, RecorderError};

/// So many threads hide the latency of a sync behind another camera's; more would only queue up in the disk.
const THREADS: usize = 2;

/// Bytes that may wait to be written, per camera: half a minute of 4 Mbit/s, and together with a GOP in hand
/// within the 64 MB that a camera may cost.
const WAITING_MAX: usize = 16 << 20;

/// Waiting bytes are counted in pieces of this size.
const PIECE: usize = 1 << 10;

/// Orders that may wait, all cameras of a thread together. They are small: what counts is bounded above.
const ORDERS: usize = 256;

/// A disk that makes room for nothing in this time is too slow, or hangs.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Job {
    order: Order,
    desk: Arc<Desk>,
    /// Given back once the order is carried out.
    _room: OwnedSemaphorePermit,
}

/// What the writers know of a camera.
#[derive(Debug)]
struct Desk {
    camera: CameraId,
    destinations: Destinations,
    status: watch::Sender<CameraStatus>,
    failures: mpsc::Sender<RecorderError>,
    /// The time at which footage on the disk ends.
    written: Mutex<Option<DateTime<Utc>>>,
    /// Locked by the one thread that writes the camera's files.
    taps: Mutex<Vec<Box<dyn Tap>>>,
}

/// What the writers are told of a camera.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) camera: CameraId,
    pub(crate) destinations: Destinations,
    pub(crate) status: watch::Sender<CameraStatus>,
    pub(crate) taps: Vec<Box<dyn Tap>>,
}

impl Outlet {
    pub(crate) fn new(
        camera: &Camera,
        status: &watch::Sender<CameraStatus>,
        taps: Vec<Box<dyn Tap>>,
    ) -> Self {
        let destinations = Destinations::of(camera);
        Self { camera: camera.id.clone(), destinations, status: status.clone(), taps }
    }
}

/// One camera's way to the writers.
#[derive(Debug)]
pub(crate) struct CameraWriter {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    desk: Arc<Desk>,
    failures: mpsc::Receiver<RecorderError>,
}

#[derive(Debug)]
pub(crate) struct Writers {
    senders: Vec<mpsc::Sender<Job>>,
    threads: Vec<Ended>,
}

impl Writers {
    /// The threads keep the locks of the cameras for as long as one of them may write.
    pub(crate) fn start(
        place: &Place,
        register: &Register,
        locks: Vec<CameraLock>,
    ) -> Result<Self, RecorderError> {
        let mut writers = Self { senders: Vec::new(), threads: Vec::new() };
        let threads = locks.len().clamp(1, THREADS);
        let locks = Arc::new(locks);
        for number in 0..threads {
            let (sender, jobs) = mpsc::channel(ORDERS);
            let (place, register, locks) = (place.clone(), register.clone(), Arc::clone(&locks));
            let work = move || {
                run(&place, &register, jobs);
                drop(locks);
            };
            writers.senders.push(sender);
            writers.threads.push(thread::start(&format!("writer {number}"), work)?);
        }
        Ok(writers)
    }

    /// Returns the way of camera number `number` to its thread.
    pub(crate) fn of_camera(&self, number: usize, outlet: Outlet) -> CameraWriter {
        let Outlet { camera, destinations, status, taps } = outlet;
        // one is enough: a session ends at the first
        let (sender, failures) = mpsc::channel(1);
        CameraWriter {
            jobs: self.senders[number % self.senders.len()].clone(),
            room: Arc::new(Semaphore::new(WAITING_MAX / PIECE)),
            desk: Arc::new(Desk {
                camera,
                destinations,
                status,
                failures: sender,
                written: Mutex::default(),
                taps: Mutex::new(taps),
            }),
            failures,
        }
    }

    /// Returns when one of the threads has ended, which none does by itself while there are cameras.
    pub(crate) async fn one_ended(&self) {
        let ends = self.threads.iter().map(|ended| Box::pin(ended.cancelled()));
        select_all(ends).await;
    }

    /// Lets the threads end once every [`CameraWriter`] is gone and its orders are carried out.
    pub(crate) fn finish(self) -> Vec<Ended> {
        self.threads
    }
}

impl CameraWriter {
    /// Hands over an order, waiting for room.
    pub(crate) async fn submit(&self, order: Order) -> Result<(), RecorderError> {
        let too_slow = || RecorderError::DiskTooSlow {
            camera: self.desk.camera.to_string(),
            waiting: WAITING_MAX - self.room.available_permits() * PIECE,
        };
        let wait = timeout(PATIENCE, Arc::clone(&self.room).acquire_many_owned(pieces_of(&order)));
        let room = wait.await.map_err(|_| too_slow())?.expect("the semaphore is never closed");
        let job = Job { order, desk: Arc::clone(&self.desk), _room: room };
        let sent = timeout(PATIENCE, self.jobs.send(job)).await.map_err(|_| too_slow())?;
        sent.map_err(|_| RecorderError::WriteFailed { camera: self.desk.camera.to_string() })
    }

    /// Returns when a file of the running session could not be written.
    pub(crate) async fn failed(&mut self) -> RecorderError {
        match self.failures.recv().await {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    /// Returns the time at which the camera's footage on the disk ends, once all is carried out.
    pub(crate) fn written_until(&self) -> Option<DateTime<Utc>> {
        *lock(&self.desk.written)
    }

    /// Waits until everything handed over is carried out; forgets failures of the session that ended.
    pub(crate) async fn drained(&mut self) -> Result<(), RecorderError> {
        let all = u32::try_from(WAITING_MAX / PIECE).unwrap_or(u32::MAX);
        let drained = timeout(PATIENCE, self.room.acquire_many(all)).await;
        while self.failures.try_recv().is_ok() {}
        match drained {
            Ok(_) => Ok(()),
            Err(_) => Err(RecorderError::DiskTooSlow {
                camera: self.desk.camera.to_string(),
                waiting: WAITING_MAX - self.room.available_permits() * PIECE,
            }),
        }
    }
}

fn pieces_of(order: &Order) -> u32 {
    let length = match order {
        Order::Append(fragment) => fragment.data.len(),
        Order::Open(_) | Order::Close => 0,
    };
    // a fragment larger than the whole room waits until it is alone
    let pieces = (length / PIECE + 1).min(WAITING_MAX / PIECE);
    u32::try_from(pieces).unwrap_or(u32::MAX)
}

/// What a camera's fragments are being added to.
#[derive(Debug)]
enum Open {
    File(OpenSegment, Destination),
    /// Nothing is kept: only the taps hear of them.
    Nowhere,
}

type AllOpen = HashMap<CameraId, Open>;

fn run(place: &Place, register: &Register, mut jobs: mpsc::Receiver<Job>) {
    let mut open = AllOpen::new();
    let files = Files { place, register };
    while let Some(job) = jobs.blocking_recv() {
        let desk = &job.desk;
        if let Err(error) = carry_out(job.order, desk, &mut open, &files) {
            close_if_possible(desk, &mut open, &files);
            // a second failure of the same session says nothing new
            let _ = desk.failures.try_send(error);
        }
    }
}

impl Desk {
    fn each_tap(&self, mut tell: impl FnMut(&mut dyn Tap)) {
        lock(&self.taps).iter_mut().for_each(|tap| tell(tap.as_mut()));
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Files<'a> {
    place: &'a Place,
    register: &'a Register,
}

fn carry_out(order: Order, desk: &Desk, open: &mut AllOpen, files: &Files<'_>) -> Result<(), RecorderError> {
    match order {
        Order::Open(head) => {
            close_if_possible(desk, open, files); // left open by a session that broke off
            open.insert(desk.camera.clone(), begin(head, desk, files)?);
        }
        // after a failure there is nothing open until the next session
        Order::Append(fragment) => match open.get_mut(&desk.camera) {
            Some(Open::File(segment, _)) => {
                segment.append(fragment, |fragment, bytes| {
                    desk.each_tap(|tap| tap.appended(fragment, Some(bytes.clone())));
                })?;
                desk.each_tap(|tap| tap.synced());
                *lock(&desk.written) = Some(segment.written_until());
            }
            Some(Open::Nowhere) => desk.each_tap(|tap| tap.appended(&fragment, None)),
            None => {}
        },
        Order::Close => {
            if let Some(ended) = open.remove(&desk.camera) {
                close(ended, desk, files)?;
            }
        }
    }
    Ok(())
}

fn begin(head: FileHead, desk: &Desk, files: &Files<'_>) -> Result<Open, RecorderError> {
    let destination = desk.destinations.at(head.metadata.start);
    let Some(folder) = destination.folder(files.place, &desk.camera) else {
        desk.each_tap(|tap| tap.opened(&head, None));
        return Ok(Open::Nowhere);
    };
    let segment = OpenSegment::create(files.place, &folder, head)?;
    desk.each_tap(|tap| tap.opened(segment.head(), Some(&segment.finished())));
    Ok(Open::File(segment, destination))
}

fn close(ended: Open, desk: &Desk, files: &Files<'_>) -> Result<(), RecorderError> {
    let Open::File(segment, destination) = ended else {
        desk.each_tap(|tap| tap.closed(None));
        return Ok(());
    };
    let closed = segment.close(files.place);
    let finished = closed.as_ref().ok().map(|closed| files.place.root.path().join(&closed.path));
    desk.each_tap(|tap| tap.closed(finished.as_deref()));
    let closed = closed?;
    if destination == Destination::Recording {
        files.register.closed(closed);
        desk.status.send_modify(|status| status.segments += 1);
    }
    Ok(())
}

/// Closes what is open as far as the disk allows. Where even that fails the file stays a `.partial`, which
/// plays to its last whole fragment and is finished by recovery.
fn close_if_possible(desk: &Desk, open: &mut AllOpen, files: &Files<'_>) {
    if let Some(ended) = open.remove(&desk.camera)
        && let Err(e) = close(ended, desk, files)
    {
        tracing::debug!(camera = %desk.camera, error = &e as &dyn std::error::Error, "partial stays");
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::path::Path;

    use catalog::{Catalog, Clock, ClockSource, MediaRoot};
    use config::{Recording, Windows};
    use futures::FutureExt;

    use super::*;
    use crate::blocks::{BlockPool, Blocks};
    use crate::mp4::{FileHead, Metadata, Origins, Run, Sample, TrackHead, TrackKind};
    use crate::segment::{Fragment, Next};

    fn camera() -> CameraId {
        "gate".parse().unwrap()
    }

    fn open() -> Order {
        let start = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let kind = TrackKind::Video { width: 16, height: 16 };
        let sample_entry = [&12u32.to_be_bytes()[..], b"avc1abcd"].concat();
        Order::Open(FileHead {
            metadata: Metadata { camera: camera(), start, clock: ClockSource::ReceiveTime },
            tracks: vec![TrackHead { kind, time_scale: 90_000, sample_entry }],
            origins: Origins::default(),
        })
    }

    fn append(length: usize) -> Order {
        let mut data = Blocks::new(&BlockPool::default());
        data.push(&vec![7; length]);
        let size = u32::try_from(length).unwrap();
        let sample = Sample { dts: 0, duration: 3600, offset: 0, size, keyframe: true };
        let runs = vec![Run { track: 0, samples: vec![sample] }];
        Order::Append(Fragment { runs, data, next: Next::Keyframe })
    }

    fn outlet(recording: Recording, taps: Vec<Box<dyn Tap>>) -> Outlet {
        let settings = Camera { recording, ..Camera::new(camera(), None) };
        Outlet { camera: camera(), destinations: Destinations::of(&settings), status: status(), taps }
    }

    fn status() -> watch::Sender<CameraStatus> {
        watch::Sender::new(CameraStatus::new(camera()))
    }

    #[tokio::test]
    async fn a_slow_disk_is_waited_for_once_the_queue_of_a_camera_is_full() {
        let (jobs, mut disk) = mpsc::channel(ORDERS);
        let (sender, failures) = mpsc::channel(1);
        let desk = Arc::new(Desk {
            camera: camera(),
            destinations: Destinations::of(&Camera::new(camera(), None)),
            status: status(),
            failures: sender,
            written: Mutex::default(),
            taps: Mutex::default(),
        });
        let room = Arc::new(Semaphore::new(WAITING_MAX / PIECE));
        let writer = CameraWriter { jobs, room, desk, failures };
        for _ in 0..15 {
            writer.submit(append(1 << 20)).now_or_never().expect("there is room").unwrap();
        }
        let mut waiting = Box::pin(writer.submit(append(1 << 20)));
        assert!((&mut waiting).now_or_never().is_none(), "15 MB and the pieces they fill up to");
        drop(disk.recv().await);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_segment_that_nobody_closed_is_closed_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("state")).unwrap();
        let root = MediaRoot::open(&catalog, &folder.path().join("media")).unwrap();
        let place = Place { root, name_timezone: chrono_tz::Tz::UTC };
        let (register, registered) = Register::start(catalog.clone(), Clock::system()).unwrap();
        let writers = Writers::start(&place, &register, Vec::new()).unwrap();
        drop(register);
        let always = Recording::During(Windows::always(chrono_tz::Tz::UTC));
        let mut writer = writers.of_camera(0, outlet(always, Vec::new()));
        for order in [open(), append(5000), open(), append(5000), Order::Close, Order::Close] {
            writer.submit(order).await.unwrap();
        }
        writer.drained().await.unwrap();
        drop(writer);
        for ended in writers.finish() {
            ended.cancelled().await;
        }
        registered.cancelled().await;
        for name in ["gate/segment_20270115_080000.mp4", "gate/segment_20270115_080000_2.mp4"] {
            assert!(place.root.path().join(name).exists(), "{name}");
            assert!(catalog.segment_at(name.as_ref()).unwrap().is_some(), "{name}");
        }
        assert_eq!(std::fs::read_dir(place.folder(&camera())).unwrap().count(), 2);
    }
    /// Tells a test what it hears.
    #[derive(Debug)]
    struct Ear(std::sync::mpsc::Sender<String>);

    impl Tap for Ear {
        fn opened(&mut self, _: &FileHead, finished: Option<&Path>) {
            self.0.send(format!("opened {finished:?}")).unwrap();
        }

        fn appended(&mut self, fragment: &Fragment, bytes: Option<Range<u64>>) {
            self.0.send(format!("appended {} at {bytes:?}", fragment.data.len())).unwrap();
        }

        fn closed(&mut self, finished: Option<&Path>) {
            self.0.send(format!("closed {finished:?}")).unwrap();
        }
    }

    #[tokio::test]
    async fn where_nothing_is_kept_the_taps_hear_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("state")).unwrap();
        let root = MediaRoot::open(&catalog, &folder.path().join("media")).unwrap();
        let place = Place { root, name_timezone: chrono_tz::Tz::UTC };
        let (register, _registered) = Register::start(catalog, Clock::system()).unwrap();
        let writers = Writers::start(&place, &register, Vec::new()).unwrap();
        let (told, heard) = std::sync::mpsc::channel();
        let mut writer = writers.of_camera(0, outlet(Recording::Off, vec![Box::new(Ear(told))]));
        for order in [open(), append(50), append(60), Order::Close] {
            writer.submit(order).await.unwrap();
        }
        writer.drained().await.unwrap();
        let heard: Vec<String> = heard.try_iter().collect();
        assert_eq!(heard, ["opened None", "appended 50 at None", "appended 60 at None", "closed None"]);
        assert!(!place.folder(&camera()).exists());
    }
}
