//! The views cut out of a camera's pictures.

use super::Check;
use crate::raw::{RawCamera, RawView};
use crate::{View, ViewMode};

/// More would cost more to look at than any night has time for.
const MOST_VIEWS: usize = 32;

const DEFAULT_MODE: &str = "perspective";
const DEFAULT_HFOV_DEG: f64 = 90.0;
const DEFAULT_SIZE: [i64; 2] = [1280, 720];

#[derive(Clone, Copy)]
enum Mode {
    Original,
    Perspective,
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
        let has_lens = raw.lens.is_some();
        let views: Vec<_> = raw
            .view
            .iter_mut()
            .enumerate()
            .map(|(index, view)| self.view(&format!("{key}[{index}]"), view, has_lens))
            .collect();
        views.into_iter().collect()
    }

    fn view(&mut self, section: &str, raw: &mut RawView, has_lens: bool) -> Option<View> {
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
        let modes = [("perspective", Mode::Perspective), ("original", Mode::Original)];
        let mode =
            match self.choice(&mode_key, raw.mode.get_or_insert_with(|| DEFAULT_MODE.to_owned()), &modes)? {
                Mode::Original => self.original(section, raw),
                Mode::Perspective if has_lens => self.perspective(section, raw),
                Mode::Perspective => self.fault(
                    &mode_key,
                    "`perspective` needs `[camera.lens]`; without a lens, a view can only be `original`",
                ),
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

    fn perspective(&mut self, section: &str, raw: &mut RawView) -> Option<ViewMode> {
        let key = |name: &str| format!("{section}.{name}");
        let yaw_deg = self.number(&key("yaw_deg"), *raw.yaw_deg.get_or_insert(0.0), -360.0..=360.0);
        let pitch_deg = self.number(&key("pitch_deg"), *raw.pitch_deg.get_or_insert(0.0), -180.0..=180.0);
        let roll_deg = self.number(&key("roll_deg"), *raw.roll_deg.get_or_insert(0.0), -360.0..=360.0);
        let hfov_deg = *raw.hfov_deg.get_or_insert(DEFAULT_HFOV_DEG);
        let hfov_deg = self.number(&key("hfov_deg"), hfov_deg, 1.0..=150.0);
        let size = self.size(&key("size"), raw.size.get_or_insert_with(|| DEFAULT_SIZE.to_vec()));
        Some(ViewMode::Perspective {
            yaw_deg: yaw_deg?,
            pitch_deg: pitch_deg?,
            roll_deg: roll_deg?,
            hfov_deg: hfov_deg?,
            size: size?,
        })
    }

    fn size(&mut self, key: &str, raw: &[i64]) -> Option<[u32; 2]> {
        // Even, because video holds one value of colour for two pixels.
        let side = |value: i64| {
            if (16..=8192).contains(&value) && value % 2 == 0 { u32::try_from(value).ok() } else { None }
        };
        match raw {
            [width, height] => side(*width).zip(side(*height)).map(|(width, height)| [width, height]),
            _ => None,
        }
        .or_else(|| self.fault(key, "must be `[width, height]`, even numbers from 16 to 8192"))
    }
}

pub(super) fn is_plain(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
