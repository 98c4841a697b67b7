//! The profile: how a camera's segments are looked at, and the id that tells one way from another.

use catalog::{Profile, hex};
use config::{AnswerForm, Sampling, SecondLook, Settings, Vision, Wording};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::detect::{Model, OwnInputs};
use crate::view::Views;
use crate::vision::SCHEMA;
use crate::zones::Filter;

/// Raise it when the same settings begin to give other results.
const VERSION: u32 = 1;

/// Everything that results depend on besides the footage. Its hash is the profile's id.
#[derive(Serialize)]
struct Inputs<'a> {
    version: u32,
    every_nth_frame: u32,
    /// Left out where all samples are looked at, as in profiles from before there was a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling: Option<&'static str>,
    mappings: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<GateInputs>,
    detector: Option<DetectorInputs<'a>>,
    vision: Option<VisionInputs<'a>>,
}

#[derive(Serialize)]
struct GateInputs {
    threshold: f32,
    heartbeat_ms: u128,
    audit_share: f64,
}

#[derive(Serialize)]
struct DetectorInputs<'a> {
    model: &'a str,
    /// Left out of the shipped model, as in profiles from before there was a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<OwnInputs<'a>>,
    #[serde(flatten)]
    filter: &'a Filter,
}

#[derive(Serialize)]
struct VisionInputs<'a> {
    model: &'a str,
    system: Option<&'a str>,
    prompt: &'a str,
    detail: &'static str,
    image_max_px: u32,
    jpeg_quality: u8,
    max_output_tokens: u32,
    /// Left out of plain text, as in profiles from before there was a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'static str>,
    /// Left out where there is one, for the same reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames_per_request: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second_look: Option<bool>,
}

/// Which model looks, and what of it is reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detecting<'a> {
    pub(crate) model: &'a Model,
    pub(crate) filter: &'a Filter,
}

/// Describes how `settings` look at a camera with these views.
pub(crate) fn profile(settings: &Settings, views: &Views, detecting: Option<Detecting<'_>>) -> Profile {
    let every_nth_frame = settings.process.every_nth_frame.get();
    let sampling = settings.process.sampling;
    let inputs = Inputs {
        version: VERSION,
        every_nth_frame,
        sampling: Some(sampling).filter(|&sampling| sampling != Sampling::Exact).map(Sampling::as_str),
        mappings: views.mappings().map(|(_, mapping)| mapping).collect(),
        gate: settings.gate.map(gate_inputs),
        detector: detecting.map(detector_inputs),
        vision: settings.vision.as_ref().map(vision_inputs),
    };
    Profile {
        id: id_of(&inputs),
        every_nth_frame,
        sampling: sampling.as_str().to_owned(),
        views: views.mappings().map(|(name, _)| name.to_owned()).collect(),
        detector: detecting.map(|detecting| detecting.model.id().to_owned()),
        vision_model: settings.vision.as_ref().map(|v| v.model.clone()),
    }
}

fn detector_inputs(Detecting { model, filter }: Detecting<'_>) -> DetectorInputs<'_> {
    DetectorInputs { model: model.id(), own: model.own_inputs(), filter }
}

fn gate_inputs(gate: config::Gate) -> GateInputs {
    GateInputs {
        threshold: gate.threshold,
        heartbeat_ms: gate.heartbeat.as_millis(),
        audit_share: gate.audit_share,
    }
}

fn vision_inputs(vision: &Vision) -> VisionInputs<'_> {
    VisionInputs {
        model: &vision.model,
        system: vision.system.as_ref().map(Wording::as_str),
        prompt: vision.prompt.as_str(),
        detail: vision.detail.as_str(),
        image_max_px: vision.image_max_px,
        jpeg_quality: vision.jpeg_quality,
        max_output_tokens: vision.max_output_tokens,
        schema: (vision.answer == AnswerForm::Json).then_some(SCHEMA),
        frames_per_request: Some(vision.frames_per_request).filter(|&frames| frames > 1),
        second_look: (vision.second_look == SecondLook::WhereAsked).then_some(true),
    }
}

fn id_of(inputs: &Inputs<'_>) -> String {
    let text = serde_json::to_vec(inputs).expect("plain data has a JSON form");
    hex(&Sha256::digest(text)[..8])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use config::{Environment, View, ViewMode};

    use super::*;

    #[test]
    fn each_sampling_is_a_profile_of_its_own() {
        let views = [View { name: "original".to_owned(), mode: ViewMode::Original }];
        let views = Views::new(None, &views).unwrap();
        let environment = Environment::new(".", BTreeMap::new()).unwrap();
        let mut settings = config::defaults(Path::new("/srv"), &environment).unwrap().settings;
        let profiles = [Sampling::Exact, Sampling::Activity, Sampling::Keyframes].map(|sampling| {
            settings.process.sampling = sampling;
            profile(&settings, &views, None)
        });
        assert_eq!(
            profiles.each_ref().map(|profile| profile.sampling.as_str()),
            ["exact", "activity", "keyframes"]
        );
        assert!(profiles[0].id != profiles[1].id && profiles[1].id != profiles[2].id);
    }
}
