//! Zones and filters: which of the objects found in a view are reported, and where their foot is.

use catalog::Object;
use config::{Camera, Detect, Polygon, Reported, Zone};
use serde::Serialize;

use crate::detect::{self, Wanted};

/// What is reported of one camera.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Filter {
    /// Empty: all.
    labels: Vec<String>,
    min_score: f32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    zones: Vec<NamedZone>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    only_in_zones: bool,
}

#[derive(Clone, Debug, Serialize)]
struct NamedZone {
    name: String,
    view: String,
    polygon: Polygon,
}

impl Filter {
    pub(crate) fn new(detect: &Detect, camera: Option<&Camera>) -> Self {
        let own = camera.map(|camera| &camera.detect);
        let zone = |zone: &Zone| NamedZone {
            name: zone.name.clone(),
            view: zone.view.clone(),
            polygon: zone.polygon.clone(),
        };
        Self {
            labels: own.and_then(|own| own.labels.clone()).unwrap_or_else(|| detect.labels.clone()),
            min_score: own.and_then(|own| own.min_score).unwrap_or(detect.min_score),
            zones: camera.map_or(Vec::new(), |camera| camera.zones.iter().map(zone).collect()),
            only_in_zones: own.is_some_and(|own| own.reported == Reported::OnlyInZones),
        }
    }

    /// Returns what a detector must look for so that each of these finds its own.
    pub(crate) fn all_of<'a>(filters: impl Iterator<Item = &'a Self> + Clone) -> Wanted {
        let min_score = filters.clone().map(|filter| filter.min_score).fold(1.0, f32::min);
        let mut labels: Vec<String> = Vec::new();
        for filter in filters {
            if filter.labels.is_empty() {
                return Wanted { labels: Vec::new(), min_score };
            }
            labels.extend(filter.labels.iter().cloned());
        }
        labels.sort();
        labels.dedup();
        Wanted { labels, min_score }
    }

    /// Takes what was found in a view, likeliest first.
    pub(crate) fn reported(&self, view: &str, found: Vec<detect::Object>) -> Vec<Object> {
        let is_wanted = |object: &detect::Object| {
            let is_named = self.labels.is_empty() || self.labels.contains(&object.label);
            is_named && object.score >= self.min_score
        };
        let place = |found: detect::Object| Object {
            label: found.label,
            score: found.score,
            area: found.area,
            zones: self.zones_at(view, foot(found.area)),
        };
        let placed = found.into_iter().filter(is_wanted).map(place);
        placed.filter(|object| !self.only_in_zones || !object.zones.is_empty()).collect()
    }

    fn zones_at(&self, view: &str, foot: [f64; 2]) -> Vec<String> {
        let here = self.zones.iter().filter(|zone| zone.view == view && contains(&zone.polygon, foot));
        let mut names: Vec<String> = here.map(|zone| zone.name.clone()).collect();
        names.dedup();
        names
    }
}

/// The middle of a box's lower side: where what is in it stands.
fn foot([x, y, width, height]: [f32; 4]) -> [f64; 2] {
    [f64::from(x + width / 2.0), f64::from(y + height)]
}

/// Tells whether a place is inside a polygon, by counting the edges to its right.
fn contains(polygon: &Polygon, [x, y]: [f64; 2]) -> bool {
    let edges = polygon.iter().zip(polygon.iter().cycle().skip(1));
    // A box that is cut off by the picture's lower edge stands on it, and so does the zone's.
    let y = y.min(1.0 - 1e-6);
    let crosses = |(from, to): &(&[f64; 2], &[f64; 2])| {
        (from[1] <= y) != (to[1] <= y) && x < from[0] + (to[0] - from[0]) * (y - from[1]) / (to[1] - from[1])
    };
    edges.filter(crosses).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use config::{CameraDetect, DetectModel};

    use super::*;

    const LEFT: [[f64; 2]; 4] = [[0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [0.0, 1.0]];

    fn camera(detect: CameraDetect) -> Camera {
        let zone =
            |name: &str, view: &str| Zone { name: name.into(), view: view.into(), polygon: LEFT.into() };
        let zones = vec![zone("door", "original"), zone("path", "original"), zone("yard", "another")];
        Camera { zones, detect, ..Camera::new("gate".parse().unwrap(), None) }
    }

    fn all() -> Detect {
        Detect { labels: Vec::new(), min_score: 0.4, model: DetectModel::default() }
    }

    fn found(label: &str, score: f32, area: [f32; 4]) -> detect::Object {
        detect::Object { label: label.to_owned(), score, area }
    }

    #[test]
    fn an_object_is_where_its_foot_is() {
        let filter = Filter::new(&all(), Some(&camera(CameraDetect::default())));
        let areas = [[0.1, 0.1, 0.2, 0.6], [0.1, 0.1, 0.2, 0.3], [0.6, 0.1, 0.2, 0.6], [0.1, 0.6, 0.2, 0.4]];
        let objects = filter.reported("original", areas.map(|area| found("person", 0.9, area)).to_vec());
        let zones: Vec<_> = objects.iter().map(|object| object.zones.join(" ")).collect();
        assert_eq!(zones, ["door path", "", "", "door path"]);
        let elsewhere = filter.reported("whole", vec![found("person", 0.9, areas[0])]);
        assert!(elsewhere[0].zones.is_empty());
    }

    #[test]
    fn only_what_is_in_a_zone_is_reported_where_that_is_asked_for() {
        let detect = CameraDetect { reported: Reported::OnlyInZones, ..CameraDetect::default() };
        let filter = Filter::new(&all(), Some(&camera(detect)));
        let areas = [[0.1, 0.1, 0.2, 0.6], [0.6, 0.1, 0.2, 0.6]];
        let objects = filter.reported("original", areas.map(|area| found("car", 0.9, area)).to_vec());
        assert_eq!(objects.len(), 1);
        assert_eq!(filter.reported("whole", vec![found("car", 0.9, areas[0])]), []);
    }

    #[test]
    fn a_camera_has_labels_and_a_threshold_of_its_own() {
        let own =
            CameraDetect { labels: Some(vec!["car".into()]), min_score: Some(0.6), ..Default::default() };
        let plain = Filter::new(&Detect { labels: vec!["person".into()], ..all() }, None);
        let filter = Filter::new(&all(), Some(&camera(own)));
        let things = || {
            let area = [0.0, 0.0, 0.1, 0.1];
            vec![found("car", 0.7, area), found("person", 0.7, area), found("car", 0.5, area)]
        };
        assert_eq!(filter.reported("original", things()).len(), 1);
        let Wanted { labels, min_score } = Filter::all_of([&plain, &filter].into_iter());
        assert_eq!((labels, min_score), (vec!["car".to_owned(), "person".to_owned()], 0.4));
        assert!(Filter::all_of([&Filter::new(&all(), None), &filter].into_iter()).labels.is_empty());
    }
}
