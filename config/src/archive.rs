//! The archive: where bundles go, and how.

use std::path::PathBuf;
use std::time::Duration;

use crate::storage_class::{Reading, StorageClass, known};
use crate::{StorePlace, Windows};

/// Where bundles go, and how.
#[derive(Clone, Debug)]
pub struct Archive {
    pub place: StorePlace,
    /// Class that objects are stored in; absent: that of the bucket.
    pub storage_class: Option<String>,
    /// Bytes sent at once, and held in memory.
    pub part: usize,
    /// When bundles are sent.
    pub windows: Windows,
    /// Bytes a second at most.
    pub max_bytes_per_second: Option<u64>,
    /// Reads every bundle again before a local copy may go.
    pub read_back: bool,
    pub thaw: Thaw,
    /// Counted from the end of a bundle's hour; absent: nothing is ever deleted there.
    pub max_age: Option<Duration>,
    /// By storage class.
    pub prices: Vec<StoragePrice>,
    /// Public keys of `age` that bundles are sealed for; empty: they are sent as they are.
    pub recipients: Vec<String>,
    /// File with a secret key of one of them: what is sealed is opened with it, and nothing is sealed.
    pub identity_file: Option<PathBuf>,
}

/// What is asked for where an object must be thawed before it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thaw {
    pub tier: ThawTier,
    /// Days for which the thawed object can be read.
    pub days: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThawTier {
    Bulk,
    Standard,
    Expedited,
}

impl ThawTier {
    /// Returns the word of the S3 API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bulk => "Bulk",
            Self::Standard => "Standard",
            Self::Expedited => "Expedited",
        }
    }
}

/// What a storage class costs.
#[derive(Clone, Debug, PartialEq)]
pub struct StoragePrice {
    pub class: String,
    pub usd_per_gb_month: f64,
    pub usd_per_1000_puts: f64,
    /// Days that are billed at least.
    pub min_days: u32,
}

impl Archive {
    /// Returns the address of the store, which tells one archive from another.
    pub fn address(&self) -> String {
        self.place.address()
    }

    /// Returns the same archive for what is stored in a class of its own.
    pub fn in_class(&self, class: Option<&str>) -> Self {
        let Some(class) = class else { return self.clone() };
        let other = Self { storage_class: Some(class.to_owned()), ..self.clone() };
        // Who pays for reading the usual class again has said so.
        let read_back = self.read_back
            && !other.is_frozen()
            && (other.is_read_for_nothing() || !self.is_read_for_nothing());
        Self { read_back, ..other }
    }

    fn is_read_for_nothing(&self) -> bool {
        let known = self.known_class().map(|class| class.reading == Reading::Free);
        known.unwrap_or(self.storage_class.is_none())
    }

    /// Tells whether objects can only be read hours after they were asked for.
    pub fn is_frozen(&self) -> bool {
        self.known_class().is_some_and(|class| class.reading == Reading::Frozen)
    }

    /// Returns the class that the provider uses where none is named, which is also that of parts.
    pub fn usual_class(&self) -> &'static str {
        known(&self.place).first().map_or("STANDARD", |class| class.name)
    }

    /// Returns what the class in use costs, where it is listed.
    pub fn price(&self) -> Option<&StoragePrice> {
        let class = self.storage_class.as_deref().unwrap_or(self.usual_class());
        self.prices.iter().find(|price| price.class == class)
    }

    /// Returns the days that are billed at least, as the settings say or as is known of the provider.
    pub fn min_days(&self) -> u32 {
        let known = || self.known_class().map(|class| class.min_days);
        self.price().map(|price| price.min_days).or_else(known).unwrap_or(0)
    }

    fn known_class(&self) -> Option<&'static StorageClass> {
        let class = self.storage_class.as_deref()?;
        known(&self.place).iter().find(|known| known.name == class)
    }
}
