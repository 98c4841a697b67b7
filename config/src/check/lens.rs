//! A camera's fisheye lens.

use super::Check;
use crate::raw::{RawCamera, RawLens};
use crate::{Lens, Mount, Projection};

const DEFAULT_MOUNT: &str = "ceiling";

#[derive(Clone, Copy)]
enum Model {
    Equidistant,
    KannalaBrandt,
}

impl Check<'_> {
    /// Returns `Some(None)` for a camera without a lens worth correcting.
    pub(super) fn lens(&mut self, section: &str, raw: &mut RawCamera) -> Option<Option<Lens>> {
        let mounts = [("ceiling", Mount::Ceiling), ("wall", Mount::Wall), ("floor", Mount::Floor)];
        let mount = raw.mount.as_deref().unwrap_or(DEFAULT_MOUNT);
        let mount = self.choice(&format!("{section}.mount"), mount, &mounts);
        let Some(lens) = &raw.lens else {
            if raw.mount.is_some() {
                self.warnings.push(format!("`{section}.mount` has no effect without `[camera.lens]`"));
            }
            return mount.map(|_| None);
        };
        raw.mount.get_or_insert_with(|| DEFAULT_MOUNT.to_owned());
        let section = format!("{section}.lens");
        let fov_deg = self.number(&format!("{section}.fov_deg"), lens.fov_deg, 1.0..=360.0);
        let projection = self.projection(&section, lens);
        let center = self.center(&format!("{section}.center"), &lens.center);
        let radius = match lens.radius {
            Some(radius) => self.number(&format!("{section}.radius"), radius, 0.01..=2.0).map(Some),
            None => Some(None),
        };
        Some(Some(Lens {
            projection: projection?,
            fov_deg: fov_deg?,
            center: center?,
            radius: radius?,
            mount: mount?,
        }))
    }

    fn center(&mut self, key: &str, raw: &[f64]) -> Option<[f64; 2]> {
        match raw {
            [x, y] if (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y) => Some([*x, *y]),
            _ => self.fault(key, "must be `[x, y]`, fractions of width and height from 0 to 1"),
        }
    }

    fn projection(&mut self, section: &str, raw: &RawLens) -> Option<Projection> {
        let choices = [("equidistant", Model::Equidistant), ("kannala_brandt", Model::KannalaBrandt)];
        let model = self.choice(&format!("{section}.projection"), &raw.projection, &choices)?;
        let key = format!("{section}.k");
        match (model, raw.k.as_deref()) {
            (Model::Equidistant, None) => Some(Projection::Equidistant),
            (Model::Equidistant, Some(_)) => {
                self.fault(&key, "has an effect only with `projection = \"kannala_brandt\"`")
            }
            (Model::KannalaBrandt, Some(&[k1, k2, k3, k4])) => {
                self.kannala_brandt(&key, [k1, k2, k3, k4], raw.fov_deg)
            }
            (Model::KannalaBrandt, _) => self.fault(&key, "must be `[k1, k2, k3, k4]`"),
        }
    }

    /// A lens whose picture folds back onto itself cannot be: the angle would not tell the place any more.
    fn kannala_brandt(&mut self, key: &str, k: [f64; 4], fov_deg: f64) -> Option<Projection> {
        if k.iter().any(|value| !value.is_finite() || value.abs() > 1e6) {
            return self.fault(key, "must be four numbers of ordinary size");
        }
        let edge = (fov_deg.clamp(1.0, 360.0) / 2.0) as u32;
        match (1..=edge).find(|degrees| growth(k, f64::from(*degrees).to_radians()) <= 0.0) {
            Some(degrees) => self.fault(
                key,
                format!("makes the picture fold back {degrees} degrees off the axis, within `fov_deg`; wrong calibration?"),
            ),
            None => Some(Projection::KannalaBrandt { k }),
        }
    }
}

/// dr/dθ of r = θ(1 + k1θ² + k2θ⁴ + k3θ⁶ + k4θ⁸).
fn growth([k1, k2, k3, k4]: [f64; 4], angle: f64) -> f64 {
    let square = angle * angle;
    1.0 + square * (3.0 * k1 + square * (5.0 * k2 + square * (7.0 * k3 + square * 9.0 * k4)))
}
