//! Tests of the search: pictures whose circle is known, and pictures that have none.

use config::{Lens, Mount, Projection};
use proptest::prelude::*;

use super::*;
use crate::view::lens::LensModel;
use crate::view::scene;

/// A fisheye picture as a camera makes it.
#[derive(Clone, Copy, Debug)]
struct Shot {
    size: [usize; 2],
    center: [f64; 2],
    radius: f64,
    /// Of the light, one being day.
    exposure: f64,
    /// Luma of the surround.
    pedestal: f64,
    noise: f64,
    /// Pixels over which the rim fades.
    fade_px: f64,
}

const DAY: Shot = Shot {
    size: [960, 960],
    center: [0.507, 0.492],
    radius: 0.471,
    exposure: 1.0,
    pedestal: 3.0,
    noise: 3.0,
    fade_px: 4.0,
};

const NIGHT: Shot = Shot { exposure: 0.22, pedestal: 9.0, noise: 9.0, ..DAY };

impl Shot {
    fn placement(&self) -> Placement {
        Placement::Circle { center: self.center, radius: Some(self.radius) }
    }

    fn take(&self) -> Picture {
        let [width, height] = self.size;
        let placement = Some(self.placement());
        let lens =
            Lens { projection: Projection::Equidistant, fov_deg: 180.0, placement, mount: Mount::Wall };
        let model = LensModel::new(&lens, width, height);
        let mut picture = scene::through_lens(&model, width, height);
        let round = Round {
            center: [self.center[0] * width as f64, self.center[1] * height as f64],
            radius: self.radius * width as f64,
        };
        let mut random = fastrand::Rng::with_seed(7);
        for (index, luma) in picture.y.iter_mut().enumerate() {
            let place = [(index % width) as f64 + 0.5, (index / width) as f64 + 0.5];
            // Fades inwards, as glass does.
            let lit = (-round.beyond(place) / self.fade_px).clamp(0.0, 1.0) * self.exposure;
            let noise = (random.f64() + random.f64() - 1.0) * self.noise;
            *luma = (f64::from(*luma) * lit + self.pedestal + noise).clamp(0.0, 255.0) as u8;
        }
        picture
    }
}

/// Writes what looks like a clock and a name: bright strokes with dark between them.
fn write_text(picture: &mut Picture, [left, top, width, height]: [usize; 4]) {
    for y in top..top + height {
        for x in left..left + width {
            if (x / 5) % 2 == 0 && (y / 7) % 3 != 2 {
                picture.y[y * picture.width + x] = 235;
            }
        }
    }
}

/// Where text stands in a picture of 960 × 960: in all four corners, some of it over the rim.
const TEXTS: [[usize; 4]; 4] =
    [[10, 10, 330, 40], [700, 16, 250, 40], [8, 905, 240, 44], [640, 900, 310, 44]];

fn in_thousandths(found: Option<Placement>, shot: &Shot) -> f64 {
    let Some(Placement::Circle { center, radius: Some(radius) }) = found else {
        panic!("{shot:?}: {found:?}")
    };
    let [width, height] = shot.size.map(|length| length as f64);
    let off =
        [center[0] - shot.center[0], (center[1] - shot.center[1]) * height / width, radius - shot.radius];
    off.into_iter().map(f64::abs).fold(0.0, f64::max) * 1e3
}

fn find(shot: &Shot) -> Option<Placement> {
    find_circle(&[shot.take()]).unwrap()
}

#[test]
fn the_circle_is_found_by_day_and_by_night_whole_or_cut_off() {
    let shots = [
        DAY,
        NIGHT,
        Shot { radius: 0.5, center: [0.5, 0.5], ..DAY },
        // Cut off at top and bottom, as a 16:9 sensor does.
        Shot { size: [1280, 720], center: [0.51, 0.48], radius: 0.36, ..DAY },
        Shot { size: [1280, 720], center: [0.49, 0.52], radius: 0.44, ..NIGHT },
        // Cut off at one side.
        Shot { center: [0.58, 0.5], radius: 0.46, ..DAY },
        Shot { fade_px: 14.0, ..DAY },
        Shot { pedestal: 30.0, ..DAY },
        Shot { size: [1280, 720], center: [0.5, 0.5], radius: 0.25, ..DAY },
    ];
    for shot in shots {
        let off = in_thousandths(find(&shot), &shot);
        // A rim that fades over some pixels can be seen at any of them.
        let most = 2.0 + 0.6e3 * shot.fade_px / shot.size[0] as f64;
        assert!(off < most, "{shot:?}: {off:.2} thousandths off");
    }
}

#[test]
fn text_in_the_corners_does_not_mislead() {
    for shot in [DAY, NIGHT] {
        let mut picture = shot.take();
        TEXTS.into_iter().for_each(|text| write_text(&mut picture, text));
        let off = in_thousandths(find_circle(&[picture]).unwrap(), &shot);
        assert!(off < 4.5, "{shot:?}: {off:.2} thousandths off");
    }
}

#[test]
fn what_is_dark_in_one_picture_is_found_in_another() {
    let bright = DAY.take();
    let dark_half = |is_dark: fn(usize) -> bool| {
        let mut picture = bright.clone();
        for (index, luma) in picture.y.iter_mut().enumerate() {
            if is_dark(index) {
                *luma = 4;
            }
        }
        picture
    };
    let pictures = [dark_half(|index| index % 960 < 520), dark_half(|index| index % 960 > 440)];
    for picture in &pictures {
        assert_eq!(find_circle(std::slice::from_ref(picture)).unwrap(), None);
    }
    let off = in_thousandths(find_circle(&pictures).unwrap(), &DAY);
    assert!(off < 4.5, "{off:.2} thousandths off");
}

#[test]
fn the_same_pictures_give_the_same_circle() {
    assert_eq!(find(&NIGHT), find(&NIGHT));
}

#[test]
fn pictures_without_a_circle_give_none() {
    let mut rectangle = Picture::filled(960, 960, [2, 128, 128]);
    for y in 200..760 {
        rectangle.y[y * 960 + 100..y * 960 + 860].fill(130);
    }
    let mut lamp = Picture::filled(960, 960, [2, 128, 128]);
    for (index, luma) in lamp.y.iter_mut().enumerate() {
        let far = ((index % 960) as f64 - 480.0).hypot((index / 960) as f64 - 480.0);
        *luma = (250.0 * (-far / 150.0).exp()) as u8;
    }
    let cases = [
        ("a plain camera's picture", scene::picture(1280, 720)),
        ("black", Picture::filled(960, 960, [0, 128, 128])),
        ("grey", Picture::filled(960, 960, [90, 128, 128])),
        ("a lens that fills the picture", Shot { radius: 0.8, center: [0.5, 0.5], ..DAY }.take()),
        ("a bright surround", Shot { pedestal: 70.0, ..DAY }.take()),
        ("a rectangle", rectangle),
        ("a lamp in the dark", lamp),
        ("a tiny picture", Picture::filled(40, 40, [9, 128, 128])),
        ("no pixels", Picture::filled(0, 0, [0, 128, 128])),
    ];
    for (what, picture) in cases {
        assert_eq!(find_circle(&[picture]).unwrap(), None, "{what}");
    }
    assert_eq!(find_circle(&[]).unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn wherever_the_circle_is_it_is_found_or_declared_unknown(
        center in [0.42..0.58_f64, 0.42..0.58_f64],
        radius in 0.33..0.55_f64,
        exposure in 0.15..1.0_f64,
    ) {
        let shot = Shot { size: [640, 640], center, radius, exposure, ..DAY };
        let found = find(&shot);
        // All of a circle up to 0.42 is in the picture.
        prop_assert!(found.is_some() || radius > 0.42);
        if found.is_some() {
            let off = in_thousandths(found, &shot);
            prop_assert!(off < 6.0, "{off:.2} thousandths off");
        }
    }
}
