//! A camera's fisheye lens: which way it looks, and how it maps angles to distances.

use super::Check;
use crate::raw::{RawCamera, RawLens};
use crate::{Lens, Mount, Projection};

const DEFAULT_MOUNT: &str = "ceiling";

#[derive(Clone, Copy)]
enum Model {
    Simple(fn() -> Projection),
    KannalaBrandt,
    Table,
}

const MODELS: [(&str, Model); 6] = [
    ("equidistant", Model::Simple(|| Projection::Equidistant)),
    ("equisolid", Model::Simple(|| Projection::Equisolid)),
    ("orthographic", Model::Simple(|| Projection::Orthographic)),
    ("stereographic", Model::Simple(|| Projection::Stereographic)),
    ("kannala_brandt", Model::KannalaBrandt),
    ("table", Model::Table),
];

impl Check<'_> {
    /// Returns `Some(None)` for a camera without a lens worth correcting.
    pub(super) fn lens(&mut self, section: &str, raw: &mut RawCamera) -> Option<Option<Lens>> {
        let mounts = [("ceiling", Mount::Ceiling), ("wall", Mount::Wall), ("floor", Mount::Floor)];
        let mount = raw.mount.as_deref().unwrap_or(DEFAULT_MOUNT);
        let mount = self.choice(&format!("{section}.mount"), mount, &mounts);
        let Some(lens) = &mut raw.lens else {
            if raw.mount.is_some() {
                self.warnings.push(format!("`{section}.mount` has no effect without `[camera.lens]`"));
            }
            return mount.map(|_| None);
        };
        raw.mount.get_or_insert_with(|| DEFAULT_MOUNT.to_owned());
        let section = format!("{section}.lens");
        let fov_deg = self.number(&format!("{section}.fov_deg"), lens.fov_deg, 1.0..=360.0);
        let projection = self.projection(&section, lens);
        let fov_deg = self.field_of(projection.as_ref(), &section, fov_deg);
        let placement = self.placement(&section, lens);
        Some(Some(Lens { projection: projection?, fov_deg: fov_deg?, placement: placement?, mount: mount? }))
    }

    fn projection(&mut self, section: &str, raw: &RawLens) -> Option<Projection> {
        let model = self.choice(&format!("{section}.projection"), &raw.projection, &MODELS)?;
        let key = |name: &str| format!("{section}.{name}");
        if raw.k.is_some() && !matches!(model, Model::KannalaBrandt) {
            return self.fault(&key("k"), "has an effect only with `projection = \"kannala_brandt\"`");
        }
        if raw.table.is_some() && !matches!(model, Model::Table) {
            return self.fault(&key("table"), "has an effect only with `projection = \"table\"`");
        }
        match (model, raw.k.as_deref()) {
            (Model::Simple(projection), _) => Some(projection()),
            (Model::Table, _) => self.lens_table(section, raw),
            (Model::KannalaBrandt, Some(&[k1, k2, k3, k4])) => {
                self.kannala_brandt(&key("k"), [k1, k2, k3, k4], raw.fov_deg)
            }
            (Model::KannalaBrandt, _) => self.fault(&key("k"), "must be `[k1, k2, k3, k4]`"),
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

    /// Refuses a field of view that no such lens can have.
    fn field_of(
        &mut self,
        projection: Option<&Projection>,
        section: &str,
        fov_deg: Option<f64>,
    ) -> Option<f64> {
        let (name, most) = match projection {
            Some(Projection::Orthographic) => ("orthographic", 180.0),
            // At 360 the circle would be infinite
            Some(Projection::Stereographic) => ("stereographic", 340.0),
            _ => return fov_deg,
        };
        if fov_deg? <= most {
            return fov_deg;
        }
        self.fault(
            &format!("{section}.fov_deg"),
            format!("must be at most {most} with `projection = \"{name}\"`"),
        )
    }
}

/// dr/dθ of r = θ(1 + k1θ² + k2θ⁴ + k3θ⁶ + k4θ⁸).
fn growth([k1, k2, k3, k4]: [f64; 4], angle: f64) -> f64 {
    let square = angle * angle;
    1.0 + square * (3.0 * k1 + square * (5.0 * k2 + square * (7.0 * k3 + square * 9.0 * k4)))
}
