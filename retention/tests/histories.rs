//! Random lives of a store: footage comes, is looked at, is put on hold, time passes, and retention is killed wherever
//! it can be. What the policy keeps is never lost, what it drops is never kept, and nothing is in two places or none.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::{
    Catalog, ClockSource, ClosedSegment, FileStat, Hold, MediaRoot, Object, OnHold, Profile, Queue, Results,
    Sample, SegmentFacts, SegmentId, SegmentState, SqliteQueue, StartSource, Verifier, ViewResult,
    sidecar_of,
};
use chrono::{DateTime, TimeDelta, Utc};
use config::{AfterProcessing, Environment, Retention, RetentionRule, Settings};
use nightreel_retention::{Entry, Retainer, Verdict};
use proptest::prelude::*;

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug)]
enum Step {
    Record,
    /// Looks at all that waits; every second of them shows a person.
    Process,
    Wait {
        days: u32,
    },
    Hold {
        which: usize,
    },
    Release {
        which: usize,
    },
    Retain,
    /// A pass that is killed at the step of this number, so far into it.
    Killed {
        step: usize,
        how_far: HowFar,
    },
}

#[derive(Clone, Copy, Debug)]
enum HowFar {
    Intended,
    /// The file is moved or deleted, and what lies beside it is not.
    FileDone,
    /// All is done but for the row.
    AllDone,
    /// The step before was whole.
    Between,
}

/// What must be true of a segment.
#[derive(Debug)]
struct Known {
    id: SegmentId,
    start: DateTime<Utc>,
    processed: bool,
    person: bool,
    held: bool,
    /// A pass that was killed may have taken it.
    may_be_gone: bool,
    gone: bool,
}

struct Life {
    folder: tempfile::TempDir,
    settings: Settings,
    catalog: Catalog,
    root: MediaRoot,
    policy: Retention,
    now: DateTime<Utc>,
    known: Vec<Known>,
}

fn any_age() -> impl Strategy<Value = Option<Duration>> {
    prop::option::of((2..9u32).prop_map(|days| DAY * days))
}

prop_compose! {
    fn any_policy()(
        after_processing in prop::sample::select(
            vec![AfterProcessing::Keep, AfterProcessing::Move, AfterProcessing::Delete]),
        (max_age, person_age, min_age) in (any_age(), any_age(), any_age()),
        (failed_max_age, max_unprocessed_age) in (any_age(), any_age()),
    ) -> Retention {
        let labels = vec!["person".to_owned()];
        let people = RetentionRule { labels, max_age: person_age, ..RetentionRule::default() };
        let rules = if person_age.is_some() { vec![people] } else { Vec::new() };
        Retention {
            after_processing, max_age, min_age, failed_max_age, max_unprocessed_age, rules,
            ..Retention::default()
        }
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let how_far =
        prop::sample::select(vec![HowFar::Intended, HowFar::FileDone, HowFar::AllDone, HowFar::Between]);
    prop_oneof![
        4 => Just(Step::Record),
        3 => Just(Step::Process),
        3 => (1..4u32).prop_map(|days| Step::Wait { days }),
        1 => (0..8usize).prop_map(|which| Step::Hold { which }),
        1 => (0..8usize).prop_map(|which| Step::Release { which }),
        2 => Just(Step::Retain),
        3 => (0..4usize, how_far).prop_map(|(step, how_far)| Step::Killed { step, how_far }),
    ]
}

impl Life {
    fn new(policy: Retention) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::new(folder.path(), BTreeMap::new()).unwrap();
        let settings = config::defaults(&folder.path().join("media"), &environment).unwrap().settings;
        let catalog = Catalog::open(&settings.storage.state_dir).unwrap();
        let root = MediaRoot::open(&catalog, &settings.storage.root).unwrap();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        Self { folder, settings, catalog, root, policy, now, known: Vec::new() }
    }

    fn retainer(&self) -> Retainer {
        Retainer::new(self.catalog.clone(), self.root.clone(), self.policy.clone())
    }

    fn queue(&self) -> SqliteQueue {
        SqliteQueue::new(self.catalog.clone(), 3)
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Record => self.record(),
            Step::Process => self.process(),
            Step::Wait { days } => self.wait(*days),
            Step::Hold { which } => self.hold(*which, true),
            Step::Release { which } => self.hold(*which, false),
            Step::Retain => self.retain(),
            Step::Killed { step, how_far } => self.retain_until_killed(*step, *how_far),
        }
    }

    fn record(&mut self) {
        let number = self.known.len();
        let path = PathBuf::from(format!("gate/{number}.mp4"));
        let file = self.root.path().join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, format!("footage {number}")).unwrap();
        let closed = ClosedSegment {
            camera: "gate".parse().unwrap(),
            path,
            start: self.now,
            clock: ClockSource::ReceiveTime,
            duration: Duration::from_secs(60),
            stat: FileStat::of(&file.metadata().unwrap()),
        };
        let id = self.catalog.add_recorded(&closed, self.now).unwrap();
        let person = number.is_multiple_of(2);
        let start = self.now;
        self.known.push(Known {
            id,
            start,
            processed: false,
            person,
            held: false,
            may_be_gone: false,
            gone: false,
        });
        // No two begin at once.
        self.now += TimeDelta::minutes(1);
    }

    fn process(&mut self) {
        for lease in self.queue().lease(100, DAY, self.now).unwrap() {
            let known = self.known.iter_mut().find(|known| known.id == lease.segment.id).unwrap();
            known.processed = true;
            let results = results(&lease.segment.path, known.person);
            let file = self.root.path().join(&lease.segment.path);
            std::fs::write(sidecar_of(&file), results.to_json().unwrap()).unwrap();
            self.queue().finish(&lease, &results, self.now).unwrap();
        }
    }

    /// A day at a time, with a sign of life each: a clock that jumps would be doubted.
    fn wait(&mut self, days: u32) {
        for _ in 0..days {
            self.now += TimeDelta::hours(23);
            assert_eq!(self.catalog.note_run(self.now).unwrap(), None);
        }
    }

    fn hold(&mut self, which: usize, held: bool) {
        let now = self.now;
        let Some(known) = self.known.get_mut(which) else { return };
        known.held = held;
        let what = OnHold::Segment(known.id);
        match held {
            true => self.catalog.hold(&what, &Hold { since: now, until: None, reason: None }).unwrap(),
            false => drop(self.catalog.release_hold(&what).unwrap()),
        }
    }

    /// Says, by the settings alone, whether a segment is to go now.
    fn is_to_go(&self, known: &Known) -> bool {
        let has =
            |age: Option<Duration>| age.is_some_and(|age| (self.now - known.start).to_std().unwrap() >= age);
        let of_people = known.person && !self.policy.rules.is_empty();
        let max_age = if of_people { self.policy.rules[0].max_age } else { self.policy.max_age };
        let after = self.policy.after_processing == AfterProcessing::Delete
            && (self.policy.min_age.is_none() || has(self.policy.min_age));
        let goes = if known.processed { has(max_age) || after } else { has(self.policy.max_unprocessed_age) };
        goes && !known.held
    }

    fn retain(&mut self) {
        let pass = self.retainer().pass(self.now, |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!((pass.applied.failed, pass.applied.left_alone, pass.guarded), (0, 0, None));
        let going: Vec<bool> = self.known.iter().map(|known| self.is_to_go(known)).collect();
        for (known, goes) in self.known.iter_mut().zip(going) {
            let state = self.catalog.segment(known.id).unwrap().state;
            known.gone |= goes;
            assert!(!known.gone || state == SegmentState::Deleted, "kept for ever: {known:?}");
            assert!(known.gone || known.may_be_gone || state != SegmentState::Deleted, "lost: {known:?}");
            known.gone |= state == SegmentState::Deleted;
        }
        self.check_places();
    }

    /// Carries a plan out up to a step, and that one in part.
    fn retain_until_killed(&mut self, step: usize, how_far: HowFar) {
        let mut entries = Vec::new();
        let retainer = self.retainer();
        let plan = retainer.plan(self.now, |entry| entries.push(entry.clone())).unwrap();
        entries.retain(|entry| entry.verdict != Verdict::Keep);
        let going: Vec<bool> = self.known.iter().map(|known| self.is_to_go(known)).collect();
        self.known.iter_mut().zip(going).for_each(|(known, goes)| known.may_be_gone |= goes);
        let mut done = 0;
        if step > 0 {
            let until_killed = |_, _: Result<_, &_>| {
                done += 1;
                if done == step { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            retainer.apply(&plan, self.now, until_killed).unwrap();
        }
        if let Some(cut) = entries.get(step) {
            self.cut_short(cut, how_far);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "stands in for the killed process")]
    fn cut_short(&self, entry: &Entry, how_far: HowFar) {
        if matches!(how_far, HowFar::Between) {
            return;
        }
        let to = Path::new("gate/processed").join(entry.file.file_name().unwrap());
        let target = (entry.verdict == Verdict::Move).then_some(&to);
        let intent = if target.is_some() { "move" } else { "delete" };
        let raw = rusqlite::Connection::open(self.catalog.path()).unwrap();
        let values = (intent, target.map(|to| to.to_str().unwrap()), entry.id.0);
        raw.execute("UPDATE segment SET intent = ?1, intent_path = ?2 WHERE id = ?3", values).unwrap();
        let files = [entry.file.clone(), sidecar_of(&entry.file)];
        let count = match how_far {
            HowFar::Intended | HowFar::Between => 0,
            HowFar::FileDone => 1,
            HowFar::AllDone => 2,
        };
        for file in files.iter().take(count).filter(|file| self.root.path().join(file).exists()) {
            let from = self.root.path().join(file);
            match target {
                Some(_) => {
                    std::fs::create_dir_all(self.root.path().join("gate/processed")).unwrap();
                    let to = Path::new("gate/processed").join(file.file_name().unwrap());
                    std::fs::rename(from, self.root.path().join(to)).unwrap();
                }
                None => std::fs::remove_file(from).unwrap(),
            }
        }
    }

    /// Each segment that is there lies at its path with its sidecar, and there is nothing else.
    fn check_places(&self) {
        let mut expected = Vec::new();
        for known in &self.known {
            let segment = self.catalog.segment(known.id).unwrap();
            if segment.state == SegmentState::Deleted {
                continue;
            }
            let file = self.root.path().join(&segment.path);
            assert_eq!(std::fs::read(&file).unwrap(), format!("footage {}", number_of(&file)).into_bytes());
            if known.processed {
                expected.push(sidecar_of(&file));
            }
            expected.push(file);
        }
        let mut found = Vec::new();
        for folder in ["gate", "gate/processed"] {
            let entries = std::fs::read_dir(self.root.path().join(folder)).into_iter().flatten();
            found.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()));
        }
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
        let verifier = Verifier::new(self.catalog.clone(), self.root.clone(), &self.settings);
        assert_eq!(verifier.verify(self.now).unwrap(), []);
        assert!(self.folder.path().exists());
    }
}

fn number_of(file: &Path) -> &str {
    file.file_stem().unwrap().to_str().unwrap()
}

fn results(path: &Path, person: bool) -> Results {
    let segment = SegmentFacts {
        camera: Some("gate".to_owned()),
        file: path.file_name().unwrap().to_str().unwrap().to_owned(),
        start: "2026-11-22T12:00:00.000Z".to_owned(),
        start_source: StartSource::Recorder,
        duration_s: 60.0,
        frames: 600,
        codec: "h264".to_owned(),
        width: 16,
        height: 16,
        sha256: format!("{:0>64}", number_of(path)),
        faults: Vec::new(),
    };
    let profile = Profile {
        id: "p".to_owned(),
        every_nth_frame: 30,
        sampling: "exact".to_owned(),
        views: vec!["original".to_owned()],
        detector: None,
        vision_model: None,
    };
    let object =
        Object { label: "person".to_owned(), score: 0.9, area: [0.1, 0.1, 0.2, 0.2], zones: Vec::new() };
    let objects = if person { vec![object] } else { Vec::new() };
    let view =
        ViewResult { view: "original".to_owned(), objects, caption: None, jpeg: None, description: None };
    let sample =
        Sample { frame: 0, time: "2026-11-22T12:00:00.000Z".to_owned(), gate: None, views: vec![view] };
    Results::new(segment, profile, vec![sample], Vec::new())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_is_lost_that_the_policy_keeps_nor_kept_that_it_drops(
        policy in any_policy(),
        steps in prop::collection::vec(any_step(), 1..25),
    ) {
        let mut life = Life::new(policy);
        steps.iter().for_each(|step| life.take(step));
        life.retain();
    }
}
