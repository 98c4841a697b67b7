//! A process that works on a store and is killed again and again: nothing is lost, nothing is done twice.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]
#![allow(clippy::print_stdout, reason = "the parent hears from the child how far it came")]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::TimeDelta;
use config::{Environment, Settings};
use nightreel_catalog::{
    Carried, Catalog, Clock, Finished, Hints, Lease, MediaFolder, MediaRoot, PROCESSED, Planned, Profile,
    Queue, Results, Scanner, SegmentFacts, SegmentState, SqliteQueue, StartSource, Verifier, files,
    sidecar_of,
};

const FOLDER: &str = "NIGHTREEL_TEST_FOLDER";
const KILLS: u32 = 40;

struct Store {
    settings: Settings,
    catalog: Catalog,
    root: MediaRoot,
    /// Ahead by a minute: all files have settled.
    clock: Clock,
}

impl Store {
    fn open(folder: &Path) -> Self {
        let environment = Environment::new(folder, BTreeMap::new()).unwrap();
        let settings = config::defaults(&folder.join("media"), &environment).unwrap().settings;
        let catalog = Catalog::open(&settings.storage.state_dir).unwrap();
        let root = MediaRoot::open(&catalog, &settings.storage.root).unwrap();
        let clock = Clock::standing(Clock::system().now() + TimeDelta::minutes(1));
        Self { settings, catalog, root, clock }
    }

    fn media(&self) -> MediaFolder {
        MediaFolder::new(self.catalog.clone(), Some(self.root.clone()))
    }

    fn queue(&self) -> SqliteQueue {
        // Innocent of all these deaths.
        SqliteQueue::new(self.catalog.clone(), 1000)
    }

    fn scanner(&self) -> Scanner {
        Scanner::new(self.catalog.clone(), self.root.clone(), &self.settings)
    }

    /// Records a file as a recorder does: whole, then under its name. Its content tells its name.
    fn record(&self, folder: &Path) {
        let number = recorded(folder);
        let partial = self.root.path().join(format!("gate/{number}.mp4.partial"));
        files::create_folder(partial.parent().unwrap()).unwrap();
        fs::write(&partial, format!("footage {number}")).unwrap();
        // From here on the next life adopts it.
        files::write_atomically(&folder.join("recorded"), &vec![b'.'; number + 1]).unwrap();
        files::rename(&partial, &partial.with_extension("")).unwrap();
    }

    fn adopt_partials(&self, folder: &Path) {
        for number in 0..recorded(folder) {
            let partial = self.root.path().join(format!("gate/{number}.mp4.partial"));
            if partial.exists() {
                files::rename(&partial, &partial.with_extension("")).unwrap();
            }
        }
    }

    /// Moves what a life processed and had no time to move, as retention does.
    fn retain(&self) {
        let mut processed = Vec::new();
        self.catalog.each_segment(&[SegmentState::Processed], |segment| processed.push(segment.id)).unwrap();
        processed.iter().for_each(|id| drop(self.media().move_into(*id, Some(PROCESSED)).unwrap()));
    }

    /// Works on all that waits, saying each step.
    fn work(&self) {
        while let Some(lease) =
            self.queue().lease(1, Duration::from_secs(600), self.clock.now()).unwrap().pop()
        {
            println!("leased");
            let file = self.media().absolute(&lease.segment);
            let results = results(&lease, &fs::read_to_string(&file).unwrap());
            files::write_atomically(&sidecar_of(&file), &results.to_json().unwrap()).unwrap();
            println!("sidecar");
            let finished = self.queue().finish(&lease, &results, self.clock.now()).unwrap();
            assert_eq!(finished, Finished::Stored);
            println!("finished");
            self.media().move_into(lease.segment.id, Some(PROCESSED)).unwrap();
            println!("moved");
            if lease.segment.id.0 % 3 == 0 {
                let planned =
                    Planned { id: lease.segment.id, state: SegmentState::Processed, now: self.clock.now() };
                assert_eq!(self.media().delete_planned(planned, "too old").unwrap(), Carried::Out);
                println!("deleted");
            }
        }
    }
}

fn results(lease: &Lease, content: &str) -> Results {
    let segment = SegmentFacts {
        camera: lease.segment.camera.clone(),
        file: lease.segment.path.display().to_string(),
        start: "2026-11-22T12:00:00.000Z".to_owned(),
        start_source: StartSource::Mtime,
        duration_s: 60.0,
        frames: 600,
        codec: "h264".to_owned(),
        width: 640,
        height: 360,
        sha256: content.to_owned(),
        faults: Vec::new(),
    };
    let profile = Profile {
        id: "profile".to_owned(),
        every_nth_frame: 30,
        sampling: "exact".to_owned(),
        views: vec!["original".to_owned()],
        detector: None,
        vision_model: None,
    };
    Results::new(segment, profile, Vec::new(), Vec::new())
}

/// One byte per file.
fn recorded(folder: &Path) -> usize {
    fs::read(folder.join("recorded")).map_or(0, |counted| counted.len())
}

/// The life that is cut short: start-up, then recording, scanning and working for ever.
#[test]
#[ignore = "run by the test below, which kills it"]
fn works_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let store = Store::open(&folder);
    store.adopt_partials(&folder);
    store.media().finish_intents().unwrap();
    store.retain();
    let mut scanner = store.scanner();
    loop {
        store.record(&folder);
        println!("recorded");
        scanner.scan(&Hints::default(), store.clock.now()).unwrap();
        println!("scanned");
        store.work();
    }
}

#[test]
fn nothing_is_lost_or_done_twice_whenever_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["works_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut steps = BufReader::new(child.stdout.take().unwrap()).lines();
        // The harness says three lines of its own. A kill lands anywhere in the step that follows.
        for _ in 0..fastrand::u32(0..16) {
            steps.next().expect("it works for ever").unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let store = Store::open(folder.path());
    store.adopt_partials(folder.path());
    store.media().finish_intents().unwrap();
    store.scanner().scan(&Hints::default(), store.clock.now()).unwrap();
    store.work();
    store.retain();
    let later = store.clock.now() + TimeDelta::hours(1);
    assert_eq!(
        Verifier::new(store.catalog.clone(), store.root.clone(), &store.settings).verify(later).unwrap(),
        []
    );

    let recorded = recorded(folder.path());
    assert!(recorded > 5, "only {recorded} files in {KILLS} lives");
    let mut contents = HashSet::new();
    let states = [SegmentState::Processed, SegmentState::Deleted];
    let mut each = Vec::new();
    store.catalog.each_segment(&states, |segment| each.push(segment)).unwrap();
    for segment in each {
        let results = store.catalog.results(segment.id, "profile").unwrap().expect("it was looked at");
        let content = results.segment.sha256;
        if segment.state == SegmentState::Processed {
            assert_eq!(fs::read_to_string(store.media().absolute(&segment)).unwrap(), content);
            assert!(segment.path.starts_with("gate/processed"), "{}", segment.path.display());
        }
        assert!(contents.insert(content.clone()), "{content} was looked at twice");
    }
    for number in 0..recorded {
        assert!(contents.contains(&format!("footage {number}")), "{number} is lost");
    }
}
