//! What `estimate` tells of what the archive holds already, and what keeping it costs.

use serde::Serialize;

use crate::commands::estimate_archive::BYTES_PER_GB;
use crate::open::Store;
use crate::output;

/// Of a camera in one storage class; money is in US dollars.
#[derive(Serialize)]
pub(super) struct HeldLine {
    camera: String,
    storage_class: Option<String>,
    bundles: u64,
    bytes: u64,
    /// Null where the settings have no price of the class.
    usd_per_month: Option<f64>,
}

pub(super) fn held(store: &Store) -> anyhow::Result<Vec<HeldLine>> {
    let archive = store.settings.archive.as_ref();
    let price = |class: Option<&str>| {
        let archive = archive?;
        let class = class.unwrap_or(archive.usual_class());
        archive.prices.iter().find(|price| price.class == class)
    };
    let lines = store.catalog.held_bundles()?.into_iter().map(|held| HeldLine {
        usd_per_month: price(held.class.as_deref())
            .map(|price| held.bytes as f64 / BYTES_PER_GB * price.usd_per_gb_month),
        camera: held.camera,
        storage_class: held.class,
        bundles: held.bundles,
        bytes: held.bytes,
    });
    Ok(lines.collect())
}

/// Returns the line that sums them up; nothing where there are none.
pub(super) fn line(held: &[HeldLine]) -> Option<String> {
    let bytes: u64 = held.iter().map(|line| line.bytes).sum();
    let bundles: u64 = held.iter().map(|line| line.bundles).sum();
    let cost = held.iter().map(|line| line.usd_per_month).sum::<Option<f64>>();
    let cost = cost.map_or(String::new(), |usd| format!(", ${usd:.2} a month"));
    (bundles > 0).then(|| format!("archived  {} in {bundles} bundles{cost}", output::size(bytes)))
}
