//! `[[retention.rule]]` as written.

use serde::{Deserialize, Serialize};

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawRetentionRule {
    /// Cameras it is about; default none named, which is all.
    pub(crate) cameras: Vec<String>,
    /// Labels of which one was seen; default none named, which is whatever was seen.
    pub(crate) labels: Vec<String>,
    /// What scores less does not count as seen; 0 to 1, default 0.
    pub(crate) min_score: Option<f64>,
    /// As in `[retention]`, for these segments; default as there.
    pub(crate) after_processing: Option<String>,
    /// As in `[retention]`, for these segments; default as there.
    pub(crate) max_age_days: Option<f64>,
    /// As in `[retention]`, for these segments; default as there.
    pub(crate) min_age_days: Option<f64>,
    /// Gigabytes (10⁹ bytes) that these segments may take together; default none.
    pub(crate) max_gb: Option<f64>,
    /// Class that these segments are stored in when they are archived; default that of `[archive]`.
    pub(crate) storage_class: Option<String>,
}
