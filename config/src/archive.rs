//! The archive: where bundles go, and how.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Secret, Windows};

/// Where bundles go, and how.
#[derive(Clone, Debug)]
pub struct Archive {
    pub place: ArchivePlace,
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

#[derive(Clone, Debug)]
pub enum ArchivePlace {
    Folder(PathBuf),
    S3(S3Place),
}

#[derive(Clone, Debug)]
pub struct S3Place {
    pub bucket: String,
    /// Before the key of every object; may be empty.
    pub prefix: String,
    pub region: Option<String>,
    /// Absent: that of Amazon.
    pub endpoint: Option<String>,
    /// Lets an endpoint without TLS be asked.
    pub allow_http: bool,
    /// Absent: as Amazon's own programs find theirs.
    pub login: Option<S3Login>,
}

#[derive(Clone, Debug)]
pub struct S3Login {
    pub access_key_id: String,
    pub secret_access_key: Secret,
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

/// Classes whose objects must be thawed before they can be read.
const FROZEN: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// Days that the classes of S3 are billed for at least.
const MINIMUM_DAYS: [(&str, u32); 5] =
    [("STANDARD_IA", 30), ("ONEZONE_IA", 30), ("GLACIER_IR", 90), ("GLACIER", 90), ("DEEP_ARCHIVE", 180)];

impl Archive {
    /// Returns the address of the store, which tells one archive from another.
    pub fn address(&self) -> String {
        match &self.place {
            ArchivePlace::Folder(folder) => format!("file://{}", folder.display()),
            ArchivePlace::S3(place) => format!("s3://{}/{}", place.bucket, place.prefix),
        }
    }

    /// Tells whether objects can only be read hours after they were asked for.
    pub fn is_frozen(&self) -> bool {
        self.storage_class.as_deref().is_some_and(|class| FROZEN.contains(&class))
    }

    /// Returns what the class in use costs, where it is listed.
    pub fn price(&self) -> Option<&StoragePrice> {
        let class = self.storage_class.as_deref().unwrap_or("STANDARD");
        self.prices.iter().find(|price| price.class == class)
    }

    /// Returns the days that are billed at least, as the settings say or as is known of S3.
    pub fn min_days(&self) -> u32 {
        let known = || {
            let class = self.storage_class.as_deref()?;
            MINIMUM_DAYS.iter().find(|(name, _)| *name == class).map(|(_, days)| *days)
        };
        self.price().map(|price| price.min_days).or_else(known).unwrap_or(0)
    }
}
