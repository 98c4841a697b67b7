//! `[[camera]]`: who it is, and what belongs to it.

use std::time::Duration;

use super::Check;
use super::outputs::Surroundings;
use crate::raw::RawCamera;
use crate::{Camera, CameraId};

/// Reads, of a camera, what no other may have too.
type Own = fn(&RawCamera) -> Option<&String>;

const OWN: [(&str, Own, &str); 3] = [
    ("id", |raw| raw.id.as_ref(), "names another camera already"),
    ("republish", |raw| raw.republish.as_ref(), "gets another camera's stream already"),
    ("snapshot_dir", |raw| raw.snapshot_dir.as_ref(), "holds another camera's pictures already"),
];

impl Check<'_> {
    pub(super) fn cameras(&mut self, raw: &mut [RawCamera], around: Surroundings<'_>) -> Option<Vec<Camera>> {
        let cameras: Vec<_> = raw
            .iter_mut()
            .enumerate()
            .map(|(index, camera)| self.camera(&format!("camera[{index}]"), camera, around))
            .collect();
        for (index, camera) in raw.iter().enumerate() {
            for (name, own, text) in OWN {
                if own(camera).is_some() && raw[..index].iter().any(|other| own(other) == own(camera)) {
                    self.faults.add(format!("camera[{index}].{name}"), text);
                }
            }
        }
        cameras.into_iter().collect()
    }

    fn camera(&mut self, section: &str, raw: &mut RawCamera, around: Surroundings<'_>) -> Option<Camera> {
        let id_key = format!("{section}.id");
        let id = self.required(&id_key, raw.id.as_deref()).and_then(|id| {
            id.parse::<CameraId>().map_err(|error| self.faults.add(id_key, error.to_string())).ok()
        });
        let has_url = self.is_given(section, "url", raw.url.is_some());
        let source = self.source(section, raw);
        let seconds = self.whole(&format!("{section}.segment_seconds"), raw.segment_seconds, 1..=3600);
        let outputs = match has_url {
            true => self.outputs(section, raw, around),
            false => Some(self.no_outputs(section, raw)),
        };
        let lens = self.lens(section, raw);
        let views = self.views(section, raw);
        let masks = self.masks(section, raw);
        let zones = self.zones(section, raw);
        let detect = self.camera_detect(section, raw);
        let outputs = outputs?;
        Some(Camera {
            id: id?,
            source: source?,
            segment_length: Duration::from_secs(seconds?),
            audio: raw.audio,
            recording: outputs.recording,
            hls: outputs.hls,
            republish: outputs.republish,
            snapshots: outputs.snapshots,
            lens: lens?,
            views: views?,
            masks: masks?,
            zones: zones?,
            detect: detect?,
        })
    }
}
