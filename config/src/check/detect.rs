//! `[detect]`: what is looked for, and by which model.

use std::path::PathBuf;

use super::{Check, given};
use crate::labels::{self, plain_label};
use crate::raw::RawDetect;
use crate::{Detect, DetectModel, Layout, MOST_INPUT_PX, ModelLabels};

/// Sizes that the shipped model was measured at.
const SHIPPED_PX: [i64; 3] = [320, 416, 640];

/// Told apart from "nothing checked", which an `Option` in an `Option` would blur.
pub(super) enum Detection {
    Off,
    On(Detect),
}

impl From<Detection> for Option<Detect> {
    fn from(detection: Detection) -> Self {
        match detection {
            Detection::Off => None,
            Detection::On(detect) => Some(detect),
        }
    }
}

impl Check<'_> {
    pub(super) fn detect(&mut self, raw: &mut RawDetect) -> Option<Detection> {
        let labels = self.labels("detect.labels", &raw.labels);
        let min_score = self.number("detect.min_score", raw.min_score, 0.0..=1.0);
        let model = self.model(raw);
        let detect = Detect { labels: labels?, min_score: min_score? as f32, model: model? };
        Some(if raw.enabled { Detection::On(detect) } else { Detection::Off })
    }

    fn model(&mut self, raw: &mut RawDetect) -> Option<DetectModel> {
        if raw.model.is_none() {
            self.refuse_given(
                "detect",
                &[
                    ("layout", raw.layout.is_some()),
                    ("model_labels", !raw.model_labels.is_empty()),
                    ("model_labels_file", raw.model_labels_file.is_some()),
                ],
                "without `detect.model`",
            );
        }
        let file = raw.model.as_mut().map(|file| self.file("detect.model", file));
        let layouts =
            [Layout::NanoDet, Layout::Yolox, Layout::Yolov8].map(|layout| (layout.as_str(), layout));
        let layout = raw.layout.as_ref().map(|layout| self.choice("detect.layout", layout, &layouts));
        let input_px = raw.input_px.map(|px| self.input_px(px, raw.model.is_some()));
        let labels = self.model_labels(raw);
        let onnxruntime = raw.onnxruntime.as_mut().map(|file| self.file("detect.onnxruntime", file));
        Some(DetectModel {
            file: given(file)?,
            layout: given(layout)?,
            input_px: given(input_px)?,
            labels: labels?,
            onnxruntime: given(onnxruntime)?,
        })
    }

    fn input_px(&mut self, px: i64, is_own: bool) -> Option<u16> {
        let key = "detect.input_px";
        let most = i64::from(MOST_INPUT_PX);
        match is_own {
            false if !SHIPPED_PX.contains(&px) => {
                self.fault(key, format!("must be 320, 416 or 640 without `detect.model`, but is {px}"))
            }
            true if px % 32 != 0 || !(32..=most).contains(&px) => {
                self.fault(key, format!("must be a multiple of 32 up to {most}, but is {px}"))
            }
            _ => u16::try_from(px).ok(),
        }
    }

    fn model_labels(&mut self, raw: &mut RawDetect) -> Option<ModelLabels> {
        let key = "detect.model_labels";
        let named = &raw.model_labels;
        match &mut raw.model_labels_file {
            Some(_) if !named.is_empty() => {
                self.fault("detect.model_labels_file", format!("and `{key}` say the same thing; keep one"))
            }
            Some(file) => self.file("detect.model_labels_file", file).map(ModelLabels::File),
            None if named.iter().any(|label| label.trim().is_empty()) => {
                self.fault(key, "must not have an empty label")
            }
            None if named.is_empty() => Some(ModelLabels::Coco),
            None => Some(ModelLabels::Named(named.iter().map(|label| plain_label(label)).collect())),
        }
    }

    /// Makes a file's path absolute. Whether it is there is asked when it is needed.
    pub(super) fn file(&mut self, key: &str, file: &mut String) -> Option<PathBuf> {
        let path = self.required(key, Some(file)).and_then(|path| self.folder(key, path))?;
        *file = path.display().to_string();
        Some(path)
    }

    pub(super) fn labels(&mut self, key: &str, labels: &[String]) -> Option<Vec<String>> {
        let labels: Vec<Option<String>> = labels
            .iter()
            .enumerate()
            .map(|(index, label)| self.label(&format!("{key}[{index}]"), label))
            .collect();
        labels.into_iter().collect()
    }

    fn label(&mut self, key: &str, label: &str) -> Option<String> {
        if self.has_own_labels {
            // Known when the model is loaded: what records needs neither it nor a file with its labels.
            return Some(plain_label(label));
        }
        match labels::canonical(label) {
            Ok(known) => Some(known.to_owned()),
            Err(Some(near)) => {
                self.fault(key, format!("the detector knows no `{label}`; did you mean `{near}`?"))
            }
            Err(None) => self.fault(
                key,
                format!("the detector knows no `{label}`; docs/configuration.md lists its 80 labels"),
            ),
        }
    }
}
