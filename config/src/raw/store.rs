//! The keys of a store, which `[archive]` and whatever else sends to one have in common.

use super::{RawArchive, RawSnapshots};
use crate::Secret;

/// Which store a section means, and what opens it.
pub(crate) struct RawStore<'r> {
    /// Before the names of the keys, such as `archive`.
    pub(crate) section: &'static str,
    pub(crate) url: Option<&'r str>,
    pub(crate) region: Option<&'r str>,
    pub(crate) endpoint: Option<&'r str>,
    pub(crate) allow_http: bool,
    pub(crate) access_key_id: Option<&'r str>,
    pub(crate) secret_access_key: RawSecret<'r>,
    pub(crate) account: Option<&'r str>,
    pub(crate) account_key: RawSecret<'r>,
    pub(crate) sas_token: RawSecret<'r>,
    pub(crate) service_account: RawSecret<'r>,
}

/// The three keys of a secret; at most one is given.
#[derive(Clone, Copy, Default)]
pub(crate) struct RawSecret<'r> {
    pub(crate) itself: Option<&'r Secret>,
    pub(crate) file: Option<&'r str>,
    pub(crate) variable: Option<&'r str>,
}

impl<'r> RawSecret<'r> {
    fn of(itself: &'r Option<Secret>, file: &'r Option<String>, variable: &'r Option<String>) -> Self {
        Self { itself: itself.as_ref(), file: file.as_deref(), variable: variable.as_deref() }
    }
}

impl RawArchive {
    pub(crate) fn store(&self) -> RawStore<'_> {
        let (key_file, key_env) = (&self.secret_access_key_file, &self.secret_access_key_env);
        RawStore {
            section: "archive",
            url: self.url.as_deref(),
            region: self.region.as_deref(),
            endpoint: self.endpoint.as_deref(),
            allow_http: self.allow_http,
            access_key_id: self.access_key_id.as_deref(),
            secret_access_key: RawSecret::of(&self.secret_access_key, key_file, key_env),
            account: self.account.as_deref(),
            account_key: RawSecret::of(&self.account_key, &self.account_key_file, &self.account_key_env),
            sas_token: RawSecret::of(&self.sas_token, &self.sas_token_file, &self.sas_token_env),
            service_account: RawSecret::of(&None, &self.service_account_file, &self.service_account_env),
        }
    }
}

impl RawSnapshots {
    pub(crate) fn store(&self) -> RawStore<'_> {
        let (key_file, key_env) = (&self.secret_access_key_file, &self.secret_access_key_env);
        RawStore {
            section: "snapshots",
            url: self.url.as_deref(),
            region: self.region.as_deref(),
            endpoint: self.endpoint.as_deref(),
            allow_http: self.allow_http,
            access_key_id: self.access_key_id.as_deref(),
            secret_access_key: RawSecret::of(&self.secret_access_key, key_file, key_env),
            account: self.account.as_deref(),
            account_key: RawSecret::of(&self.account_key, &self.account_key_file, &self.account_key_env),
            sas_token: RawSecret::of(&self.sas_token, &self.sas_token_file, &self.sas_token_env),
            service_account: RawSecret::of(&None, &self.service_account_file, &self.service_account_env),
        }
    }
}
