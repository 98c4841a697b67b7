//! A root with processed footage of one camera, a store, and an archiver between them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use age::secrecy::ExposeSecret;
use catalog::{
    Catalog, Clock, ClockSource, ClosedSegment, FileStat, MediaFolder, MediaRoot, Object, Profile, Queue,
    Results, Sample, SegmentFacts, SegmentId, SegmentState, Span, SqliteQueue, StartSource, ViewResult,
};
use chrono::{DateTime, TimeDelta, Utc};
use config::{AfterProcessing, Archive, Retention, StorePlace, Thaw, ThawTier, Windows};
use sha2::{Digest, Sha256};

use super::faulty::Faulty;
use crate::archive::{
    ArchiveError, Archiver, Destination, Finder, Found, Frozen, Keys, Restored, Restorer, Sent, Store,
};
use crate::{Due, Retainer};

/// Smaller than a segment, so that every bundle has many parts.
const PART: usize = 400;
const SEGMENT_SIZE: usize = 1000;

pub(super) struct World {
    folder: tempfile::TempDir,
    pub(super) catalog: Catalog,
    pub(super) root: MediaRoot,
    pub(super) clock: Clock,
    pub(super) settings: Archive,
    pub(super) policy: Retention,
    pub(super) faulty: Arc<Faulty>,
}

/// Of the hour that all footage is of.
pub(super) fn hour() -> DateTime<Utc> {
    "2026-11-22T22:00:00Z".parse().unwrap()
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("state")).unwrap();
        let root = MediaRoot::open(&catalog, &folder.path().join("media")).unwrap();
        let clock = Clock::standing(hour() + TimeDelta::hours(2));
        catalog.note_run(clock.now()).unwrap();
        let settings = Archive {
            place: StorePlace::Folder(folder.path().join("unused")),
            storage_class: None,
            part: PART,
            windows: Windows::always(chrono_tz::UTC),
            max_bytes_per_second: None,
            read_back: true,
            max_age: None,
            thaw: Thaw { tier: ThawTier::Bulk, days: 1 },
            prices: Vec::new(),
            recipients: Vec::new(),
            identity_file: None,
        };
        let policy = Retention { after_processing: AfterProcessing::Archive, ..Retention::default() };
        Self { folder, catalog, root, clock, settings, policy, faulty: Faulty::new() }
    }

    /// Of which bundles are sealed, and that has the key.
    pub(super) fn sealed() -> Self {
        let mut world = Self::new();
        let (recipient, file) = world.draw_key("identity");
        world.settings.recipients = vec![recipient];
        world.settings.identity_file = Some(file);
        world
    }

    /// Returns a public key, and the file with its secret one.
    pub(super) fn draw_key(&self, name: &str) -> (String, PathBuf) {
        let identity = age::x25519::Identity::generate();
        let file = self.path(name);
        std::fs::write(&file, format!("# a comment\n{}\n", identity.to_string().expose_secret())).unwrap();
        (identity.to_public().to_string(), file)
    }

    pub(super) fn media(&self) -> MediaFolder {
        MediaFolder::new(self.catalog.clone(), Some(self.root.clone()))
    }

    /// Returns the store as a program that starts anew opens it.
    pub(super) fn store(&self) -> Store {
        Store::over(Arc::clone(&self.faulty) as _, &self.settings)
    }

    /// Adds a segment of that minute that waits to be processed.
    pub(super) fn record(&self, minute: i64) -> SegmentId {
        let path = PathBuf::from(format!("gate/{minute:02}.mp4"));
        let file = self.root.path().join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, vec![u8::try_from(minute).unwrap(); SEGMENT_SIZE]).unwrap();
        let closed = ClosedSegment {
            camera: "gate".parse().unwrap(),
            path,
            start: hour() + TimeDelta::minutes(minute),
            clock: ClockSource::ReceiveTime,
            duration: Duration::from_secs(60),
            stat: FileStat::of(&file.metadata().unwrap()),
        };
        self.catalog.add_recorded(&closed, self.clock.now()).unwrap()
    }

    /// Adds a segment with its results; whatever waits is processed with it.
    pub(super) fn process(&self, minute: i64) -> SegmentId {
        self.process_seeing(minute, None)
    }

    /// As [`process`](Self::process), and this is seen in it.
    pub(super) fn process_seeing(&self, minute: i64, label: Option<&str>) -> SegmentId {
        let id = self.record(minute);
        let queue = SqliteQueue::new(self.catalog.clone(), 3);
        for lease in queue.lease(100, Duration::from_secs(60), self.clock.now()).unwrap() {
            let file = self.root.path().join(&lease.segment.path);
            let results = Results { samples: samples(label), ..results(&file, lease.segment.start) };
            std::fs::write(catalog::sidecar_of(&file), serde_json::to_vec(&results).unwrap()).unwrap();
            queue.finish(&lease, &results, self.clock.now()).unwrap();
        }
        id
    }

    pub(super) fn due(&self) -> Due {
        let retainer = Retainer::new(self.catalog.clone(), self.root.clone(), self.policy.clone());
        retainer.plan(self.clock.now(), |_| {}).unwrap().due
    }

    /// Applies the rules to what is archived already.
    pub(super) fn let_go(&self) {
        let retainer = Retainer::new(self.catalog.clone(), self.root.clone(), self.policy.clone());
        retainer.pass(self.clock.now(), |_, _| std::ops::ControlFlow::Continue(())).unwrap();
    }

    pub(super) fn archive(&self) -> Result<Sent, ArchiveError> {
        self.archive_until(&|| false)
    }

    pub(super) fn archive_until(&self, is_ending: &dyn Fn() -> bool) -> Result<Sent, ArchiveError> {
        let (media, settings, policy, clock) = (&self.media(), &self.settings, &self.policy, &self.clock);
        Archiver { media, settings, policy, clock }.pass_over(&self.due(), || Ok(self.store()), is_ending)
    }

    pub(super) fn archive_to(&self, store: Store) -> Result<Sent, ArchiveError> {
        let (media, settings, policy, clock) = (&self.media(), &self.settings, &self.policy, &self.clock);
        Archiver { media, settings, policy, clock }.pass_over(&self.due(), || Ok(store), &|| false)
    }

    /// Lets another catalogue find what the store holds.
    pub(super) fn find(&self, catalog: &Catalog) -> Result<Found, ArchiveError> {
        let (store, keys) = (&self.store(), &Keys::of(&self.settings));
        Finder { catalog, store, keys, frozen: Frozen::Leave }.adopt()
    }

    pub(super) fn restore(&self) -> Result<Restored, ArchiveError> {
        let wanted = self.catalog.archived_within("gate", self.span()).unwrap();
        let (media, store, clock) = (&self.media(), &self.store(), &self.clock);
        let keys = &Keys::of(&self.settings);
        Restorer { media, store, clock, keys, to: Destination::MediaFolder }.restore(wanted)
    }

    pub(super) fn span(&self) -> Span {
        Span::new(hour(), hour() + TimeDelta::hours(1))
    }

    pub(super) fn bundles(&self) -> Vec<catalog::Bundle> {
        self.catalog.bundles(None, self.span()).unwrap()
    }

    pub(super) fn state(&self, id: SegmentId) -> SegmentState {
        self.catalog.segment(id).unwrap().state
    }

    pub(super) fn has_file(&self, id: SegmentId) -> bool {
        let file = self.root.path().join(self.catalog.segment(id).unwrap().path);
        std::fs::read(file).is_ok_and(|content| content.len() == SEGMENT_SIZE)
    }

    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }
}

fn samples(label: Option<&str>) -> Vec<Sample> {
    let time = hour().to_rfc3339();
    let object =
        |label: &str| Object { label: label.to_owned(), score: 0.9, area: [0.1; 4], zones: Vec::new() };
    let objects = label.map(object).into_iter().collect();
    let view =
        ViewResult { view: "original".to_owned(), objects, caption: None, description: None, jpeg: None };
    vec![Sample { frame: 0, time, gate: None, views: vec![view] }]
}

fn results(file: &std::path::Path, start: DateTime<Utc>) -> Results {
    let content = std::fs::read(file).unwrap();
    let segment = SegmentFacts {
        camera: Some("gate".to_owned()),
        file: file.file_name().unwrap().to_str().unwrap().to_owned(),
        start: start.to_rfc3339(),
        start_source: StartSource::Recorder,
        duration_s: 60.0,
        frames: 600,
        codec: "h264".to_owned(),
        width: 16,
        height: 16,
        sha256: catalog::hex(&Sha256::digest(content)),
        faults: Vec::new(),
    };
    let profile = Profile {
        id: "p".to_owned(),
        every_nth_frame: 30,
        sampling: "exact".to_owned(),
        views: Vec::new(),
        detector: None,
        vision_model: None,
    };
    Results::new(segment, profile, Vec::new(), Vec::new())
}
