//! COCO, the format of detection data sets: images, annotations and categories in one object. Written in two passes
//! over the results, so that it streams; each view of a sampled frame is an image.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use catalog::{Results, SegmentFacts};
use config::{Settings, ViewMode};
use serde_json::json;

use crate::export::Source;

/// Sizes of dewarped views, by camera and view: results do not carry them.
type Sizes = HashMap<(String, String), [u32; 2]>;

pub(crate) fn coco(source: &Source, (settings, out): (&Settings, &mut dyn Write)) -> anyhow::Result<()> {
    let sizes = sizes(settings);
    let labels = source.catalog.labels_seen()?;
    let categories: HashMap<&str, usize> =
        labels.iter().enumerate().map(|(index, label)| (label.as_str(), index + 1)).collect();
    let listed: Vec<_> = labels
        .iter()
        .map(|l| json!({"id": categories[l.as_str()], "name": l, "supercategory": ""}))
        .collect();
    write!(out, "{{\"info\":{},\"licenses\":[],", json!({"description": "made by nightreel"}))?;
    write!(out, "\"categories\":{},\"images\":[", json!(listed))?;
    images(source, (&sizes, out))?;
    write!(out, "],\"annotations\":[")?;
    annotations(source, (&sizes, &categories, out))?;
    Ok(writeln!(out, "]}}")?)
}

fn images(source: &Source, (sizes, out): (&Sizes, &mut dyn Write)) -> anyhow::Result<()> {
    let mut id = 0_u64;
    source.each(|exported, results| {
        for sample in &results.samples {
            for view in &sample.views {
                id += 1;
                let [width, height] = size(results, (&view.view, sizes));
                let image = json!({
                    "id": id,
                    "file_name": file_name(&exported.file, (&view.view, sample.frame)),
                    "width": width,
                    "height": height,
                    "date_captured": sample.time,
                    "camera": results.segment.camera,
                    "file": exported.file,
                    "frame": sample.frame,
                    "view": view.view,
                    "caption": view.caption,
                    "description": view.description,
                });
                write!(out, "{}{image}", comma(id))?;
            }
        }
        Ok(())
    })
}

fn annotations(
    source: &Source,
    (sizes, categories, out): (&Sizes, &HashMap<&str, usize>, &mut dyn Write),
) -> anyhow::Result<()> {
    let (mut image, mut id) = (0_u64, 0_u64);
    source.each(|_, results| {
        for view in results.samples.iter().flat_map(|sample| &sample.views) {
            image += 1;
            let [width, height] = size(results, (&view.view, sizes)).map(f64::from);
            for object in &view.objects {
                id += 1;
                let [x, y, w, h] = object.area.map(f64::from);
                let annotation = json!({
                    "id": id,
                    "image_id": image,
                    // A label that came up between the passes has none.
                    "category_id": categories.get(object.label.as_str()).copied().unwrap_or(0),
                    "bbox": [x * width, y * height, w * width, h * height],
                    "area": w * width * h * height,
                    "iscrowd": 0,
                    "score": object.score,
                });
                write!(out, "{}{annotation}", comma(id))?;
            }
        }
        Ok(())
    })
}

fn comma(number: u64) -> &'static str {
    if number == 1 { "" } else { "," }
}

/// Names the picture as `nightreel frames` does, in a folder per file and view.
fn file_name(file: &str, (view, frame): (&str, u64)) -> String {
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    format!("{stem}/{view}/frame_{frame:06}.jpg")
}

fn size(results: &Results, (view, sizes): (&str, &Sizes)) -> [u32; 2] {
    let SegmentFacts { camera, width, height, .. } = &results.segment;
    let camera = camera.clone().unwrap_or_default();
    sizes.get(&(camera, view.to_owned())).copied().unwrap_or([*width, *height])
}

fn sizes(settings: &Settings) -> Sizes {
    let mut sizes = Sizes::new();
    for camera in &settings.cameras {
        for view in &camera.views {
            let framing = match view.mode {
                ViewMode::Original => continue,
                ViewMode::Perspective(framing) | ViewMode::Quad(framing) | ViewMode::Panorama(framing) => {
                    framing
                }
            };
            sizes.insert((camera.id.to_string(), view.name.clone()), framing.size);
        }
    }
    sizes
}
