//! Tests of `[detect]`.

use super::{STORAGE, load, refused};
use crate::{DetectModel, Layout, ModelLabels};

#[test]
fn refuses_models_that_make_no_sense() {
    refused(
        STORAGE,
        &[
            (
                "[detect]\ninput_px = 417",
                4,
                "`detect.input_px`: must be 320, 416 or 640 without `detect.model`, but is 417",
            ),
            (
                "[detect]\nmodel = 'm.onnx'\ninput_px = 417",
                5,
                "`detect.input_px`: must be a multiple of 32 up to 2048, but is 417",
            ),
            ("[detect]\nlayout = 'yolox'", 4, "`detect.layout`: has no effect without `detect.model`"),
            (
                "[detect]\nmodel_labels = ['fork lift']",
                4,
                "`detect.model_labels`: has no effect without `detect.model`",
            ),
            (
                "[detect]\nmodel = 'm.onnx'\nlayout = 'yolo'",
                5,
                "`detect.layout`: must be `nanodet` or `yolox` or `yolov8`; did you mean `yolo",
            ),
            (
                "[detect]\nmodel = 'm.onnx'\nmodel_labels = ['a']\nmodel_labels_file = 'b'",
                6,
                "`detect.model_labels_file`: and `detect.model_labels` say the same thing",
            ),
            ("[detect]\nmodel = ''", 4, "`detect.model`: must not be empty"),
            (
                "[detect]\nmodel = 'm'\nmodel_labels = ['a', ' ']",
                5,
                "`detect.model_labels`: must not have an empty",
            ),
            (
                "[detect]\nmodel = 'm'\nlabels = ['forklift']",
                5,
                "`detect.labels[0]`: the detector knows no `forklift`",
            ),
        ],
    );
}

#[test]
fn takes_a_model_of_ones_own_with_its_labels() {
    let own =
        "[detect]\nmodel = '/etc/own.onnx'\nlayout = 'yolov8'\ninput_px = 640\nlabels = ['Fork lift']\n";
    let detect = |labels: &str| load(&format!("{STORAGE}{own}{labels}\n")).unwrap().detect.unwrap();
    let named = detect("model_labels = ['Fork lift', 'person']");
    assert_eq!(named.labels, ["fork_lift"]);
    let expected = DetectModel {
        file: Some("/etc/own.onnx".into()),
        layout: Some(Layout::Yolov8),
        input_px: Some(640),
        labels: ModelLabels::Named(vec!["fork_lift".into(), "person".into()]),
    };
    assert_eq!(named.model, expected);
    let listed = detect("model_labels_file = '/srv/labels.txt'");
    assert_eq!(listed.model.labels, ModelLabels::File("/srv/labels.txt".into()));
}
