//! A store: its URL, and what opens it. Each provider has keys of its own, and those of the others are refused.

use url::Url;

use super::{Check, given};
use crate::credentials::Whereabouts;
use crate::raw::{RawCamera, RawSecret, RawSnapshots, RawStore};
use crate::{AzureLogin, AzurePlace, Bucket, GcsPlace, S3Login, S3Place, Secret, StorePlace};

/// What a storage account of Azure may be called, by its own rules.
const ACCOUNT_LENGTH: std::ops::RangeInclusive<usize> = 3..=24;

/// Whose a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    AnyBucket,
    S3,
    Gcs,
    Azure,
}

impl Check<'_> {
    /// Checks where snapshots go, if there are any.
    pub(super) fn snapshot_store(&mut self, raw: &RawSnapshots, cameras: &[RawCamera]) -> Option<StorePlace> {
        let place = self.store_place(&raw.store());
        if !cameras.iter().any(|camera| camera.snapshot_seconds.is_some()) {
            return self.fault("snapshots", "has no effect: no camera has `snapshot_seconds`");
        }
        place
    }

    pub(super) fn store_place(&mut self, raw: &RawStore<'_>) -> Option<StorePlace> {
        let key = format!("{}.url", raw.section);
        let text = self.required(&key, raw.url)?.trim().to_owned();
        let Ok(url) = Url::parse(&text) else {
            return self.fault(&key, "is no URL, such as `s3://bucket/prefix` or `file:///mnt/cold`");
        };
        match url.scheme() {
            "file" => self.store_folder(&key, &url, raw),
            "s3" => self.s3(&url, raw).map(StorePlace::S3),
            "gs" => self.gcs(&url, raw).map(StorePlace::Gcs),
            "az" => self.azure(&url, raw).map(StorePlace::Azure),
            _ => self.fault(&key, "must begin with `s3://`, `gs://`, `az://` or `file://`"),
        }
    }

    fn store_folder(&mut self, key: &str, url: &Url, raw: &RawStore<'_>) -> Option<StorePlace> {
        self.refuse_keys_but_of(raw, &[], "for a folder");
        match url.to_file_path() {
            Ok(folder) if folder.parent().is_some() => Some(StorePlace::Folder(folder)),
            _ => self.fault(key, "must name a folder with its full path, such as `file:///mnt/cold`"),
        }
    }

    fn s3(&mut self, url: &Url, raw: &RawStore<'_>) -> Option<S3Place> {
        self.refuse_keys_but_of(raw, &[Keys::AnyBucket, Keys::S3], "with `s3://`");
        let bucket = self.bucket(url, raw, "`access_key_id` and one of `secret_access_key_file` and `…_env`");
        let login = self.s3_login(raw);
        let region = raw.region.filter(|region| !region.trim().is_empty()).map(str::to_owned);
        Some(S3Place { bucket: bucket?, region, login: login? })
    }

    /// A secret that cannot be found is a fault of its own kind: then there is no login.
    fn s3_login(&mut self, raw: &RawStore<'_>) -> Option<Option<S3Login>> {
        let secret = self.store_secret(raw, "secret_access_key", raw.secret_access_key);
        match (raw.access_key_id, secret) {
            (Some(access_key_id), Some(secret_access_key)) => {
                Some(Some(S3Login { access_key_id: access_key_id.to_owned(), secret_access_key }))
            }
            (None, Some(_)) => {
                self.fault(&format!("{}.access_key_id", raw.section), "is missing beside the secret key")
            }
            (_, None) => Some(None),
        }
    }

    fn gcs(&mut self, url: &Url, raw: &RawStore<'_>) -> Option<GcsPlace> {
        self.refuse_keys_but_of(raw, &[Keys::AnyBucket, Keys::Gcs], "with `gs://`");
        let bucket = self.bucket(url, raw, "one of `service_account_file` and `service_account_env`");
        let service_account = self.store_secret(raw, "service_account", raw.service_account);
        Some(GcsPlace { bucket: bucket?, service_account })
    }

    fn azure(&mut self, url: &Url, raw: &RawStore<'_>) -> Option<AzurePlace> {
        self.refuse_keys_but_of(raw, &[Keys::AnyBucket, Keys::Azure], "with `az://`");
        let bucket = self.bucket(url, raw, "`account` and one of `account_key_file` and `sas_token_file`");
        let account = self.azure_account(raw);
        let key = self.store_secret(raw, "account_key", raw.account_key);
        let signature = self.store_secret(raw, "sas_token", raw.sas_token);
        let login = match (key, signature) {
            (Some(_), Some(_)) => {
                return self
                    .fault(&format!("{}.sas_token", raw.section), "is given beside `account_key`; keep one");
            }
            (Some(key), None) => Some(AzureLogin::AccountKey(key)),
            (None, Some(signature)) => Some(AzureLogin::SasToken(signature)),
            (None, None) => None,
        };
        Some(AzurePlace { account: account?, bucket: bucket?, login })
    }

    fn azure_account(&mut self, raw: &RawStore<'_>) -> Option<String> {
        let key = format!("{}.account", raw.section);
        let account = self.required(&key, raw.account)?;
        let spelt = account.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !spelt || !ACCOUNT_LENGTH.contains(&account.len()) {
            return self
                .fault(&key, "must be the name of a storage account: 3 to 24 small letters and digits");
        }
        Some(account.to_owned())
    }

    fn bucket(&mut self, url: &Url, raw: &RawStore<'_>, login: &str) -> Option<Bucket> {
        let key = format!("{}.url", raw.section);
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return self.fault(&key, format!("must not carry credentials: use {login}"));
        }
        let Some(name) = url.host_str().filter(|host| !host.is_empty()) else {
            return self.fault(&key, "names no bucket");
        };
        let endpoint = raw.endpoint.map(|text| self.endpoint(raw.section, text, raw.allow_http));
        Some(Bucket {
            name: name.to_owned(),
            prefix: url.path().trim_matches('/').to_owned(),
            endpoint: given(endpoint)?,
            allow_http: raw.allow_http,
        })
    }

    fn endpoint(&mut self, section: &str, text: &str, allow_http: bool) -> Option<String> {
        let key = format!("{section}.endpoint");
        let url = Url::parse(text.trim()).ok().filter(Url::has_host);
        match url.as_ref().map(Url::scheme) {
            Some("https") => Some(text.trim().trim_end_matches('/').to_owned()),
            Some("http") if allow_http => Some(text.trim().trim_end_matches('/').to_owned()),
            Some("http") => self.fault(&key, "has no TLS: set `allow_http = true` if that is meant"),
            _ => self.fault(&key, "must be an address that begins with `https://`"),
        }
    }

    fn store_secret(&mut self, raw: &RawStore<'_>, name: &str, secret: RawSecret<'_>) -> Option<Secret> {
        let key = format!("{}.{name}", raw.section);
        self.secret(&Whereabouts {
            credential: key.clone(),
            key,
            itself: secret.itself,
            file: secret.file,
            variable: secret.variable,
        })
    }

    fn refuse_keys_but_of(&mut self, raw: &RawStore<'_>, of: &[Keys], why: &str) {
        let others: Vec<_> = keys(raw).into_iter().filter(|(whose, ..)| !of.contains(whose)).collect();
        for (_, name, given) in others {
            self.refuse_given(raw.section, &[(name, given)], why);
        }
    }
}

fn keys(raw: &RawStore<'_>) -> [(Keys, &'static str, bool); 16] {
    let RawStore { secret_access_key, account_key, sas_token, service_account, .. } = raw;
    [
        (Keys::AnyBucket, "endpoint", raw.endpoint.is_some()),
        (Keys::AnyBucket, "allow_http", raw.allow_http),
        (Keys::S3, "region", raw.region.is_some()),
        (Keys::S3, "access_key_id", raw.access_key_id.is_some()),
        (Keys::S3, "secret_access_key", secret_access_key.itself.is_some()),
        (Keys::S3, "secret_access_key_file", secret_access_key.file.is_some()),
        (Keys::S3, "secret_access_key_env", secret_access_key.variable.is_some()),
        (Keys::Gcs, "service_account_file", service_account.file.is_some()),
        (Keys::Gcs, "service_account_env", service_account.variable.is_some()),
        (Keys::Azure, "account", raw.account.is_some()),
        (Keys::Azure, "account_key", account_key.itself.is_some()),
        (Keys::Azure, "account_key_file", account_key.file.is_some()),
        (Keys::Azure, "account_key_env", account_key.variable.is_some()),
        (Keys::Azure, "sas_token", sas_token.itself.is_some()),
        (Keys::Azure, "sas_token_file", sas_token.file.is_some()),
        (Keys::Azure, "sas_token_env", sas_token.variable.is_some()),
    ]
}
