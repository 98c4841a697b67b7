//! The views cut out of a camera's pictures.

use super::Check;
use crate::raw::{RawCamera, RawView};
use crate::{Framing, View, ViewMode};

/// More would cost more to look at than any night has time for.
const MOST_VIEWS: usize = 32;

const DEFAULT_MODE: &str = "perspective";
const DEFAULT_HFOV_DEG: f64 = 90.0;
/// Off the axis in the middle of a picture that goes around it: from what is near to just above the horizon.
const DEFAULT_PITCH_AROUND_DEG: f64 = 55.0;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Original,
    Perspective,
    Quad,
    Panorama180,
    Panorama360,
}

const MODES: [(&str, Mode); 5] = [
    ("perspective", Mode::Perspective),
    ("quad", Mode::Quad),
    ("panorama_180", Mode::Panorama180),
    ("panorama_360", Mode::Panorama360),
    ("original", Mode::Original),
];

impl Mode {
    fn default_size(self) -> [i64; 2] {
        match self {
            Self::Original | Self::Perspective => [1280, 720],
            Self::Quad => [1920, 1080],
            Self::Panorama180 => [1920, 720],
            Self::Panorama360 => [2560, 480],
        }
    }
}

/// What the camera's other keys mean for its views.
#[derive(Clone, Copy)]
struct Seat {
    has_lens: bool,
    /// From a ceiling or floor; a view can go around the axis.
    looks_around: bool,
}

impl Check<'_> {
    pub(super) fn views(&mut self, section: &str, raw: &mut RawCamera) -> Option<Vec<View>> {
        let key = format!("{section}.view");
        if raw.view.is_empty() {
            if raw.lens.is_some() {
                return self.fault(
                    &key,
                    "is missing: a lens needs at least one `[[camera.view]]` that says where to look",
                );
            }
            return Some(vec![View { name: "original".to_owned(), mode: ViewMode::Original }]);
        }
        if raw.view.len() > MOST_VIEWS {
            return self.fault(&key, format!("at most {MOST_VIEWS} views, but there are {}", raw.view.len()));
        }
        for index in 0..raw.view.len() {
            let name = &raw.view[index].name;
            if name.is_some() && raw.view[..index].iter().any(|other| other.name == *name) {
                self.faults.add(format!("{key}[{index}].name"), "names another view of this camera already");
            }
        }
        let looks_around = raw.mount.as_deref() != Some("wall");
        let seat = Seat { has_lens: raw.lens.is_some(), looks_around };
        let views: Vec<_> = raw
            .view
            .iter_mut()
            .enumerate()
            .map(|(index, view)| self.view(&format!("{key}[{index}]"), view, seat))
            .collect();
        views.into_iter().collect()
    }

    fn view(&mut self, section: &str, raw: &mut RawView, seat: Seat) -> Option<View> {
        let name_key = format!("{section}.name");
        let name = self.required(&name_key, raw.name.as_deref()).and_then(|name| {
            if is_plain(name) {
                return Some(name.to_owned());
            }
            self.fault(
                &name_key,
                "must be of letters, digits, `-`, `_` and `.`, at most 64, and begin with a letter or digit",
            )
        });
        let mode_key = format!("{section}.mode");
        let text = raw.mode.get_or_insert_with(|| DEFAULT_MODE.to_owned()).clone();
        let mode = self.choice(&mode_key, &text, &MODES)?;
        let mode = match mode {
            Mode::Original => self.original(section, raw),
            _ if !seat.has_lens => self.fault(
                &mode_key,
                format!("`{text}` needs `[camera.lens]`; without a lens, a view can only be `original`"),
            ),
            Mode::Quad | Mode::Panorama360 if !seat.looks_around => self.fault(
                &mode_key,
                format!(
                    "`{text}` goes around the lens's axis: it needs `mount = \"ceiling\"` or `\"floor\"`"
                ),
            ),
            mode => self.framed(section, raw, (mode, seat)),
        };
        Some(View { name: name?, mode: mode? })
    }

    fn original(&mut self, section: &str, raw: &mut RawView) -> Option<ViewMode> {
        let given = [
            ("yaw_deg", raw.yaw_deg.is_some()),
            ("pitch_deg", raw.pitch_deg.is_some()),
            ("roll_deg", raw.roll_deg.is_some()),
            ("hfov_deg", raw.hfov_deg.is_some()),
            ("size", raw.size.is_some()),
        ];
        self.refuse_given(section, &given, "in an `original` view");
        Some(ViewMode::Original)
    }

    fn framed(&mut self, section: &str, raw: &mut RawView, (mode, seat): (Mode, Seat)) -> Option<ViewMode> {
        let key = |name: &str| format!("{section}.{name}");
        let pitch_deg = match mode {
            Mode::Perspective => 0.0,
            _ if seat.looks_around => DEFAULT_PITCH_AROUND_DEG,
            _ => 0.0,
        };
        let yaw_deg = self.number(&key("yaw_deg"), *raw.yaw_deg.get_or_insert(0.0), -360.0..=360.0);
        let pitch_deg =
            self.number(&key("pitch_deg"), *raw.pitch_deg.get_or_insert(pitch_deg), -180.0..=180.0);
        let roll_deg = self.number(&key("roll_deg"), *raw.roll_deg.get_or_insert(0.0), -360.0..=360.0);
        let hfov_deg = self.hfov(&key("hfov_deg"), raw, mode);
        let size =
            self.size(&key("size"), raw.size.get_or_insert_with(|| mode.default_size().to_vec()), mode);
        let framing = Framing {
            yaw_deg: yaw_deg?,
            pitch_deg: pitch_deg?,
            roll_deg: roll_deg?,
            hfov_deg: hfov_deg?,
            size: size?,
        };
        Some(match mode {
            Mode::Quad => ViewMode::Quad(framing),
            Mode::Panorama180 | Mode::Panorama360 => ViewMode::Panorama(framing),
            Mode::Perspective | Mode::Original => ViewMode::Perspective(framing),
        })
    }

    fn hfov(&mut self, key: &str, raw: &mut RawView, mode: Mode) -> Option<f64> {
        let width = match mode {
            Mode::Panorama180 => 180.0,
            Mode::Panorama360 => 360.0,
            _ => {
                let given = *raw.hfov_deg.get_or_insert(DEFAULT_HFOV_DEG);
                return self.number(key, given, 1.0..=150.0);
            }
        };
        match raw.hfov_deg {
            None => Some(width),
            Some(_) => self.fault(key, "has no effect in a panorama, whose mode says how wide it is"),
        }
    }

    fn size(&mut self, key: &str, raw: &[i64], mode: Mode) -> Option<[u32; 2]> {
        // Even, because video holds one value of colour for two pixels; so are the quarters of a quad.
        let (step, kind) = if mode == Mode::Quad { (4, "multiples of 4") } else { (2, "even numbers") };
        let side = |value: i64| {
            if (16..=8192).contains(&value) && value % step == 0 { u32::try_from(value).ok() } else { None }
        };
        match raw {
            [width, height] => side(*width).zip(side(*height)).map(|(width, height)| [width, height]),
            _ => None,
        }
        .or_else(|| self.fault(key, format!("must be `[width, height]`, {kind} from 16 to 8192")))
    }
}

pub(super) fn is_plain(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
