//! What `estimate` tells of the archive: what is sent in a month, and what keeping it costs.

use std::collections::BTreeMap;

use config::{Archive, RetentionRule, Settings};
use serde::Serialize;

use crate::output;

/// Bundles are made by the hour.
const BUNDLES_PER_MONTH: u64 = 24 * 30;
pub(super) const BYTES_PER_GB: f64 = (1u64 << 30) as f64;

/// Of thirty days' footage.
#[derive(Serialize)]
pub(super) struct ArchiveEstimate {
    #[serde(flatten)]
    usual: ClassEstimate,
    /// Of cameras whose rule names another class.
    other_classes: Vec<ClassEstimate>,
    /// Rules by label name classes too: how much that will be is not known, and not counted there.
    by_labels: bool,
}

/// Of what goes into one class; money is in US dollars.
#[derive(Serialize)]
struct ClassEstimate {
    storage_class: Option<String>,
    bytes_per_month: u64,
    bundles_per_month: u64,
    /// Null without a price, as what follows.
    usd_to_send: Option<f64>,
    /// For each month that it is kept.
    usd_per_month_kept: Option<f64>,
    /// What is billed at least, however soon it is deleted.
    usd_at_least: Option<f64>,
    min_days: u32,
    frozen: bool,
}

impl ArchiveEstimate {
    /// Of cameras and their bytes in thirty days. Nothing where no rule archives.
    pub(super) fn of(settings: &Settings, cameras: &[(&str, u64)]) -> Option<Self> {
        let archive = settings.archive.as_ref().filter(|_| settings.retention.archives())?;
        let usual = archive.storage_class.as_deref();
        let mut by_class: BTreeMap<Option<&str>, Vec<u64>> = BTreeMap::new();
        for (camera, bytes) in cameras {
            let rule = settings.retention.rule_of(camera, &[]);
            let class = rule.and_then(|rule| settings.retention.rules[rule].storage_class.as_deref());
            by_class.entry(class.or(usual)).or_default().push(*bytes);
        }
        let of_usual = by_class.remove(&usual).unwrap_or_default();
        let other =
            |(class, bytes): (&Option<&str>, &Vec<u64>)| ClassEstimate::of(&archive.in_class(*class), bytes);
        let by_labels = |rule: &RetentionRule| !rule.labels.is_empty() && rule.storage_class.is_some();
        Some(Self {
            usual: ClassEstimate::of(archive, &of_usual),
            other_classes: by_class.iter().map(other).collect(),
            by_labels: settings.retention.rules.iter().any(by_labels),
        })
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> =
            [&self.usual].into_iter().chain(&self.other_classes).flat_map(ClassEstimate::lines).collect();
        if self.by_labels {
            lines.push("          what will be seen is not known: rules by label are not counted".to_owned());
        }
        lines
    }
}

impl ClassEstimate {
    fn of(archive: &Archive, cameras: &[u64]) -> Self {
        let bytes: u64 = cameras.iter().sum();
        let bundles = cameras.iter().filter(|bytes| **bytes > 0).count() as u64 * BUNDLES_PER_MONTH;
        let month = archive.price().map(|price| bytes as f64 / BYTES_PER_GB * price.usd_per_gb_month);
        let send = usd_to_send(archive, cameras);
        let months = f64::from(archive.min_days()) / 30.0;
        Self {
            storage_class: archive.storage_class.clone(),
            bytes_per_month: bytes,
            bundles_per_month: bundles,
            usd_to_send: send,
            usd_per_month_kept: month,
            usd_at_least: month.zip(send).map(|(month, send)| send + month * months),
            min_days: archive.min_days(),
            frozen: archive.is_frozen(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let class = self.storage_class.as_deref().unwrap_or("the bucket's class");
        let mut lines = vec![format!(
            "archive   {} per 30 days in {} bundles, {class}",
            output::size(self.bytes_per_month),
            self.bundles_per_month
        )];
        if let (Some(send), Some(month), Some(least)) =
            (self.usd_to_send, self.usd_per_month_kept, self.usd_at_least)
        {
            lines.push(format!(
                "          ${send:.2} to send, ${month:.2} for each month that it is kept; ${least:.2} at least, \
                 as {} days are billed",
                self.min_days
            ));
        }
        if self.frozen {
            lines.push("          hours pass before it can be read again, and that costs".to_owned());
        }
        lines
    }
}

fn usd_to_send(archive: &Archive, cameras: &[u64]) -> Option<f64> {
    let price = archive.price()?;
    let usual = archive.prices.iter().find(|price| price.class == archive.usual_class()).unwrap_or(price);
    let of_camera = |bytes: &u64| {
        let bundle = bytes / BUNDLES_PER_MONTH;
        // Beginning the upload is a request like a part.
        let parts = if bundle < archive.part as u64 { 0 } else { bundle.div_ceil(archive.part as u64) + 1 };
        let usd = price.usd_per_1000_puts + parts as f64 * usual.usd_per_1000_puts;
        if *bytes == 0 { 0.0 } else { BUNDLES_PER_MONTH as f64 * usd / 1000.0 }
    };
    Some(cameras.iter().map(of_camera).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(keys: &str) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nightreel.toml");
        let text = format!(
            "[storage]\nroot = \"/media\"\n[retention]\nafter_processing = \"archive\"\n[archive]\nurl = \"s3://b\"\n{keys}"
        );
        std::fs::write(&file, text).unwrap();
        let environment = config::Environment::new(folder.path(), std::collections::BTreeMap::new()).unwrap();
        config::load(Some(&file), &environment).unwrap().settings
    }

    #[test]
    fn a_camera_in_deep_archive_costs_what_its_price_list_says() {
        let deep = "storage_class = \"DEEP_ARCHIVE\"\npart_mb = 67\n\
                    [[archive.price]]\nclass = \"DEEP_ARCHIVE\"\nusd_per_gb_month = 0.00099\nusd_per_1000_puts = 0.05\n\
                    min_days = 180\n\
                    [[archive.price]]\nclass = \"STANDARD\"\nusd_per_gb_month = 0.023\nusd_per_1000_puts = 0.005\n";
        let estimate =
            ArchiveEstimate::of(&settings(deep), &[("gate", 648_000_000_000), ("yard", 0)]).unwrap();
        let cents = |usd: Option<f64>| (usd.unwrap() * 100.0).round();
        assert_eq!(cents(estimate.usual.usd_per_month_kept), 60.0);
        assert_eq!(cents(estimate.usual.usd_to_send), 9.0);
        assert_eq!(cents(estimate.usual.usd_at_least), 367.0);
        assert_eq!(estimate.usual.bundles_per_month, 720);
        assert!(estimate.lines().iter().any(|line| line.contains("180 days are billed")));
    }

    #[test]
    fn cameras_whose_rule_names_a_class_are_counted_there() {
        let rules = "storage_class = \"STANDARD_IA\"\n\
                     [[retention.rule]]\nlabels = [\"person\"]\nstorage_class = \"STANDARD\"\n\
                     [[retention.rule]]\ncameras = [\"yard\"]\nstorage_class = \"DEEP_ARCHIVE\"\n";
        let estimate = ArchiveEstimate::of(&settings(rules), &[("gate", 1_000), ("yard", 5_000)]).unwrap();
        let [deep] = &estimate.other_classes[..] else { panic!("one class besides") };
        assert_eq!((estimate.usual.bytes_per_month, estimate.usual.min_days), (1_000, 30));
        assert_eq!((deep.bytes_per_month, deep.min_days, deep.frozen), (5_000, 180, true));
        assert!(estimate.by_labels && estimate.lines().iter().any(|line| line.contains("not counted")));
    }

    #[test]
    fn without_a_price_nothing_is_said_of_money() {
        let estimate = ArchiveEstimate::of(&settings(""), &[("gate", 1_000)]).unwrap();
        assert!(estimate.usual.usd_at_least.is_none() && estimate.lines().len() == 1);
    }
}
