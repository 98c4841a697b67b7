//! Recall: of the people whom the detector finds in all exact samples, how many are left under other samplings.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use config::{Detect, DetectModel, Sampling};
use nightreel_processor::detect::{DetectError, Detector, Model, Object, Wanted};
use nightreel_processor::video::{Choice, DecodeSummary, Video};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Truth {
    walks: Vec<Walk>,
}

#[derive(Deserialize)]
struct Walk {
    begin: u64,
    end: u64,
    height_px: u32,
    height: f32,
    corners: Vec<[f32; 2]>,
}

/// The objects found in each sample, by its number.
type Found = BTreeMap<u64, Vec<Object>>;

pub(crate) fn run(arguments: &[String]) -> Result<Value, Box<dyn Error>> {
    let [file, rest @ ..] = arguments else { return Err("name a file".into()) };
    let every = rest.first().map_or("30", String::as_str).parse()?;
    let video = Video::open(Path::new(file))?;
    let walks = match std::fs::read(format!("{file}.json")) {
        Ok(bytes) => serde_json::from_slice::<Truth>(&bytes)?.walks,
        Err(_) => Vec::new(),
    };
    let mut found = Found::new();
    let exact = sample(&video, Choice { every, sampling: Sampling::Exact }, Some(&mut found))?;
    let mut lines = vec![compared("exact", &exact, (&exact.0, &found), &walks)];
    for sampling in [Sampling::Activity, Sampling::Keyframes] {
        let chosen = sample(&video, Choice { every, sampling }, None)?;
        lines.push(compared(sampling.as_str(), &chosen, (&exact.0, &found), &walks));
    }
    Ok(json!({ "file": file, "frames": video.probe().frames, "samplings": lines }))
}

/// Gives the numbers of the samples; the detector looks at them where `found` is to be filled.
fn sample(
    video: &Video,
    choice: Choice,
    mut found: Option<&mut Found>,
) -> Result<(Vec<u64>, DecodeSummary), Box<dyn Error>> {
    let mut detector = detector()?;
    let mut samples = video.choose(choice)?;
    let mut numbers = Vec::new();
    for frame in samples.by_ref() {
        let frame = frame?;
        numbers.push(frame.index);
        if let Some(found) = &mut found {
            found.insert(frame.index, detector.detect(&frame.picture()?)?);
        }
    }
    Ok((numbers, samples.summary().clone()))
}

fn compared(
    name: &str,
    (numbers, summary): &(Vec<u64>, DecodeSummary),
    (exact, found): (&[u64], &Found),
    walks: &[Walk],
) -> Value {
    let mut events = [0, 0];
    let mut missed = Vec::new();
    for walk in walks {
        let seen: Vec<u64> =
            exact.iter().copied().filter(|&number| walk.is_found(number, &found[&number])).collect();
        if seen.is_empty() {
            continue; // nor does the detector find this person when all samples are looked at
        }
        events[1] += 1;
        if seen.iter().any(|number| numbers.contains(number)) {
            events[0] += 1;
        } else {
            missed.push(
                json!({ "begin": walk.begin, "end": walk.end, "height_px": walk.height_px, "samples": seen }),
            );
        }
    }
    let with_person: Vec<&u64> =
        found.iter().filter(|(_, objects)| !objects.is_empty()).map(|(number, _)| number).collect();
    let kept = with_person.iter().filter(|number| numbers.contains(number)).count();
    json!({
        "sampling": name,
        "samples": summary.sampled,
        "packets_fed": summary.packets_fed,
        "events": events,
        "samples_with_person": [kept, with_person.len()],
        "walks": walks.len(),
        "missed": missed,
    })
}

impl Walk {
    /// Tells whether an object lies where the person is.
    fn is_found(&self, number: u64, objects: &[Object]) -> bool {
        let Some(index) = number.checked_sub(self.begin) else { return false };
        let Some(&[left, top]) = self.corners.get(index as usize) else { return false };
        let middle = [left + self.height * 0.15, top + self.height / 2.0];
        objects.iter().any(|object| {
            let [x, y, width, height] = object.area;
            let apart = [x + width / 2.0 - middle[0], y + height / 2.0 - middle[1]];
            apart[0].abs() < self.height / 2.0 && apart[1].abs() < self.height / 2.0
        })
    }
}

fn detector() -> Result<Detector, DetectError> {
    let (labels, min_score) = (vec!["person".to_owned()], 0.40);
    let detect = Detect { labels: labels.clone(), min_score, model: DetectModel::default() };
    Detector::new(&Model::open(&detect)?, &Wanted { labels, min_score })
}
