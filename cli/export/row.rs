//! A row: one object in one view of one frame; or a caption without objects. Its fields are docs/results.md's columns.

use catalog::{Exported, Object, Results, Sample, ViewResult};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row<'a> {
    pub(crate) time: &'a str,
    pub(crate) camera: Option<&'a str>,
    pub(crate) file: &'a str,
    pub(crate) frame: u64,
    pub(crate) view: &'a str,
    pub(crate) label: Option<&'a str>,
    pub(crate) score: Option<f32>,
    pub(crate) x: Option<f32>,
    pub(crate) y: Option<f32>,
    pub(crate) width: Option<f32>,
    pub(crate) height: Option<f32>,
    pub(crate) caption: Option<&'a str>,
    pub(crate) profile: &'a str,
    pub(crate) detector: Option<&'a str>,
    pub(crate) vision_model: Option<&'a str>,
    pub(crate) tags: Option<String>,
    pub(crate) described_objects: Option<String>,
    pub(crate) people: Option<u32>,
    pub(crate) notable: Option<bool>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) confidence: Option<f32>,
}

/// Returns the rows of a segment, in the order of the sidecar.
pub(crate) fn rows<'a>(exported: &'a Exported, results: &'a Results) -> impl Iterator<Item = Row<'a>> {
    let views = results.samples.iter().flat_map(|sample| sample.views.iter().map(move |view| (sample, view)));
    views.flat_map(move |(sample, view)| {
        let bare = view.objects.is_empty() && view.caption.is_some();
        let alone = bare.then(|| row((exported, results), (sample, view), None));
        let objects = view.objects.iter();
        objects.map(move |object| row((exported, results), (sample, view), Some(object))).chain(alone)
    })
}

fn row<'a>(
    (exported, results): (&'a Exported, &'a Results),
    (sample, view): (&'a Sample, &'a ViewResult),
    object: Option<&'a Object>,
) -> Row<'a> {
    let said = view.description.as_ref();
    let side = |number: usize| object.map(|object| object.area[number]);
    Row {
        time: &sample.time,
        camera: results.segment.camera.as_deref(),
        file: &exported.file,
        frame: sample.frame,
        view: &view.view,
        label: object.map(|object| object.label.as_str()),
        score: object.map(|object| object.score),
        x: side(0),
        y: side(1),
        width: side(2),
        height: side(3),
        caption: view.caption.as_deref(),
        profile: &results.profile.id,
        detector: results.profile.detector.as_deref(),
        vision_model: results.profile.vision_model.as_deref(),
        tags: said.map(|said| said.tags.join(", ")),
        described_objects: said.map(|said| said.objects.join(", ")),
        people: said.map(|said| said.people),
        notable: said.map(|said| said.notable),
        reason: said.map(|said| said.reason.as_str()),
        confidence: said.map(|said| said.confidence),
    }
}
