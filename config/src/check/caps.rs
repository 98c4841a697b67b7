//! What may be spent in a day: for all cameras in `[vision]`, for one in `[camera.vision]`.

use super::{Check, given};
use crate::raw::{RawCamera, RawCameraVision, RawVision};
use crate::{CameraId, Caps, Usd, Vision};

const MOST_DOLLARS: f64 = 1e6;
const LEAST_DOLLARS: f64 = 1e-6;
const MOST_TOKENS: i64 = 1_000_000_000_000;
const MOST_CALLS: i64 = 10_000_000;

impl Check<'_> {
    pub(super) fn vision_caps(&mut self, raw: &RawVision) -> Option<Caps> {
        self.caps(
            "vision",
            &RawCameraVision {
                max_usd_per_day: raw.max_usd_per_day,
                max_tokens_per_day: raw.max_tokens_per_day,
                max_calls_per_day: Some(raw.max_calls_per_day),
            },
        )
    }

    /// Adds the cameras' own caps, and refuses a model of unknown price where dollars are limited: nobody could
    /// tell when to stop.
    pub(super) fn with_camera_caps(&mut self, vision: Option<Vision>, raw: &[RawCamera]) -> Option<Vision> {
        let caps: Vec<_> = raw
            .iter()
            .enumerate()
            .map(|(index, camera)| self.caps(&format!("camera[{index}].vision"), &camera.vision))
            .collect();
        let mut vision = vision?;
        let unpriced = vision.price().is_none();
        for key in self.dollar_caps(&vision, raw).into_iter().filter(|_| unpriced) {
            let model = &vision.model;
            let text =
                format!("needs the price of `{model}`: add it as a `[[vision.price]]`, or take this key out");
            self.faults.add(key, text);
        }
        for (camera, caps) in raw.iter().zip(caps) {
            let id = camera.id.as_ref().and_then(|id| id.parse::<CameraId>().ok());
            let caps = caps?;
            vision.camera_caps.extend(id.filter(|_| caps != Caps::default()).map(|id| (id, caps)));
        }
        Some(vision)
    }

    fn dollar_caps(&self, vision: &Vision, raw: &[RawCamera]) -> Vec<String> {
        let all = vision.caps.usd.map(|_| "vision.max_usd_per_day".to_owned());
        let cameras = raw.iter().enumerate().filter(|(_, camera)| camera.vision.max_usd_per_day.is_some());
        all.into_iter()
            .chain(cameras.map(|(index, _)| format!("camera[{index}].vision.max_usd_per_day")))
            .collect()
    }

    fn caps(&mut self, section: &str, raw: &RawCameraVision) -> Option<Caps> {
        let key = |name: &str| format!("{section}.{name}");
        let usd = raw.max_usd_per_day.map(|dollars| {
            self.number(&key("max_usd_per_day"), dollars, LEAST_DOLLARS..=MOST_DOLLARS).map(Usd::of_dollars)
        });
        let tokens = raw
            .max_tokens_per_day
            .map(|tokens| self.whole(&key("max_tokens_per_day"), tokens, 1..=MOST_TOKENS));
        let calls =
            raw.max_calls_per_day.map(|calls| self.whole(&key("max_calls_per_day"), calls, 1..=MOST_CALLS));
        Some(Caps { usd: given(usd)?, tokens: given(tokens)?, calls: given(calls)? })
    }
}
