//! `[archive]` as written.

use serde::{Deserialize, Serialize};

use crate::Secret;

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawArchive {
    /// `s3://bucket/prefix` or `file:///folder`; required.
    pub(crate) url: Option<String>,
    /// Region of the bucket; default as Amazon's own programs find it.
    pub(crate) region: Option<String>,
    /// Address of another S3 server; default Amazon's.
    pub(crate) endpoint: Option<String>,
    /// Lets the endpoint be one without TLS; default false.
    pub(crate) allow_http: bool,
    /// Name of the key; default as Amazon's own programs find theirs.
    pub(crate) access_key_id: Option<String>,
    /// The key itself; default none. Better one of the next two.
    pub(crate) secret_access_key: Option<Secret>,
    /// File that holds the key; default none.
    pub(crate) secret_access_key_file: Option<String>,
    /// Environment variable that holds the key; default none.
    pub(crate) secret_access_key_env: Option<String>,
    /// Class that objects are stored in, such as `DEEP_ARCHIVE`; default that of the bucket.
    pub(crate) storage_class: Option<String>,
    /// Megabytes (10⁶ bytes) sent at once and held in memory; default 16.
    pub(crate) part_mb: i64,
    /// When bundles are sent, such as `01:00-05:00`; default none, which is always.
    pub(crate) windows: Vec<String>,
    /// Megabits a second that bundles are sent with at most; default none, no limit.
    pub(crate) max_mbit_s: Option<f64>,
    /// Reads every bundle again before a local copy may go; default true but for Amazon and cold classes.
    pub(crate) read_back: Option<bool>,
    /// Days after which a bundle is deleted in the archive; default none, never.
    pub(crate) max_age_days: Option<f64>,
    /// `bulk`, `standard` or `expedited`, how quickly frozen objects are thawed; default `standard`.
    pub(crate) thaw_tier: String,
    /// Days for which a thawed object can be read; default 3.
    pub(crate) thaw_days: i64,
    /// Public keys of `age` that bundles are sealed for; default none, and they are sent as they are.
    pub(crate) recipients: Vec<String>,
    /// File with a secret key of one of them, to open what is sealed; default none.
    pub(crate) identity_file: Option<String>,
    /// What the classes cost; default unknown, and costs are then not told.
    pub(crate) price: Vec<RawStoragePrice>,
}

impl Default for RawArchive {
    fn default() -> Self {
        Self {
            url: None,
            region: None,
            endpoint: None,
            allow_http: false,
            access_key_id: None,
            secret_access_key: None,
            secret_access_key_file: None,
            secret_access_key_env: None,
            storage_class: None,
            part_mb: 16,
            windows: Vec::new(),
            max_mbit_s: None,
            read_back: None,
            max_age_days: None,
            thaw_tier: "standard".to_owned(),
            thaw_days: 3,
            recipients: Vec::new(),
            identity_file: None,
            price: Vec::new(),
        }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawStoragePrice {
    /// Storage class as the store spells it; required.
    pub(crate) class: Option<String>,
    /// US dollars per gigabyte (2³⁰ bytes) and month; required.
    pub(crate) usd_per_gb_month: Option<f64>,
    /// US dollars per thousand requests that store something; required.
    pub(crate) usd_per_1000_puts: Option<f64>,
    /// Days that are billed at least; default 0.
    pub(crate) min_days: i64,
}
