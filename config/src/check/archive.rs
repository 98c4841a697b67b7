//! `[archive]`: the store of the bundles, and what belongs to it.

use chrono_tz::Tz;
use url::Url;

use super::sections::SECONDS_PER_DAY;
use super::{Check, given};
use crate::credentials::Whereabouts;
use crate::raw::{RawArchive, RawRetention, RawRetentionRule, RawStoragePrice};
use crate::{Archive, ArchivePlace, Retention, S3Login, S3Place, StoragePrice, Thaw, ThawTier, Windows};

const BYTES_PER_MB: usize = 1_000_000;
const BYTES_PER_MBIT: f64 = 1e6 / 8.0;

/// Classes that charge nothing for what is read.
const READ_FOR_NOTHING: [&str; 2] = ["STANDARD", "INTELLIGENT_TIERING"];

const TO_WHERE: &str = "needs the section `[archive]`, which says where to";

impl Check<'_> {
    pub(super) fn archive(&mut self, raw: &mut RawArchive, zone: Tz) -> Option<Archive> {
        let place = self.archive_place(raw);
        let class = self.storage_class(raw);
        let part: Option<usize> = self.whole("archive.part_mb", raw.part_mb, 6..=1000);
        let windows = Windows::parse(zone, &raw.windows)
            .map_err(|error| self.faults.add("archive.windows", error.to_string()))
            .ok();
        let mbit = raw.max_mbit_s.map(|mbit| self.number("archive.max_mbit_s", mbit, 0.01..=1e6));
        let max_age = self.days("archive.max_age_days", raw.max_age_days);
        let thaw = self.thaw(raw);
        let prices = self.storage_prices(&raw.price);
        let recipients = self.recipients(&raw.recipients);
        let identity_file = self.identity_file(raw.identity_file.as_deref());
        let storage_class = class?;
        let place = place?;
        let costs_nothing = reads_for_nothing(&place, storage_class.as_deref());
        let archive = Archive {
            place,
            storage_class,
            part: part? * BYTES_PER_MB,
            windows: windows?,
            max_bytes_per_second: given(mbit)?.map(|mbit| (mbit * BYTES_PER_MBIT) as u64),
            read_back: *raw.read_back.get_or_insert(costs_nothing),
            thaw: thaw?,
            max_age: max_age?,
            prices: prices?,
            recipients: recipients?,
            identity_file: identity_file?,
        };
        if archive.read_back && archive.is_frozen() {
            return self.fault("archive.read_back", "cannot be: what is in this class must be thawed first");
        }
        Some(archive)
    }

    /// Warns of what is billed for longer than it is kept.
    pub(super) fn billed_longer(&mut self, archive: &Archive, retention: &Retention) {
        let Some(max_age) = archive.max_age else { return };
        let kept = max_age.saturating_sub(retention.archive_after.unwrap_or_default());
        let (days, least) = (kept.as_secs_f64() / SECONDS_PER_DAY, archive.min_days());
        if days < f64::from(least) {
            self.warnings.push(format!(
                "`archive.max_age_days` deletes bundles after {days:.0} days in the archive, and `{}` bills {least}",
                archive.storage_class.as_deref().unwrap_or("STANDARD")
            ));
        }
    }

    /// Refuses rules that archive where there is no archive.
    pub(super) fn archive_for(&mut self, retention: &RawRetention, is_there: bool) {
        let keys = [
            ("after_processing", retention.after_processing == "archive"),
            ("archive_after_days", retention.archive_after_days.is_some()),
            ("delete_after_archive_days", retention.delete_after_archive_days.is_some()),
            ("keep_restored_days", retention.keep_restored_days.is_some()),
        ];
        for (name, _) in keys.iter().filter(|(_, given)| *given && !is_there) {
            self.faults.add(format!("retention.{name}"), TO_WHERE);
        }
        let by_rule = |rule: &RawRetentionRule| rule.after_processing.as_deref() == Some("archive");
        for (index, _) in retention.rule.iter().enumerate().filter(|(_, rule)| by_rule(rule) && !is_there) {
            self.faults.add(format!("retention.rule[{index}].after_processing"), TO_WHERE);
        }
    }

    fn archive_place(&mut self, raw: &mut RawArchive) -> Option<ArchivePlace> {
        let key = "archive.url";
        let text = self.required(key, raw.url.as_deref())?.trim().to_owned();
        let Ok(url) = Url::parse(&text) else {
            return self.fault(key, "is no URL, such as `s3://bucket/prefix` or `file:///mnt/cold`");
        };
        match url.scheme() {
            "file" => self.archive_folder(key, &url, raw),
            "s3" => self.bucket(key, &url, raw).map(ArchivePlace::S3),
            _ => self.fault(key, "must begin with `s3://` or `file://`"),
        }
    }

    fn archive_folder(&mut self, key: &str, url: &Url, raw: &RawArchive) -> Option<ArchivePlace> {
        self.refuse_given("archive", &s3_keys(raw), "for a folder");
        match url.to_file_path() {
            Ok(folder) if folder.parent().is_some() => Some(ArchivePlace::Folder(folder)),
            _ => self.fault(key, "must name a folder with its full path, such as `file:///mnt/cold`"),
        }
    }

    fn bucket(&mut self, key: &str, url: &Url, raw: &RawArchive) -> Option<S3Place> {
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return self.fault(
                key,
                "must not carry credentials: use `access_key_id` and one of `secret_access_key_file` and \
                 `secret_access_key_env`",
            );
        }
        let Some(bucket) = url.host_str().filter(|host| !host.is_empty()) else {
            return self.fault(key, "names no bucket");
        };
        let endpoint = raw.endpoint.as_deref().map(|text| self.endpoint(text, raw.allow_http));
        let login = self.s3_login(raw);
        Some(S3Place {
            bucket: bucket.to_owned(),
            prefix: url.path().trim_matches('/').to_owned(),
            region: raw.region.clone().filter(|region| !region.trim().is_empty()),
            endpoint: given(endpoint)?,
            allow_http: raw.allow_http,
            login: login?,
        })
    }

    fn endpoint(&mut self, text: &str, allow_http: bool) -> Option<String> {
        let key = "archive.endpoint";
        let url = Url::parse(text.trim()).ok().filter(Url::has_host);
        match url.as_ref().map(Url::scheme) {
            Some("https") => Some(text.trim().trim_end_matches('/').to_owned()),
            Some("http") if allow_http => Some(text.trim().trim_end_matches('/').to_owned()),
            Some("http") => self.fault(key, "has no TLS: set `allow_http = true` if that is meant"),
            _ => self.fault(key, "must be an address that begins with `https://`"),
        }
    }

    /// A secret that cannot be found is a fault of its own kind: then there is no login.
    fn s3_login(&mut self, raw: &RawArchive) -> Option<Option<S3Login>> {
        let secret = self.secret(&Whereabouts {
            key: "archive.secret_access_key".to_owned(),
            itself: raw.secret_access_key.as_ref(),
            file: raw.secret_access_key_file.as_deref(),
            variable: raw.secret_access_key_env.as_deref(),
            credential: "archive.secret_access_key".to_owned(),
        });
        match (raw.access_key_id.clone(), secret) {
            (Some(access_key_id), Some(secret_access_key)) => {
                Some(Some(S3Login { access_key_id, secret_access_key }))
            }
            (None, Some(_)) => self.fault("archive.access_key_id", "is missing beside the secret key"),
            (_, None) => Some(None),
        }
    }

    fn storage_class(&mut self, raw: &RawArchive) -> Option<Option<String>> {
        let Some(class) = raw.storage_class.as_deref() else { return Some(None) };
        let spelt = class.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if class.is_empty() || !spelt {
            return self.fault("archive.storage_class", "must be spelt as the store does: `DEEP_ARCHIVE`");
        }
        Some(Some(class.to_owned()))
    }

    fn thaw(&mut self, raw: &RawArchive) -> Option<Thaw> {
        let tiers =
            [("bulk", ThawTier::Bulk), ("standard", ThawTier::Standard), ("expedited", ThawTier::Expedited)];
        let tier = self.choice("archive.thaw_tier", &raw.thaw_tier, &tiers);
        let days = self.whole("archive.thaw_days", raw.thaw_days, 1..=365);
        Some(Thaw { tier: tier?, days: days? })
    }

    fn storage_prices(&mut self, raw: &[RawStoragePrice]) -> Option<Vec<StoragePrice>> {
        let prices: Vec<_> = raw.iter().enumerate().map(|(i, price)| self.storage_price(i, price)).collect();
        prices.into_iter().collect()
    }

    fn storage_price(&mut self, index: usize, raw: &RawStoragePrice) -> Option<StoragePrice> {
        let key = |name: &str| format!("archive.price[{index}].{name}");
        let class = self.required(&key("class"), raw.class.as_deref()).map(str::to_owned);
        let month = self.storage_dollars(&key("usd_per_gb_month"), raw.usd_per_gb_month);
        let puts = self.storage_dollars(&key("usd_per_1000_puts"), raw.usd_per_1000_puts);
        let min_days = self.whole(&key("min_days"), raw.min_days, 0..=3650);
        Some(StoragePrice {
            class: class?,
            usd_per_gb_month: month?,
            usd_per_1000_puts: puts?,
            min_days: min_days?,
        })
    }

    fn storage_dollars(&mut self, key: &str, value: Option<f64>) -> Option<f64> {
        match value {
            Some(value) => self.number(key, value, 0.0..=1e6),
            None => self.fault(key, "is missing"),
        }
    }
}

/// Amazon compares what it gets with its SHA-256, and what leaves it is charged for. Of other servers neither is known.
fn reads_for_nothing(place: &ArchivePlace, class: Option<&str>) -> bool {
    match place {
        ArchivePlace::Folder(_) => true,
        ArchivePlace::S3(place) => {
            place.endpoint.is_some() && class.is_none_or(|class| READ_FOR_NOTHING.contains(&class))
        }
    }
}

fn s3_keys(raw: &RawArchive) -> [(&'static str, bool); 8] {
    [
        ("region", raw.region.is_some()),
        ("endpoint", raw.endpoint.is_some()),
        ("allow_http", raw.allow_http),
        ("access_key_id", raw.access_key_id.is_some()),
        ("secret_access_key", raw.secret_access_key.is_some()),
        ("secret_access_key_file", raw.secret_access_key_file.is_some()),
        ("secret_access_key_env", raw.secret_access_key_env.is_some()),
        ("storage_class", raw.storage_class.is_some()),
    ]
}
