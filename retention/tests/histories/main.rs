//! Random lives of a store: footage comes, is looked at, is put on hold, time passes, and retention is killed wherever
//! it can be. What the policy keeps is never lost, what it drops is never kept, and nothing is in two places or none.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::{
    Catalog, ClockSource, ClosedSegment, FileStat, Hold, MediaFolder, MediaRoot, Object, OnHold, Profile,
    Queue, Results, Sample, SegmentFacts, SegmentId, SegmentState, SqliteQueue, StartSource, Verifier,
    ViewResult, sidecar_of,
};
use chrono::{DateTime, TimeDelta, Utc};
use config::{AfterProcessing, Environment, Retention, RetentionRule, Settings};
use nightreel_retention::{Entry, Retainer, Verdict, measure};
use proptest::prelude::*;

#[cfg(feature = "archive")]
mod cold;

const DAY: Duration = Duration::from_secs(86_400);

/// What a file says it takes: what other programs write meanwhile does not count beside it.
const HUGE: u64 = 1 << 40;

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
    /// The archive is told to end in the middle of what it sends.
    EndSending {
        looks: usize,
    },
    /// So many segments are lacking to a floor, and half a one.
    Press {
        lacking: u64,
    },
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
    number: usize,
    start: DateTime<Utc>,
    processed: bool,
    person: bool,
    held: bool,
    /// Since when the archive has it.
    archived: Option<DateTime<Utc>>,
    /// A pass that was killed may have taken it.
    may_be_gone: bool,
    /// Here, that is.
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
    #[cfg(feature = "archive")]
    cold: cold::Cold,
}

fn any_age() -> impl Strategy<Value = Option<Duration>> {
    prop::option::of((2..9u32).prop_map(|days| DAY * days))
}

/// What follows processing, and from when on it is archived.
fn any_end() -> impl Strategy<Value = (AfterProcessing, Option<Duration>)> {
    use AfterProcessing::{Archive, Delete, Keep, Move};
    let here = prop::sample::select(vec![Keep, Move, Delete]).prop_map(|after| (after, None));
    if cfg!(not(feature = "archive")) {
        return here.boxed();
    }
    let there = (prop::sample::select(vec![Archive, Keep, Move, Delete]), any_age());
    prop_oneof![here, there].boxed()
}

prop_compose! {
    fn any_policy()(
        (after_processing, archive_after) in any_end(),
        delete_after_archive in prop::sample::select(vec![Duration::ZERO, DAY * 3]),
        (max_age, person_age, min_age) in (any_age(), any_age(), any_age()),
        (failed_max_age, max_unprocessed_age) in (any_age(), any_age()),
        protect_unprocessed: bool,
    ) -> Retention {
        let labels = vec!["person".to_owned()];
        let people = RetentionRule { labels, max_age: person_age, ..RetentionRule::default() };
        let rules = if person_age.is_some() { vec![people] } else { Vec::new() };
        Retention {
            after_processing, max_age, min_age, failed_max_age, max_unprocessed_age, rules, protect_unprocessed,
            archive_after, delete_after_archive, ..Retention::default()
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
        1 => (0..6usize).prop_map(|looks| Step::EndSending { looks }),
        1 => (0..3u64).prop_map(|lacking| Step::Press { lacking }),
        3 => (0..4usize, how_far).prop_map(|(step, how_far)| Step::Killed { step, how_far }),
    ]
}

impl Life {
    fn new(policy: Retention) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::new(folder.path(), BTreeMap::new()).unwrap();
        let store = folder.path().join("cold");
        std::fs::create_dir(&store).unwrap();
        let file = folder.path().join("nightreel.toml");
        std::fs::write(
            &file,
            format!("[storage]\nroot = 'media'\n[archive]\nurl = 'file://{}'\n", store.display()),
        )
        .unwrap();
        let settings = config::load(Some(&file), &environment).unwrap().settings;
        let catalog = Catalog::open(&settings.storage.state_dir).unwrap();
        let root = MediaRoot::open(&catalog, &settings.storage.root).unwrap();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        Self {
            #[cfg(feature = "archive")]
            cold: cold::Cold { settings: settings.archive.clone().unwrap(), folder: store },
            folder,
            settings,
            catalog,
            root,
            policy,
            now,
            known: Vec::new(),
        }
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
            Step::Retain => self.retain(None),
            Step::EndSending { looks } => self.retain(Some(*looks)),
            // What is archived is read, and what is to press on a disk is too large for that.
            Step::Press { .. } if self.policy.archives() => {}
            Step::Press { lacking } => self.press(*lacking),
            Step::Killed { step, how_far } => self.retain_until_killed(*step, *how_far),
        }
    }

    fn record(&mut self) {
        let number = self.known.len();
        let path = PathBuf::from(format!("gate/{number}.mp4"));
        let file = self.root.path().join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, content(number)).unwrap();
        if !self.policy.archives() {
            std::fs::File::options().write(true).open(&file).unwrap().set_len(HUGE).unwrap();
        }
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
            number,
            start,
            processed: false,
            person,
            held: false,
            archived: None,
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

    fn has_reached(&self, known: &Known, age: Option<Duration>) -> bool {
        age.is_some_and(|age| (self.now - known.start).to_std().unwrap() >= age)
    }

    /// Says, by the settings alone, whether a segment is to go now.
    fn is_to_go(&self, known: &Known) -> bool {
        let has = |age| self.has_reached(known, age);
        let of_people = known.person && !self.policy.rules.is_empty();
        let max_age = if of_people { self.policy.rules[0].max_age } else { self.policy.max_age };
        let after = self.policy.after_processing == AfterProcessing::Delete
            && (self.policy.min_age.is_none() || has(self.policy.min_age));
        let goes = match known.archived.filter(|_| self.policy.archives()) {
            Some(since) => {
                (self.now - since).to_std().unwrap() >= self.policy.delete_after_archive || has(max_age)
            }
            None if !known.processed => has(self.policy.max_unprocessed_age),
            None => !self.is_due(known) && (has(max_age) || after),
        };
        goes && !known.held
    }

    /// Says, by the settings alone, whether a segment is to be archived now.
    fn is_due(&self, known: &Known) -> bool {
        let Retention { after_processing: after, archive_after, .. } = self.policy;
        let by_rule = match archive_after {
            Some(age) => self.has_reached(known, Some(age)),
            None => after == AfterProcessing::Archive,
        };
        let is_new = known.archived.is_none() && !known.gone;
        by_rule && after != AfterProcessing::Delete && is_new && known.processed && !known.held
    }

    /// The hour is over, and all of it was looked at.
    fn is_ripe(&self, known: &Known) -> bool {
        let hour = |at: DateTime<Utc>| at.timestamp() / 3600;
        let beside = self.known.iter().filter(|other| hour(other.start) == hour(known.start));
        hour(self.now) > hour(known.start) && beside.into_iter().all(|other| other.processed || other.gone)
    }

    fn retain(&mut self, looks: Option<usize>) {
        let going: Vec<bool> = self.known.iter().map(|known| self.is_to_go(known)).collect();
        let sent: Vec<bool> = self
            .known
            .iter()
            .map(|known| looks.is_none() && self.is_due(known) && self.is_ripe(known))
            .collect();
        let pass = self.retainer().pass(self.now, |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!((pass.applied.failed, pass.applied.left_alone, pass.guarded), (0, 0, None));
        #[cfg(feature = "archive")]
        if self.policy.archives() {
            self.cold.send((&self.media(), &self.policy), (&pass.due, self.now), looks);
        }
        self.take_stock(&going);
        for (known, sent) in self.known.iter().zip(sent) {
            assert!(!sent || known.archived.is_some(), "not archived: {known:?}");
        }
    }

    /// Nothing went but what was to go or is in the archive, and what was to go went.
    fn take_stock(&mut self, going: &[bool]) {
        let archived: Vec<bool> = self.known.iter().map(|known| self.is_in_archive(known)).collect();
        for ((known, goes), archived) in self.known.iter_mut().zip(going).zip(archived) {
            let state = self.catalog.segment(known.id).unwrap().state;
            let is_here = !matches!(state, SegmentState::Deleted | SegmentState::Archived);
            assert!(!is_here || !(known.gone || *goes), "kept for ever: {known:?}");
            assert!(is_here || known.gone || known.may_be_gone || *goes || archived, "lost: {known:?}");
            assert!(archived || state != SegmentState::Archived, "not in the archive: {known:?}");
            known.gone = !is_here;
            known.archived = known.archived.or(archived.then_some(self.now));
        }
        self.check_places();
    }

    #[cfg(feature = "archive")]
    fn is_in_archive(&self, known: &Known) -> bool {
        self.policy.archives() && self.cold.holds(&self.catalog, known.id, content(known.number).as_bytes())
    }

    #[cfg(not(feature = "archive"))]
    #[expect(clippy::unused_self, reason = "there is none")]
    fn is_in_archive(&self, _: &Known) -> bool {
        false
    }

    fn media(&self) -> MediaFolder {
        MediaFolder::new(self.catalog.clone(), Some(self.root.clone()))
    }

    /// Retains under a floor that is out of reach by so many segments.
    fn press(&mut self, lacking: u64) {
        self.media().finish_intents().unwrap();
        self.take_stock(&vec![false; self.known.len()]);
        let mut going: Vec<bool> = self.known.iter().map(|known| self.is_to_go(known)).collect();
        let may_go = |known: &Known| known.processed || !self.policy.protect_unprocessed;
        let mut takeable: Vec<usize> = (0..going.len())
            .filter(|&at| {
                !going[at] && !self.known[at].gone && !self.known[at].held && may_go(&self.known[at])
            })
            .collect();
        takeable.sort_by_key(|&at| (!self.known[at].processed, self.known[at].start));
        let freed = going.iter().zip(&self.known).filter(|(goes, known)| **goes && !known.gone).count();
        let wanted = (lacking as usize + 1).saturating_sub(freed);
        takeable.iter().take(wanted).for_each(|&at| going[at] = true);
        let free = measure(self.root.path()).unwrap().free;
        let min_free = Some(free + lacking * HUGE + HUGE / 2);
        let policy = Retention { min_free, ..self.policy.clone() };
        let retainer = Retainer::new(self.catalog.clone(), self.root.clone(), policy);
        let pass = retainer.pass(self.now, |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!((pass.applied.failed, pass.applied.left_alone), (0, 0));
        self.take_stock(&going);
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
            if known.gone || matches!(segment.state, SegmentState::Deleted | SegmentState::Archived) {
                continue;
            }
            let file = self.root.path().join(&segment.path);
            let content = content(known.number);
            let mut begins = vec![0; content.len()];
            std::fs::File::open(&file).unwrap().read_exact(&mut begins).unwrap();
            assert_eq!(begins, content.into_bytes());
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

fn content(number: usize) -> String {
    format!("footage {number}")
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
        life.retain(None);
    }
}
