//! What later versions will be able to do: refused by name, so that nobody takes it for a typing error or
//! believes it to be at work.

/// Keys and sections, without the numbers of list entries.
const KEYS: &[&str] = &[
    "cluster",
    "dashboard",
    "camera.keep",
    "camera.retention",
    "camera.rotate_deg",
    "camera.view.interpolation",
    "camera.view.masks",
    "storage.backend",
    "storage.s3",
];

pub(crate) fn is_planned_key(path: &str) -> bool {
    KEYS.contains(&without_numbers(path).as_str())
}

pub(crate) fn cannot_do_yet(what: &str) -> String {
    format!("{what} is planned, and this version cannot do it yet; take it out")
}

fn without_numbers(path: &str) -> String {
    let mut inside = false;
    let outside = |c: &char| {
        let shown = !inside && *c != '[';
        inside = if inside { *c != ']' } else { *c == '[' };
        shown
    };
    path.chars().filter(outside).collect()
}
