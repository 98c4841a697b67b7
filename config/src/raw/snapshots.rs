//! `[snapshots]` as written.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// The keys are those of `[archive]` that say which store is meant, and mean the same.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawSnapshots {
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
}
