//! The lines of `live`: on stdout for each frame, and to the hook for each event that begins.

use std::io;

use catalog::Object;
use chrono::{DateTime, Local};
use processor::{Began, LiveSample, LiveView};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::fcntl_setpipe_size;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::hook::Hook;
use crate::output;

/// The kernel's smallest. In a usual pipe minutes of lines would wait for a slow reader, who wants the newest.
const PIPE_BYTES: usize = 4096;
/// Between two looks whether to go on waiting for a reader.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };

pub(super) struct Lines {
    is_json: bool,
    ending: CancellationToken,
    hook: Hook,
}

/// What the hook is told.
#[derive(Debug, Serialize)]
struct ObjectSeen<'s> {
    event: &'static str,
    camera: Option<&'s str>,
    frame: u64,
    #[serde(flatten)]
    began: &'s Began,
}

impl Lines {
    pub(super) fn new(is_json: bool, ending: CancellationToken, hook: Hook) -> Self {
        // refused by what is no pipe, and by one that is in use
        let _ = fcntl_setpipe_size(io::stdout(), PIPE_BYTES);
        Self { is_json: is_json || !io::IsTerminal::is_terminal(&io::stdout()), ending, hook }
    }

    /// Tells the hook, then waits until stdout takes a line, or the end.
    pub(super) fn tell(&mut self, sample: &LiveSample) -> anyhow::Result<()> {
        for began in &sample.began {
            let (camera, began) = (sample.camera.as_deref(), began);
            self.hook.tell(&ObjectSeen { event: "object_seen", camera, frame: sample.frame, began });
        }
        while !is_read() {
            if self.ending.is_cancelled() {
                return Ok(());
            }
        }
        if self.is_json { output::json(sample) } else { output::line(text(sample)) }
    }
}

/// Waits a moment for stdout to take something; a reader that went away is found out by writing.
fn is_read() -> bool {
    let stdout = io::stdout();
    let mut watched = [PollFd::new(&stdout, PollFlags::OUT)];
    match poll(&mut watched, Some(&TICK)) {
        Ok(ready) => ready > 0,
        Err(error) => error != rustix::io::Errno::INTR,
    }
}

/// Writes a line as people read it: `14:02:31  frame 120  first 23.4  person 0.71 · new: person · 80 ms behind`.
fn text(sample: &LiveSample) -> String {
    let time = DateTime::parse_from_rfc3339(&sample.time).map_or_else(
        |_| sample.time.clone(),
        |time| time.with_timezone(&Local).format("%H:%M:%S").to_string(),
    );
    let gate = sample.gate.map_or_else(String::new, |gate| format!("{} {:.1}", gate.reason, gate.score));
    let mut words = vec![seen_in(sample)];
    if !sample.began.is_empty() {
        let labels: Vec<_> = sample.began.iter().map(|began| began.label.as_str()).collect();
        words.push(format!("new: {}", labels.join(", ")));
    }
    words.push(format!("{} ms behind", sample.lag_ms));
    if sample.dropped > 0 {
        words.push(format!("{} dropped", sample.dropped));
    }
    format!("{time}  frame {:<7} {gate:<15} {}", sample.frame, words.join(" · "))
}

fn seen_in(sample: &LiveSample) -> String {
    let is_alone = sample.views.len() == 1;
    let view = |LiveView { view, objects }: &LiveView| match (is_alone, objects.is_empty()) {
        (_, true) => None,
        (true, false) => Some(list(objects)),
        (false, false) => Some(format!("{view}: {}", list(objects))),
    };
    let seen: Vec<_> = sample.views.iter().filter_map(view).collect();
    match (sample.views.is_empty(), seen.is_empty()) {
        (true, _) => "not looked at".to_owned(),
        (false, true) => "nothing".to_owned(),
        (false, false) => seen.join("; "),
    }
}

/// Names each label once, with how many there are and the best score; likeliest first, as they come.
fn list(objects: &[Object]) -> String {
    let mut labels: Vec<(&Object, usize)> = Vec::new();
    for object in objects {
        match labels.iter_mut().find(|(first, _)| first.label == object.label) {
            Some((_, count)) => *count += 1,
            None => labels.push((object, 1)),
        }
    }
    let word = |(Object { label, score, .. }, count): &(&Object, usize)| match count {
        1 => format!("{label} {score:.2}"),
        _ => format!("{count} × {label} {score:.2}"),
    };
    labels.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use catalog::{Decision, GateReason};

    use super::*;

    fn object(label: &str) -> Object {
        Object { label: label.to_owned(), score: 0.712, area: [0.1, 0.2, 0.3, 0.4], zones: Vec::new() }
    }

    fn sample(views: &[(&str, &[Object])]) -> LiveSample {
        let view = |(name, objects): &(&str, &[Object])| LiveView {
            view: (*name).to_owned(),
            objects: objects.to_vec(),
        };
        let gate = Decision { score: 23.44, kept: true, reason: GateReason::First, missed: None };
        LiveSample {
            time: "2026-11-25T09:00:00.000Z".to_owned(),
            camera: Some("gate".to_owned()),
            frame: 120,
            gate: Some(gate),
            views: views.iter().map(view).collect(),
            began: Vec::new(),
            lag_ms: 80,
            dropped: 3,
        }
    }

    #[test]
    fn lines_read_as_people_write_them() {
        let person = [object("person")];
        let several = [object("person"), object("dog"), object("person")];
        for (views, words) in [
            (&[][..], "not looked at · 80 ms"),
            (&[("original", &[][..])][..], "nothing · "),
            (&[("original", &person[..])][..], "person 0.71 · 80 ms behind · 3 dropped"),
            (&[("original", &several[..])][..], "2 × person 0.71, dog 0.71 · "),
            (&[("left", &person[..]), ("right", &[][..])][..], "left: person 0.71 · "),
        ] {
            let line = text(&sample(views));
            assert!(
                line.contains(words) && line.contains("frame 120 ") && line.contains("first 23.4"),
                "{line}"
            );
        }
    }

    #[test]
    fn the_hook_is_told_in_one_flat_object() {
        let area = [0.1, 0.2, 0.3, 0.4];
        let since = "2026-11-25T09:00:00.000Z".to_owned();
        let began =
            Began { view: "original".to_owned(), label: "person".to_owned(), score: 0.5, area, since };
        let seen = ObjectSeen { event: "object_seen", camera: None, frame: 30, began: &began };
        let told: serde_json::Value = serde_json::to_value(&seen).unwrap();
        assert_eq!(
            (&told["event"], &told["label"], &told["frame"]),
            (&"object_seen".into(), &"person".into(), &30.into())
        );
        assert_eq!(told["box"].as_array().map(Vec::len), Some(4));
    }
}
