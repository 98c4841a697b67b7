//! The labels that the shipped detector knows: the 80 of COCO.

use crate::reading;

/// As results spell them, in the order in which the model counts them.
pub const COCO_LABELS: [&str; 80] = [
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

/// Returns a label's spelling in results, whatever labels the model has.
pub fn plain_label(label: &str) -> String {
    label.trim().to_lowercase().replace([' ', '-'], "_")
}

/// Returns a label's spelling in results, whether it is written with spaces, hyphens or underscores, in any
/// case; else the nearest.
pub(crate) fn canonical(label: &str) -> Result<&'static str, Option<&'static str>> {
    let plain = plain_label(label);
    COCO_LABELS
        .iter()
        .find(|known| **known == plain)
        .copied()
        .ok_or_else(|| reading::nearest(&plain, COCO_LABELS))
}
