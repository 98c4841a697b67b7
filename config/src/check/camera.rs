//! `[[camera]]`: who it is, and what belongs to it.

use std::time::Duration;

use super::Check;
use crate::raw::RawCamera;
use crate::{Camera, CameraId};

impl Check<'_> {
    pub(super) fn cameras(&mut self, raw: &mut [RawCamera]) -> Option<Vec<Camera>> {
        let cameras: Vec<_> = raw
            .iter_mut()
            .enumerate()
            .map(|(index, camera)| self.camera(&format!("camera[{index}]"), camera))
            .collect();
        for index in 0..raw.len() {
            let taken = raw[index].id.is_some() && raw[..index].iter().any(|other| other.id == raw[index].id);
            if taken {
                self.faults.add(format!("camera[{index}].id"), "names another camera already");
            }
        }
        cameras.into_iter().collect()
    }

    fn camera(&mut self, section: &str, raw: &mut RawCamera) -> Option<Camera> {
        let id_key = format!("{section}.id");
        let id = self.required(&id_key, raw.id.as_deref()).and_then(|id| {
            id.parse::<CameraId>().map_err(|error| self.faults.add(id_key, error.to_string())).ok()
        });
        let source = self.source(section, raw);
        let seconds = self.whole(&format!("{section}.segment_seconds"), raw.segment_seconds, 1..=3600);
        let lens = self.lens(section, raw);
        let views = self.views(section, raw);
        Some(Camera {
            id: id?,
            source: source?,
            segment_length: Duration::from_secs(seconds?),
            audio: raw.audio,
            lens: lens?,
            views: views?,
        })
    }
}
