//! Storage classes: what is known of those of each provider.

use crate::StorePlace;

/// What a storage class means for who uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StorageClass {
    pub(crate) name: &'static str,
    /// Days that are billed at least.
    pub(crate) min_days: u32,
    pub(crate) reading: Reading,
}

/// What it takes to read what is in a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Free,
    Charged,
    /// It must be thawed first.
    Frozen,
}

const fn class(name: &'static str, min_days: u32, reading: Reading) -> StorageClass {
    StorageClass { name, min_days, reading }
}

const OF_S3: [StorageClass; 7] = [
    class("STANDARD", 0, Reading::Free),
    class("INTELLIGENT_TIERING", 0, Reading::Free),
    class("STANDARD_IA", 30, Reading::Charged),
    class("ONEZONE_IA", 30, Reading::Charged),
    class("GLACIER_IR", 90, Reading::Charged),
    class("GLACIER", 90, Reading::Frozen),
    class("DEEP_ARCHIVE", 180, Reading::Frozen),
];

/// All of them can be read at once, also the coldest.
const OF_GCS: [StorageClass; 4] = [
    class("STANDARD", 0, Reading::Free),
    class("NEARLINE", 30, Reading::Charged),
    class("COLDLINE", 90, Reading::Charged),
    class("ARCHIVE", 365, Reading::Charged),
];

/// Called access tiers there.
const OF_AZURE: [StorageClass; 4] = [
    class("Hot", 0, Reading::Free),
    class("Cool", 30, Reading::Charged),
    class("Cold", 90, Reading::Charged),
    class("Archive", 180, Reading::Frozen),
];

/// Returns the classes of the store's provider, the usual one first.
pub(crate) fn known(place: &StorePlace) -> &'static [StorageClass] {
    match place {
        StorePlace::Folder(_) => &[],
        StorePlace::S3(_) => &OF_S3,
        StorePlace::Gcs(_) => &OF_GCS,
        StorePlace::Azure(_) => &OF_AZURE,
    }
}
