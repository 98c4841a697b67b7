//! A store in a temporary folder, for tests: files as recorders leave them, rows as workers leave them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use config::{Environment, Settings};
use tempfile::TempDir;

use crate::segment::NewSegment;
use crate::{
    Blame, Catalog, FileStat, Finished, GiveBack, Hints, Lease, MediaFolder, MediaRoot, Object, Profile,
    Queue, Results, Sample, ScanReport, Scanner, Segment, SegmentFacts, SegmentId, SqliteQueue, StartSource,
    ViewResult, files, segments, sidecar_of,
};

pub(crate) struct Store {
    folder: TempDir,
    pub(crate) settings: Settings,
    pub(crate) catalog: Catalog,
    pub(crate) root: MediaRoot,
}

pub(crate) fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

impl Store {
    /// Makes a store in which every folder is a camera's.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// Makes a store with more settings than the root, as TOML.
    pub(crate) fn with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nightreel.toml");
        fs::write(&file, format!("[storage]\nroot = \"media\"\n{settings}")).unwrap();
        let environment = Environment::new(folder.path(), std::collections::BTreeMap::new()).unwrap();
        let settings = config::load(Some(&file), &environment).unwrap().settings;
        let catalog = Catalog::open(&folder.path().join("state")).unwrap();
        let root = MediaRoot::open(&catalog, &settings.storage.root).unwrap();
        Self { folder, settings, catalog, root }
    }

    /// Opens the same catalogue as another process would.
    pub(crate) fn catalog_elsewhere(&self) -> Catalog {
        Catalog::open(&self.folder.path().join("state")).unwrap()
    }

    pub(crate) fn media(&self) -> MediaFolder {
        MediaFolder::new(self.catalog.clone(), Some(self.root.clone()))
    }

    pub(crate) fn scanner(&self) -> Scanner {
        Scanner::new(self.catalog.clone(), self.root.clone(), &self.settings)
    }

    /// Scans as a run does that has just begun.
    pub(crate) fn scan(&self) -> ScanReport {
        self.scanner().scan(&Hints::default(), noon()).unwrap()
    }

    pub(crate) fn queue(&self) -> SqliteQueue {
        SqliteQueue::new(self.catalog.clone(), 3)
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// Writes a file that was last written to an hour before noon.
    pub(crate) fn write(&self, relative: &str, content: &str) {
        self.write_at(relative, content, noon() - TimeDelta::hours(1));
    }

    pub(crate) fn write_at(&self, relative: &str, content: &str, modified: DateTime<Utc>) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(modified.into()).unwrap();
    }

    pub(crate) fn read(&self, relative: &str) -> Option<String> {
        fs::read_to_string(self.path(relative)).ok()
    }

    pub(crate) fn remove(&self, relative: &str) {
        files::remove(&self.path(relative)).unwrap();
    }

    /// Renames as a person does, who knows nothing of rows and sidecars.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::create_dir_all(self.path(to).parent().unwrap()).unwrap();
        files::rename(&self.path(from), &self.path(to)).unwrap();
    }

    /// Lists all files below the root but the id file, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let walk =
            walkdir::WalkDir::new(self.root.path()).sort_by_file_name().into_iter().map(Result::unwrap);
        walk.filter(|entry| !entry.file_type().is_dir())
            .map(|entry| entry.path().strip_prefix(self.root.path()).unwrap().to_str().unwrap().to_owned())
            .filter(|path| path != ".nightreel-root")
            .collect()
    }

    /// Writes a file and brings in its row.
    pub(crate) fn add(&self, relative: &str, content: &str) -> SegmentId {
        self.write(relative, content);
        let new = NewSegment {
            path: relative.into(),
            camera: relative.split('/').next().map(str::to_owned),
            start: noon(),
            start_source: StartSource::Mtime,
            duration: None,
            stat: FileStat::of(&self.path(relative).symlink_metadata().unwrap()),
        };
        let inserted = self.catalog.write("add a segment", |t| segments::insert(t, &new, "", noon()));
        inserted.unwrap().expect("a path that was free")
    }

    /// Brings in the row of a recorded segment, without a file.
    pub(crate) fn footage(&self, camera: &str, start: DateTime<Utc>, seconds: u64) -> SegmentId {
        let new = NewSegment {
            path: format!("{camera}/{}.mp4", start.timestamp_millis()).into(),
            camera: Some(camera.to_owned()),
            start,
            start_source: StartSource::Recorder,
            duration: Some(Duration::from_secs(seconds)),
            stat: FileStat { size: seconds * 250_000, mtime_ns: start.timestamp_millis(), inode: 0 },
        };
        let inserted = self.catalog.write("add footage", |t| segments::insert(t, &new, "", noon()));
        inserted.unwrap().expect("a path that was free")
    }

    /// As `add`, and has it looked at: sidecar, results and all.
    pub(crate) fn add_processed(&self, relative: &str, content: &str) -> SegmentId {
        let id = self.add(relative, content);
        let lease = self.lease(id);
        self.process(&lease);
        id
    }

    /// As `add`, and has it given up and quarantined. Returns where it lies.
    pub(crate) fn add_quarantined(&self, relative: &str, content: &str) -> SegmentId {
        let id = self.add(relative, content);
        self.queue().bury(&self.lease(id), "not a video").unwrap();
        self.media().quarantine(id, "not a video").unwrap();
        id
    }

    /// Leases this one, and lets go of those that come before it.
    pub(crate) fn lease(&self, id: SegmentId) -> Lease {
        let queue = self.queue();
        let mut leases = queue.lease(100, Duration::from_secs(60), noon()).unwrap();
        let at = leases.iter().position(|lease| lease.segment.id == id).expect("it can be leased");
        let lease = leases.swap_remove(at);
        let back = GiveBack { reason: String::new(), delay: Duration::ZERO, blame: Blame::Outside };
        leases.iter().for_each(|other| queue.give_back(other, &back, noon()).unwrap());
        lease
    }

    /// Ends a lease as a worker does: sidecar first, then the rows.
    pub(crate) fn process(&self, lease: &Lease) {
        let file = self.path(lease.segment.path.to_str().unwrap());
        let results = results(&lease.segment);
        files::write_atomically(&sidecar_of(&file), &results.to_json().unwrap()).unwrap();
        assert_eq!(self.queue().finish(lease, &results, noon()).unwrap(), Finished::Stored);
    }

    pub(crate) fn segment(&self, id: SegmentId) -> Segment {
        self.catalog.segment(id).unwrap()
    }

    pub(crate) fn at(&self, relative: &str) -> Option<Segment> {
        self.catalog.segment_at(Path::new(relative)).unwrap()
    }

    /// Breaks a row, as only a fault in the program could.
    pub(crate) fn break_rows(&self, sql: &str) {
        let broken = self.catalog.write("break rows", |t| t.execute(sql, []));
        assert_ne!(broken.unwrap(), 0, "{sql}");
    }
}

pub(crate) fn results(segment: &Segment) -> Results {
    let object = |label: &str, score| Object {
        label: label.to_owned(),
        score,
        area: [0.1, 0.2, 0.333_333, 0.4],
        zones: Vec::new(),
    };
    let view = |view: &str, objects, caption: Option<&str>| ViewResult {
        view: view.to_owned(),
        objects,
        caption: caption.map(str::to_owned),
        description: None,
        jpeg: None,
    };
    let two = vec![object("person", 0.1), object("person", 0.875)];
    let samples = vec![
        Sample {
            frame: 0,
            time: "2026-11-22T12:00:00.140Z".to_owned(),
            gate: None,
            views: vec![view("south", two, Some("two people")), view("north", Vec::new(), None)],
        },
        Sample {
            frame: 30,
            time: "2026-11-22T12:00:03.140Z".to_owned(),
            gate: None,
            views: vec![view("south", vec![object("car", 0.7)], None), view("north", Vec::new(), None)],
        },
    ];
    let facts = SegmentFacts {
        camera: segment.camera.clone(),
        file: segment.path.file_name().unwrap().to_string_lossy().into_owned(),
        start: "2026-11-22T12:00:00.140Z".to_owned(),
        start_source: StartSource::Metadata,
        duration_s: 59.9,
        frames: 599,
        codec: "h264".to_owned(),
        width: 640,
        height: 360,
        sha256: format!("{:064x}", segment.id.0),
        faults: vec!["1 sampled frames cannot be decoded, the first is 60".to_owned()],
    };
    let profile = Profile {
        id: "profile".to_owned(),
        every_nth_frame: 30,
        sampling: "exact".to_owned(),
        views: vec!["south".to_owned(), "north".to_owned()],
        detector: Some("nanodet".to_owned()),
        vision_model: None,
    };
    Results::new(facts, profile, samples, Vec::new())
}
