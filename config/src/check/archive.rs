//! `[archive]`: the store of the bundles, and what belongs to it.

use chrono_tz::Tz;

use super::sections::SECONDS_PER_DAY;
use super::{Check, given};
use crate::raw::{RawArchive, RawRetention, RawStoragePrice};
use crate::storage_class::{Reading, known};
use crate::{Archive, Retention, StoragePrice, StorePlace, Thaw, ThawTier, Windows};

const BYTES_PER_MB: usize = 1_000_000;
const BYTES_PER_MBIT: f64 = 1e6 / 8.0;

const TO_WHERE: &str = "needs the section `[archive]`, which says where to";

impl Check<'_> {
    pub(super) fn archive(&mut self, raw: &mut RawArchive, zone: Tz) -> Option<Archive> {
        let place = self.store_place(&raw.store());
        let class = raw.storage_class.as_deref();
        let class = self.storage_class("archive.storage_class", class, place.as_ref());
        let part: Option<usize> = self.whole("archive.part_mb", raw.part_mb, 6..=1000);
        let windows = Windows::parse(zone, &raw.windows)
            .map_err(|error| self.faults.add("archive.windows", error.to_string()))
            .ok();
        let mbit = raw.max_mbit_s.map(|mbit| self.number("archive.max_mbit_s", mbit, 0.01..=1e6));
        let max_age = self.days("archive.max_age_days", raw.max_age_days);
        let thaw = self.thaw(raw, place.as_ref());
        let prices = self.storage_prices(&raw.price);
        let recipients = self.recipients(&raw.recipients);
        let identity_file = self.identity_file(raw.identity_file.as_deref());
        let storage_class = class?;
        let place = place?;
        let read_back = raw.read_back.unwrap_or_else(|| self.reads_back(&place, storage_class.as_deref()));
        raw.read_back = Some(read_back);
        let archive = Archive {
            place,
            storage_class,
            part: part? * BYTES_PER_MB,
            windows: windows?,
            max_bytes_per_second: given(mbit)?.map(|mbit| (mbit * BYTES_PER_MBIT) as u64),
            read_back,
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
        let days = kept.as_secs_f64() / SECONDS_PER_DAY;
        let others = retention.storage_classes().into_iter().map(|class| archive.in_class(Some(class)));
        for archive in [archive.clone()].into_iter().chain(others) {
            let least = archive.min_days();
            if days < f64::from(least) {
                self.warnings.push(format!(
                    "`archive.max_age_days` deletes bundles after {days:.0} days in the archive, and `{}` bills {least}",
                    archive.storage_class.as_deref().unwrap_or(archive.usual_class())
                ));
            }
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
        for (index, rule) in retention.rule.iter().enumerate().filter(|_| !is_there) {
            let keys = [
                ("after_processing", rule.after_processing.as_deref() == Some("archive")),
                ("storage_class", rule.storage_class.is_some()),
            ];
            for (name, _) in keys.iter().filter(|(_, given)| *given) {
                self.faults.add(format!("retention.rule[{index}].{name}"), TO_WHERE);
            }
        }
    }

    /// Tells whether bundles are read again where nobody said so: where the server does not compare what it gets, and
    /// takes nothing for being read.
    fn reads_back(&mut self, place: &StorePlace, class: Option<&str>) -> bool {
        let is_free = |class: &str| {
            known(place).iter().any(|known| known.name == class && known.reading == Reading::Free)
        };
        if place.compares() {
            return false;
        }
        let Some(charged) = class.filter(|class| !is_free(class)) else { return true };
        self.warnings.push(format!(
            "`archive.read_back` is false unless it is said, because reading out of `{charged}` costs: of a bundle only \
             the size is compared before local copies go"
        ));
        false
    }

    /// Refuses classes in rules that the store does not know.
    pub(super) fn rule_classes(&mut self, retention: &RawRetention, place: &StorePlace) {
        for (index, rule) in retention.rule.iter().enumerate() {
            let key = format!("retention.rule[{index}].storage_class");
            self.storage_class(&key, rule.storage_class.as_deref(), Some(place));
        }
    }

    fn storage_class(
        &mut self,
        key: &str,
        class: Option<&str>,
        place: Option<&StorePlace>,
    ) -> Option<Option<String>> {
        let Some(class) = class else { return Some(None) };
        match place {
            Some(StorePlace::Folder(_)) => return self.fault(key, "has no effect for a folder"),
            Some(place @ (StorePlace::Gcs(_) | StorePlace::Azure(_))) => {
                let names: Vec<_> = known(place).iter().map(|class| (class.name, class.name)).collect();
                return self.choice(key, class, &names).map(|name| Some(name.to_owned()));
            }
            // Other servers than Amazon's may know other classes.
            Some(StorePlace::S3(_)) => {}
            None => return Some(Some(class.to_owned())),
        }
        let spelt = class.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if class.is_empty() || !spelt {
            return self.fault(key, "must be spelt as the store does: `DEEP_ARCHIVE`");
        }
        Some(Some(class.to_owned()))
    }

    fn thaw(&mut self, raw: &RawArchive, place: Option<&StorePlace>) -> Option<Thaw> {
        let tiers =
            [("standard", ThawTier::Standard), ("expedited", ThawTier::Expedited), ("bulk", ThawTier::Bulk)];
        let known = if matches!(place, Some(StorePlace::Azure(_))) { &tiers[..2] } else { &tiers[..] };
        let tier = self.choice("archive.thaw_tier", &raw.thaw_tier, known);
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
