//! The gate, the masks and zones of a camera, and what is looked for in its views.

use std::time::Duration;

use super::view::is_plain;
use super::{Check, given};
use crate::raw::{RawCamera, RawGate, RawZone};
use crate::{CameraDetect, Fill, Gate, Mask, Polygon, Reported, Zone};

/// More corners than a pointer in a picture would be clicked for.
const MOST_CORNERS: usize = 1000;

impl Check<'_> {
    /// Returns `Some(None)` where the gate is off.
    pub(super) fn gate(&mut self, raw: &RawGate) -> Option<Option<Gate>> {
        let threshold = self.number("gate.threshold", raw.threshold, 0.1..=255.0);
        let heartbeat = self.whole("gate.heartbeat_seconds", raw.heartbeat_seconds, 1..=86_400);
        let audit_share = self.number("gate.audit_share", raw.audit_share, 0.0..=1.0);
        let gate = Gate {
            threshold: threshold? as f32,
            heartbeat: Duration::from_secs(heartbeat?),
            audit_share: audit_share?,
        };
        Some(raw.enabled.then_some(gate))
    }

    pub(super) fn masks(&mut self, section: &str, raw: &RawCamera) -> Option<Vec<Mask>> {
        let masks: Vec<_> = raw
            .mask
            .iter()
            .enumerate()
            .map(|(index, mask)| {
                let section = format!("{section}.mask[{index}]");
                let fills = [Fill::Black, Fill::Blur].map(|fill| (fill.as_str(), fill));
                let polygon = self.polygon(&format!("{section}.polygon"), &mask.polygon);
                let fill = self.choice(&format!("{section}.fill"), &mask.fill, &fills);
                Some(Mask { polygon: polygon?, fill: fill? })
            })
            .collect();
        masks.into_iter().collect()
    }

    pub(super) fn zones(&mut self, section: &str, raw: &mut RawCamera) -> Option<Vec<Zone>> {
        let views: Vec<String> = match raw.view.as_slice() {
            [] => vec!["original".to_owned()],
            views => views.iter().filter_map(|view| view.name.clone()).collect(),
        };
        let zones: Vec<_> = raw
            .zone
            .iter_mut()
            .enumerate()
            .map(|(index, zone)| self.zone_of(&format!("{section}.zone[{index}]"), zone, &views))
            .collect();
        zones.into_iter().collect()
    }

    fn zone_of(&mut self, section: &str, raw: &mut RawZone, views: &[String]) -> Option<Zone> {
        let name_key = format!("{section}.name");
        let name = self.required(&name_key, raw.name.as_deref()).map(str::to_owned);
        let name = name.and_then(|name| match is_plain(&name) {
            true => Some(name),
            false => self.fault(
                &name_key,
                "must be of letters, digits, `-`, `_` and `.`, at most 64, and begin with a letter or digit",
            ),
        });
        let polygon = self.polygon(&format!("{section}.polygon"), &raw.polygon);
        if raw.view.is_none() {
            raw.view = views.first().cloned();
        }
        let names: Vec<_> = views.iter().map(|view| (view.as_str(), view)).collect();
        // Without a name of a view there is a fault already.
        let view = self.choice(&format!("{section}.view"), raw.view.as_deref()?, &names)?.clone();
        Some(Zone { name: name?, view, polygon: polygon? })
    }

    pub(super) fn camera_detect(&mut self, section: &str, raw: &RawCamera) -> Option<CameraDetect> {
        let section = format!("{section}.detect");
        let key = |name: &str| format!("{section}.{name}");
        if raw.detect.only_in_zones && raw.zone.is_empty() {
            return self.fault(&key("only_in_zones"), "needs at least one `[[camera.zone]]`");
        }
        let labels = raw.detect.labels.as_ref().map(|labels| self.labels(&key("labels"), labels));
        let min_score = raw.detect.min_score.map(|score| self.number(&key("min_score"), score, 0.0..=1.0));
        Some(CameraDetect {
            labels: given(labels)?,
            min_score: given(min_score)?.map(|score| score as f32),
            reported: match raw.detect.only_in_zones {
                true => Reported::OnlyInZones,
                false => Reported::Everywhere,
            },
        })
    }

    fn polygon(&mut self, key: &str, raw: &[Vec<f64>]) -> Option<Polygon> {
        let corner = |corner: &Vec<f64>| match corner[..] {
            [x, y] if (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y) => Some([x, y]),
            _ => None,
        };
        let corners: Option<Polygon> = raw.iter().map(corner).collect();
        corners.filter(|corners| (3..=MOST_CORNERS).contains(&corners.len())).or_else(|| {
            self.fault(
                key,
                "must be a list of at least three corners `[x, y]`, fractions of width and height from 0 to 1",
            )
        })
    }
}
