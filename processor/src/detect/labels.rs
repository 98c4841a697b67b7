//! The labels: what a model can tell apart, in the order of its output, and which of them are looked for.

use std::fs;

use config::{COCO_LABELS, ModelLabels, plain_label};

use super::DetectError;

/// Returns the labels of a model, as results spell them.
pub(crate) fn labels_of(labels: &ModelLabels) -> Result<Vec<String>, DetectError> {
    match labels {
        ModelLabels::Coco => Ok(COCO_LABELS.map(str::to_owned).to_vec()),
        ModelLabels::Named(labels) => Ok(labels.clone()),
        ModelLabels::File(path) => {
            let text = fs::read_to_string(path)
                .map_err(|source| DetectError::ReadLabels { path: path.clone(), source })?;
            let lines = text.lines().map(str::trim_end);
            let labels: Vec<String> = lines.filter(|line| !line.is_empty()).map(plain_label).collect();
            if labels.is_empty() {
                return Err(DetectError::NoLabels { path: path.clone() });
            }
            Ok(labels)
        }
    }
}

/// Marks the labels that are asked for: all where none is named. Labels may be written with blanks and capitals, as
/// in `Traffic light`.
pub(crate) fn wanted(known: &[String], asked: &[String]) -> Result<Vec<bool>, DetectError> {
    let mut wanted = vec![asked.is_empty(); known.len()];
    for label in asked {
        let written = plain_label(label);
        // A model may have two classes of one label.
        let classes: Vec<usize> = (0..known.len()).filter(|&class| known[class] == written).collect();
        if classes.is_empty() {
            return Err(unknown(label, &written, known));
        }
        for class in classes {
            wanted[class] = true;
        }
    }
    Ok(wanted)
}

fn unknown(label: &str, written: &str, known: &[String]) -> DetectError {
    let likeness = |known: &&String| strsim::jaro_winkler(written, known);
    let nearest = known.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    DetectError::UnknownLabel { label: label.to_owned(), nearest: nearest.cloned().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coco() -> Vec<String> {
        labels_of(&ModelLabels::Coco).unwrap()
    }

    fn wanted_of(labels: &[&str]) -> Vec<String> {
        let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
        let wanted = wanted(&coco(), &labels).unwrap();
        coco().into_iter().zip(wanted).filter_map(|(label, wanted)| wanted.then_some(label)).collect()
    }

    #[test]
    fn labels_may_be_written_as_people_write_them() {
        assert_eq!(
            wanted_of(&["traffic light", "Person", "hot-dog"]),
            ["person", "traffic_light", "hot_dog"]
        );
    }

    #[test]
    fn no_label_asks_for_all() {
        assert_eq!(wanted_of(&[]).len(), 80);
    }

    #[test]
    fn an_unknown_label_is_answered_with_the_nearest() {
        let error = wanted(&coco(), &["persn".to_owned()]).unwrap_err();
        assert!(
            matches!(&error, DetectError::UnknownLabel { nearest, .. } if nearest == "person"),
            "{error}"
        );
    }

    #[test]
    fn a_file_names_a_label_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.txt");
        let read = || labels_of(&ModelLabels::File(path.clone()));
        assert!(matches!(read(), Err(DetectError::ReadLabels { .. })));
        fs::write(&path, "\n\n").unwrap();
        assert!(matches!(read(), Err(DetectError::NoLabels { .. })));
        fs::write(&path, "Fork lift\r\n\nperson\n").unwrap();
        assert_eq!(read().unwrap(), ["fork_lift", "person"]);
    }
}
