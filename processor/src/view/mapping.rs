//! The mapping: what a view shows of its camera, as text that goes into the profile and the keys of paid answers.

use std::sync::Arc;

use config::{Framing, Lens, Mount, Placement, Projection, ViewMode};
use serde::Serialize;

/// Counts the changes to the geometry that move pixels, so that an answer bought for one picture is not
/// taken for another's.
const VERSION: u32 = 1;

/// The parts of the settings that decide what a view shows, in a fixed order.
#[derive(Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
enum Mapping {
    Original,
    Perspective(Framed),
    Quad(Framed),
    Panorama(Framed),
}

#[derive(Serialize)]
struct Framed {
    version: u32,
    angles_deg: [f64; 3],
    hfov_deg: f64,
    size: [u32; 2],
    lens: LensMapping,
}

#[derive(Serialize)]
struct LensMapping {
    projection: &'static str,
    k: [f64; 4],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    table: Arc<[[f64; 2]]>,
    fov_deg: f64,
    center: [f64; 2],
    radius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    focal: Option<[f64; 2]>,
    mount: &'static str,
}

/// Describes a view as JSON that stays the same, byte by byte, for the same settings.
pub(super) fn mapping(lens: Option<&Lens>, mode: ViewMode) -> String {
    let framed = |framing: Framing| {
        let Framing { yaw_deg, pitch_deg, roll_deg, hfov_deg, size } = framing;
        let angles_deg = [yaw_deg, pitch_deg, roll_deg];
        lens.map(|lens| Framed { version: VERSION, angles_deg, hfov_deg, size, lens: lens_mapping(lens) })
    };
    let mapping = match mode {
        ViewMode::Original => None,
        ViewMode::Perspective(framing) => framed(framing).map(Mapping::Perspective),
        ViewMode::Quad(framing) => framed(framing).map(Mapping::Quad),
        ViewMode::Panorama(framing) => framed(framing).map(Mapping::Panorama),
    };
    serde_json::to_string(&mapping.unwrap_or(Mapping::Original))
        .expect("a struct of numbers and names is always valid JSON")
}

fn lens_mapping(lens: &Lens) -> LensMapping {
    let (projection, k) = match &lens.projection {
        Projection::Equidistant => ("equidistant", [0.0; 4]),
        Projection::Equisolid => ("equisolid", [0.0; 4]),
        Projection::Orthographic => ("orthographic", [0.0; 4]),
        Projection::Stereographic => ("stereographic", [0.0; 4]),
        Projection::KannalaBrandt { k } => ("kannala_brandt", *k),
        Projection::Table { .. } => ("table", [0.0; 4]),
    };
    let table = match &lens.projection {
        Projection::Table { pairs } => Arc::clone(pairs),
        _ => Arc::default(),
    };
    let (center, radius, focal) = match lens.placement {
        None => ([0.5, 0.5], None, None),
        Some(Placement::Circle { center, radius }) => (center, radius, None),
        Some(Placement::Calibrated { focal, center }) => (center, None, Some(focal)),
    };
    let mount = match lens.mount {
        Mount::Ceiling => "ceiling",
        Mount::Wall => "wall",
        Mount::Floor => "floor",
    };
    LensMapping { projection, k, table, fov_deg: lens.fov_deg, center, radius, focal, mount }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LENS: Lens =
        Lens { projection: Projection::Equidistant, fov_deg: 180.0, placement: None, mount: Mount::Ceiling };

    fn framing(yaw_deg: f64) -> Framing {
        Framing { yaw_deg, pitch_deg: 45.0, roll_deg: 0.0, hfov_deg: 90.0, size: [64, 48] }
    }

    /// These bytes are hashed into stored keys: a change here asks for every paid answer again.
    #[test]
    fn a_mapping_is_stable_text() {
        assert_eq!(
            mapping(Some(&LENS), ViewMode::Perspective(framing(90.0))),
            r#"{"mode":"perspective","version":1,"angles_deg":[90.0,45.0,0.0],"hfov_deg":90.0,"size":[64,48],"lens":{"projection":"equidistant","k":[0.0,0.0,0.0,0.0],"fov_deg":180.0,"center":[0.5,0.5],"radius":null,"mount":"ceiling"}}"#
        );
        assert_eq!(mapping(Some(&LENS), ViewMode::Original), r#"{"mode":"original"}"#);
    }

    #[test]
    fn a_mapping_changes_with_whatever_is_shown() {
        let perspective = ViewMode::Perspective(framing(90.0));
        let views = [
            perspective,
            ViewMode::Perspective(framing(91.0)),
            ViewMode::Quad(framing(90.0)),
            ViewMode::Panorama(framing(90.0)),
        ];
        let circle = |radius| Some(Placement::Circle { center: [0.5, 0.49], radius });
        let lenses = [
            Lens { projection: Projection::Equisolid, ..LENS },
            Lens { projection: Projection::Orthographic, ..LENS },
            Lens { projection: Projection::Stereographic, ..LENS },
            Lens { projection: Projection::KannalaBrandt { k: [0.0; 4] }, ..LENS },
            Lens { projection: Projection::Table { pairs: [[0.0, 0.0], [90.0, 1.0]].into() }, ..LENS },
            Lens { projection: Projection::Table { pairs: [[0.0, 0.0], [95.0, 1.0]].into() }, ..LENS },
            Lens { mount: Mount::Floor, ..LENS },
            Lens { placement: circle(None), ..LENS },
            Lens { placement: circle(Some(0.5)), ..LENS },
            Lens {
                placement: Some(Placement::Calibrated { focal: [0.3, 0.3], center: [0.5, 0.49] }),
                ..LENS
            },
        ];
        let of_views = views.map(|mode| mapping(Some(&LENS), mode));
        let of_lenses = lenses.each_ref().map(|lens| mapping(Some(lens), perspective));
        let all: BTreeSet<_> = of_views.into_iter().chain(of_lenses).collect();
        assert_eq!(all.len(), views.len() + lenses.len());
    }
}
