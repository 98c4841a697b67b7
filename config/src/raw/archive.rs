//! `[archive]` as written.

use serde::{Deserialize, Serialize};

use crate::Secret;

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawArchive {
    /// `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or `file:///folder`; required.
    pub(crate) url: Option<String>,
    /// Region of an S3 bucket; default as Amazon's own programs find it.
    pub(crate) region: Option<String>,
    /// Address of another server; default the provider's own.
    pub(crate) endpoint: Option<String>,
    /// Lets the endpoint be one without TLS; default false.
    pub(crate) allow_http: bool,
    /// Name of the key of S3; default as Amazon's own programs find theirs.
    pub(crate) access_key_id: Option<String>,
    /// The key itself; default none. Better one of the next two.
    pub(crate) secret_access_key: Option<Secret>,
    /// File that holds the key; default none.
    pub(crate) secret_access_key_file: Option<String>,
    /// Environment variable that holds the key; default none.
    pub(crate) secret_access_key_env: Option<String>,
    /// File that holds the JSON key of a service account of Google; default as Google's own programs find theirs.
    pub(crate) service_account_file: Option<String>,
    /// Environment variable that holds it; default none.
    pub(crate) service_account_env: Option<String>,
    /// Storage account of Azure that has the container; required with `az://`.
    pub(crate) account: Option<String>,
    /// Key of the account; default as Azure's own programs find theirs. Better one of the next two.
    pub(crate) account_key: Option<Secret>,
    /// File that holds the account's key; default none.
    pub(crate) account_key_file: Option<String>,
    /// Environment variable that holds the account's key; default none.
    pub(crate) account_key_env: Option<String>,
    /// Shared access signature, instead of the account's key; default none. Better one of the next two.
    pub(crate) sas_token: Option<Secret>,
    /// File that holds the signature; default none.
    pub(crate) sas_token_file: Option<String>,
    /// Environment variable that holds the signature; default none.
    pub(crate) sas_token_env: Option<String>,
    /// Class that objects are stored in, such as `DEEP_ARCHIVE`; default that of the bucket.
    pub(crate) storage_class: Option<String>,
    /// Megabytes (10⁶ bytes) sent at once and held in memory; default 16.
    pub(crate) part_mb: i64,
    /// When bundles are sent, such as `01:00-05:00`; default none, which is always.
    pub(crate) windows: Vec<String>,
    /// Megabits a second that bundles are sent with at most; default none, no limit.
    pub(crate) max_mbit_s: Option<f64>,
    /// Reads every bundle again before a local copy may go; default true but for S3 of Amazon and cold classes.
    pub(crate) read_back: Option<bool>,
    /// Days after which a bundle is deleted in the archive; default none, never.
    pub(crate) max_age_days: Option<f64>,
    /// `bulk` (only S3), `standard` or `expedited`, how quickly frozen objects are thawed; default `standard`.
    pub(crate) thaw_tier: String,
    /// Days for which a thawed object of S3 can be read; default 3.
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
            service_account_file: None,
            service_account_env: None,
            account: None,
            account_key: None,
            account_key_file: None,
            account_key_env: None,
            sas_token: None,
            sas_token_file: None,
            sas_token_env: None,
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
