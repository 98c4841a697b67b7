//! What a run of processing tells while it works, and the sums it ends with.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use catalog::{Results, Urgency};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// Something a person watching would want to see.
#[derive(Debug)]
pub enum Event<'a> {
    /// So much is waiting, as far as is known.
    Backlog(u64),
    Processed {
        file: PathBuf,
        results: &'a Results,
    },
    /// Done before, under the same profile.
    Skipped {
        file: PathBuf,
    },
    Failed {
        file: PathBuf,
        reason: String,
    },
    /// Put back for later, with the reason.
    GivenBack {
        file: PathBuf,
        reason: String,
    },
    /// Nothing more is begun until then.
    Waiting {
        until: DateTime<Utc>,
        reason: WaitReason,
    },
    /// The window is closed, and work goes on all the same.
    Urgent(Urgency),
}

/// Hears what happens, on the workers' threads.
pub type Tell<'a> = &'a (dyn Fn(&Event<'_>) + Sync);

/// Why nothing more is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    WindowClosed,
    /// By `nightreel pause`.
    Paused,
    CapReached,
    VisionUnavailable,
}

/// The sums of a run; see docs/results.md, `process --json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    pub segments: SegmentTally,
    pub samples: u64,
    pub objects: BTreeMap<String, u64>,
    pub calls: u64,
    pub cost_usd: f64,
    pub failures: Vec<FailureLine>,
    /// Given back in this run, with the reason: not done, not failed either.
    #[serde(skip)]
    pub waiting: BTreeMap<PathBuf, String>,
    /// Requests that were counted: files of the same content share theirs.
    #[serde(skip)]
    counted: HashSet<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SegmentTally {
    pub processed: u64,
    pub skipped: u64,
    pub failed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureLine {
    pub file: String,
    pub reason: String,
}

impl Tally {
    pub fn add(&mut self, event: &Event<'_>) {
        match event {
            Event::Processed { file, results } => {
                self.waiting.remove(file);
                self.add_results(results);
            }
            Event::Skipped { .. } => self.segments.skipped += 1,
            Event::Failed { file, reason } => {
                self.waiting.remove(file);
                self.add_failure(file, reason);
            }
            Event::GivenBack { file, reason } => {
                self.waiting.insert(file.clone(), reason.clone());
            }
            Event::Backlog(_) | Event::Waiting { .. } | Event::Urgent(_) => {}
        }
    }

    /// Counts what was put off as failed: whoever named a file expects its results now.
    pub fn fail_waiting(&mut self) {
        for (file, reason) in std::mem::take(&mut self.waiting) {
            self.add_failure(&file, &reason);
        }
    }

    fn add_failure(&mut self, file: &Path, reason: &str) {
        self.segments.failed += 1;
        self.failures.push(FailureLine { file: file.display().to_string(), reason: reason.to_owned() });
    }

    fn add_results(&mut self, results: &Results) {
        self.segments.processed += 1;
        self.samples += results.samples.len() as u64;
        for object in results.objects() {
            *self.objects.entry(object.label.clone()).or_default() += 1;
        }
        for call in &results.calls {
            if self.counted.insert(call.request_id.clone()) {
                self.calls += 1;
                self.cost_usd += call.cost_usd.unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use catalog::{Call, Object, Profile, Sample, SegmentFacts, StartSource, ViewResult};
    use serde_json::json;

    use super::*;

    fn call(request_id: &str) -> Call {
        Call {
            request_id: request_id.to_owned(),
            model: "gpt-6-luna".to_owned(),
            input_tokens: Some(1),
            output_tokens: Some(1),
            cost_usd: Some(0.25),
            status: "answered".to_owned(),
        }
    }

    fn results(labels: &[&str], calls: Vec<Call>) -> Results {
        let object = |label: &&str| Object {
            label: (*label).to_owned(),
            score: 0.5,
            area: [0.0; 4],
            zones: Vec::new(),
        };
        let objects = labels.iter().map(object).collect();
        let view =
            ViewResult { view: "original".to_owned(), objects, caption: None, description: None, jpeg: None };
        let facts = SegmentFacts {
            camera: None,
            file: "a.mp4".to_owned(),
            start: String::new(),
            start_source: StartSource::Name,
            duration_s: 1.0,
            frames: 1,
            codec: "h264".to_owned(),
            width: 1,
            height: 1,
            sha256: String::new(),
            faults: Vec::new(),
        };
        let profile = Profile {
            id: String::new(),
            every_nth_frame: 30,
            sampling: "exact".to_owned(),
            views: Vec::new(),
            detector: None,
            vision_model: None,
        };
        let sample = Sample { frame: 0, time: String::new(), gate: None, views: vec![view] };
        Results::new(facts, profile, vec![sample], calls)
    }

    #[test]
    fn the_sums_have_the_shape_that_is_documented() {
        let mut tally = Tally::default();
        let first = results(&["person", "person", "car"], vec![call("1")]);
        // Another file of the same content lists the same request.
        let second = results(&["person"], vec![call("1"), call("2")]);
        for (file, results) in [("a.mp4", &first), ("b.mp4", &second)] {
            tally.add(&Event::Processed { file: file.into(), results });
        }
        tally.add(&Event::Skipped { file: "c.mp4".into() });
        tally.add(&Event::Failed { file: "broken.mp4".into(), reason: "no index".to_owned() });
        let expected = json!({
            "segments": {"processed": 2, "skipped": 1, "failed": 1},
            "samples": 2,
            "objects": {"car": 1, "person": 3},
            "calls": 2,
            "cost_usd": 0.5,
            "failures": [{"file": "broken.mp4", "reason": "no index"}],
        });
        assert_eq!(serde_json::to_value(&tally).unwrap(), expected);
    }

    #[test]
    fn what_was_put_off_fails_only_if_it_was_not_done_later() {
        let mut tally = Tally::default();
        for file in ["a.mp4", "b.mp4"] {
            tally.add(&Event::GivenBack { file: file.into(), reason: "later".to_owned() });
        }
        tally.add(&Event::Processed { file: "a.mp4".into(), results: &results(&[], Vec::new()) });
        assert_eq!(tally.segments.failed, 0);
        tally.fail_waiting();
        assert_eq!(tally.failures, [FailureLine { file: "b.mp4".to_owned(), reason: "later".to_owned() }]);
    }
}
