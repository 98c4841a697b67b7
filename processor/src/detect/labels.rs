//! The labels: what the shipped model can tell apart, in the order of its output.

use super::DetectError;

pub(crate) const CLASSES: usize = 80;

/// The classes of COCO.
pub(crate) const LABELS: [&str; CLASSES] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic_light",
    "fire_hydrant",
    "stop_sign",
    "parking_meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports_ball",
    "kite",
    "baseball_bat",
    "baseball_glove",
    "skateboard",
    "surfboard",
    "tennis_racket",
    "bottle",
    "wine_glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot_dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted_plant",
    "bed",
    "dining_table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell_phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy_bear",
    "hair_drier",
    "toothbrush",
];

/// Marks the classes that are asked for: all where no label is named. Labels may be written with blanks and
/// capitals, as in `Traffic light`.
pub(crate) fn wanted_classes(labels: &[String]) -> Result<[bool; CLASSES], DetectError> {
    let mut wanted = [labels.is_empty(); CLASSES];
    for label in labels {
        let written = label.trim().to_lowercase().replace([' ', '-'], "_");
        let class = LABELS.iter().position(|known| *known == written);
        let class = class.ok_or_else(|| unknown(label, &written))?;
        wanted[class] = true;
    }
    Ok(wanted)
}

fn unknown(label: &str, written: &str) -> DetectError {
    let likeness = |known: &&str| strsim::jaro_winkler(written, known);
    let nearest = LABELS.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    DetectError::UnknownLabel { label: label.to_owned(), nearest: nearest.copied().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(labels: &[&str]) -> Vec<&'static str> {
        let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
        let wanted = wanted_classes(&labels).unwrap();
        LABELS.iter().zip(wanted).filter_map(|(&label, wanted)| wanted.then_some(label)).collect()
    }

    #[test]
    fn labels_may_be_written_as_people_write_them() {
        assert_eq!(wanted(&["traffic light", "Person", "hot-dog"]), ["person", "traffic_light", "hot_dog"]);
    }

    #[test]
    fn no_label_asks_for_all() {
        assert_eq!(wanted(&[]).len(), CLASSES);
    }

    #[test]
    fn an_unknown_label_is_answered_with_the_nearest() {
        let error = wanted_classes(&["persn".to_owned()]).unwrap_err();
        assert!(matches!(error, DetectError::UnknownLabel { nearest: "person", .. }), "{error}");
    }
}
