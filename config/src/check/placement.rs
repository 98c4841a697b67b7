//! Where a fisheye lens draws: a circle, or what a calibration measured.

use std::ops::RangeInclusive;

use super::Check;
use crate::Placement;
use crate::raw::RawLens;

/// Of a focal length, and of a place where the size of the picture is wrong.
const MOST_PX: f64 = 1e6;

const TOGETHER: &str = "is missing: `fx`, `fy`, `cx`, `cy` and `calibration_size` go together";

const DEFAULT_CENTER: [f64; 2] = [0.5, 0.5];

impl Check<'_> {
    /// Returns `Some(None)` for a circle that is to be looked for.
    pub(super) fn placement(&mut self, section: &str, raw: &mut RawLens) -> Option<Option<Placement>> {
        if is_calibrated(self, section, raw) {
            return self.calibrated(section, raw).map(Some);
        }
        if !self.is_given(section, "center", raw.center.is_some())
            && !self.is_given(section, "radius", raw.radius.is_some())
        {
            return Some(None);
        }
        let center = raw.center.get_or_insert_with(|| DEFAULT_CENTER.to_vec());
        let center = self.center(&format!("{section}.center"), center);
        let radius = match raw.radius {
            Some(radius) => self.number(&format!("{section}.radius"), radius, 0.01..=2.0).map(Some),
            None => Some(None),
        };
        Some(Some(Placement::Circle { center: center?, radius: radius? }))
    }

    fn center(&mut self, key: &str, raw: &[f64]) -> Option<[f64; 2]> {
        match raw {
            [x, y] if (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y) => Some([*x, *y]),
            _ => self.fault(key, "must be `[x, y]`, fractions of width and height from 0 to 1"),
        }
    }

    fn calibrated(&mut self, section: &str, raw: &RawLens) -> Option<Placement> {
        let why = "beside a calibration: take it out, or `fx`, `fy`, `cx`, `cy` and `calibration_size`";
        let circle = [("center", raw.center.is_some()), ("radius", raw.radius.is_some())];
        self.refuse_given(section, &circle, why);
        if raw.projection != "kannala_brandt" {
            let key = format!("{section}.projection");
            return self.fault(&key, "must be `kannala_brandt` where a calibration is given");
        }
        let size = self.calibration_size(section, raw.calibration_size.as_deref());
        let [width, height] = size.unwrap_or([MOST_PX; 2]);
        let key = |name: &str| format!("{section}.{name}");
        let focal = [("fx", raw.fx), ("fy", raw.fy)];
        let [fx, fy] = focal.map(|(name, value)| self.measured(&key(name), value, 1.0..=MOST_PX));
        let cx = self.measured(&key("cx"), raw.cx, 0.0..=width);
        let cy = self.measured(&key("cy"), raw.cy, 0.0..=height);
        let focal = [fx? / width, fy? / height];
        // OpenCV counts from the middle of the first pixel, we from its corner.
        let center = [(cx? + 0.5) / width, (cy? + 0.5) / height];
        size.filter(|_| circle.iter().all(|(_, given)| !given))?;
        Some(Placement::Calibrated { focal, center })
    }

    fn measured(&mut self, key: &str, value: Option<f64>, range: RangeInclusive<f64>) -> Option<f64> {
        match value {
            Some(value) => self.number(key, value, range),
            None => self.fault(key, TOGETHER),
        }
    }

    fn calibration_size(&mut self, section: &str, raw: Option<&[i64]>) -> Option<[f64; 2]> {
        let key = format!("{section}.calibration_size");
        match raw {
            None => self.fault(&key, TOGETHER),
            Some(&[width, height]) if (16..=65536).contains(&width) && (16..=65536).contains(&height) => {
                Some([width as f64, height as f64])
            }
            Some(_) => self.fault(&key, "must be `[width, height]` in pixels, from 16 to 65536"),
        }
    }
}

fn is_calibrated(check: &Check<'_>, section: &str, raw: &RawLens) -> bool {
    let given = [
        ("fx", raw.fx.is_some()),
        ("fy", raw.fy.is_some()),
        ("cx", raw.cx.is_some()),
        ("cy", raw.cy.is_some()),
        ("calibration_size", raw.calibration_size.is_some()),
    ];
    given.iter().any(|(name, given)| check.is_given(section, name, *given))
}
