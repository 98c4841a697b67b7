//! The cues: what was seen, as subtitles (WebVTT) that any player shows. They lie beside the file under its stem,
//! `segment_20261122_220000.vtt`, which is the name that players look for.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::{CatalogError, Results, Sample, ViewResult, files};

/// How our cues begin. A person's own subtitles of that name are never touched.
const MARK: &str = "WEBVTT\n\nNOTE nightreel: what was seen in ";

/// Returns the path of a file's cues.
pub fn cues_of(file: &Path) -> PathBuf {
    file.with_extension("vtt")
}

/// Writes the cues of a file, unless somebody else's subtitles are there.
pub fn write(file: &Path, results: &Results) -> Result<(), CatalogError> {
    let cues = cues_of(file);
    if cues.symlink_metadata().is_ok() && !are_ours(file) {
        tracing::debug!(path = %cues.display(), "subtitles of another hand are there already");
        return Ok(());
    }
    files::write_atomically(&cues, text(results).as_bytes())
}

/// Tells whether the cues beside a file are ours, and of a file of this kind: `a.mp4` and `a.mkv` would share theirs.
pub(crate) fn are_ours(file: &Path) -> bool {
    told_name(&cues_of(file)).is_some_and(|name| Path::new(&name).extension() == file.extension())
}

/// Reads in cues of ours which file they are about, by the name it had when it was looked at.
fn told_name(cues: &Path) -> Option<String> {
    let mut head = Vec::new();
    std::fs::File::open(cues).and_then(|f| f.take(4096).read_to_end(&mut head)).ok()?;
    let head = String::from_utf8_lossy(&head);
    head.strip_prefix(MARK)?.lines().next().map(str::to_owned)
}

/// Returns the file that cues of ours are about, beside them; `None` for other subtitles.
pub(crate) fn file_of(cues: &Path) -> Option<PathBuf> {
    let name = told_name(cues)?;
    Some(cues.with_extension(Path::new(&name).extension().unwrap_or_default()))
}

/// Renders results as WebVTT: a cue for each sample in which something was seen, up to the next sample.
pub fn text(results: &Results) -> String {
    let mut text = format!("{MARK}{}\n", results.segment.file.replace(['\r', '\n'], " "));
    let Ok(start) = results.segment.start.parse::<DateTime<Utc>>() else { return text };
    let seconds = |time: &str| {
        time.parse::<DateTime<Utc>>().map_or(0.0, |time| (time - start).as_seconds_f64()).max(0.0)
    };
    let mut cues: Vec<(f64, f64, String)> = Vec::new();
    for (number, sample) in results.samples.iter().enumerate() {
        let from = seconds(&sample.time);
        let next = results.samples.get(number + 1).map(|next| seconds(&next.time));
        let to = next.unwrap_or(results.segment.duration_s).max(from + 0.001);
        let said = said(sample);
        match cues.last_mut() {
            // What stays the same stays on the screen.
            Some((_, end, before)) if *before == said => *end = to,
            _ => cues.push((from, to, said)),
        }
    }
    for (from, to, said) in cues.iter().filter(|(.., said)| !said.is_empty()) {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n{} --> {}\n{said}\n", stamp(*from), stamp(*to));
    }
    text
}

fn said(sample: &Sample) -> String {
    let many = sample.views.len() > 1;
    let lines = sample.views.iter().filter_map(|view| {
        let seen = seen(view);
        let seen = (!seen.is_empty()).then_some(seen)?;
        Some(if many { format!("{}: {seen}", escape(&view.view)) } else { seen })
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn seen(view: &ViewResult) -> String {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for object in &view.objects {
        *counts.entry(&object.label).or_default() += 1;
    }
    let counted = counts.iter().map(|(label, count)| match count {
        1 => escape(label),
        _ => format!("{count} {}", escape(label)),
    });
    let counted = counted.collect::<Vec<_>>().join(", ");
    let caption = view.caption.as_deref().map(escape).unwrap_or_default();
    let notable = view.description.as_ref().filter(|said| said.notable);
    let notable = notable.map(|said| format!("notable: {}", escape(&said.reason))).unwrap_or_default();
    [counted, caption, notable].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// An empty line would end the cue, and `-->` or a tag would begin something else.
fn escape(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    one_line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn stamp(seconds: f64) -> String {
    let millis = (seconds * 1000.0).round() as u64;
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", millis / 1000 % 60, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PROCESSED;
    use crate::fixture::{Store, noon, results};

    #[test]
    fn cues_say_what_each_sample_shows_until_the_next() {
        let store = Store::new();
        let id = store.add("gate/a.mp4", "a");
        let mut results = results(&store.segment(id));
        results.samples[1].views[1].caption = Some("<b>now\n\n& then --></b>".to_owned());
        let expected = "WEBVTT\n\nNOTE nightreel: what was seen in a.mp4\n\n\
            00:00:00.000 --> 00:00:03.000\nsouth: 2 person · two people\n\n\
            00:00:03.000 --> 00:00:59.900\nsouth: car\nnorth: &lt;b&gt;now &amp; then --&gt;&lt;/b&gt;\n";
        assert_eq!(text(&results), expected);
    }

    #[test]
    fn cues_move_and_go_with_their_file_and_other_subtitles_do_not() {
        let store = Store::new();
        for (camera, theirs) in [("gate", false), ("yard", true)] {
            let id = store.add_processed(&format!("{camera}/a.mp4"), camera);
            let (cues, moved) = (format!("{camera}/a.vtt"), format!("{camera}/processed/a.vtt"));
            if theirs {
                store.write(&cues, "WEBVTT\n\nmine");
            }
            let file = store.path(&format!("{camera}/a.mp4"));
            write(&file, &results(&store.segment(id))).unwrap();
            write(&file.with_extension("mkv"), &results(&store.segment(id))).unwrap();
            assert_eq!(store.read(&cues).unwrap().contains("nightreel"), !theirs);
            store.media().move_into(id, Some(PROCESSED)).unwrap();
            assert_eq!((store.read(&cues).is_some(), store.read(&moved).is_some()), (theirs, !theirs));
            store.media().delete(id).unwrap();
            assert_eq!((store.read(&cues).is_some(), store.read(&moved).is_some()), (theirs, false));
            assert!(store.catalog.events(&crate::EventFilter::default()).unwrap().len() >= 2, "kept");
        }
        let _ = noon();
    }
}
