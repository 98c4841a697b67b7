//! The providers: how the store of each is opened, and what each offers beyond the interface that they have in common.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use config::{Bucket, StorePlace, Thaw};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::signed::Asker;
use super::{ArchiveError, azure, folder, gcs, s3, uploads};

/// One part over a slow line.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(600);

/// A store that is down is asked again by the next pass.
const RETRIES: usize = 4;

/// Whether a frozen object can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThawState {
    /// It must be asked for first.
    Frozen,
    /// It was asked for and is not there yet.
    Thawing,
    /// Without an end where it is of a class that is always readable.
    Readable { until: Option<DateTime<Utc>> },
}

pub(super) enum Provider {
    Folder(PathBuf),
    S3(Asker),
    Gcs(Asker),
    Azure(Asker),
}

/// A store, before anything was asked of it.
pub(super) struct Opened {
    pub(super) objects: Arc<dyn ObjectStore>,
    /// Before every key; may be empty.
    pub(super) prefix: String,
    pub(super) provider: Provider,
}

impl Opened {
    pub(super) fn at(place: &StorePlace) -> Result<Self, ArchiveError> {
        // Fails where there is one already, which is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let unopened = |source| ArchiveError::Open { url: place.address(), source };
        match place {
            StorePlace::Folder(path) => {
                let provider = Provider::Folder(path.clone());
                Ok(Self { objects: folder::open(path)?, prefix: String::new(), provider })
            }
            StorePlace::S3(place) => {
                let (objects, asker) = s3::open(place).map_err(unopened)?;
                Ok(Self { objects, prefix: place.bucket.prefix.clone(), provider: Provider::S3(asker) })
            }
            StorePlace::Gcs(place) => {
                let (objects, asker) = gcs::open(place).map_err(unopened)?;
                Ok(Self { objects, prefix: place.bucket.prefix.clone(), provider: Provider::Gcs(asker) })
            }
            StorePlace::Azure(place) => {
                let (objects, asker) = azure::open(place).map_err(unopened)?;
                Ok(Self { objects, prefix: place.bucket.prefix.clone(), provider: Provider::Azure(asker) })
            }
        }
    }
}

impl Provider {
    /// Takes back what a dead process left of sending this object.
    pub(super) async fn abort_uploads(&self, path: &str) -> Result<(), ArchiveError> {
        match self {
            Self::Folder(folder) => folder::remove_staged(&folder.join(path)),
            Self::S3(asker) | Self::Gcs(asker) => uploads::abort(asker, path).await,
            Self::Azure(_) => Ok(()),
        }
    }

    pub(super) async fn thaw_state(&self, path: &str) -> Result<ThawState, ArchiveError> {
        match self {
            Self::Folder(_) | Self::Gcs(_) => Ok(ThawState::Readable { until: None }),
            Self::S3(asker) => s3::thaw_state(asker, path).await,
            Self::Azure(asker) => azure::thaw_state(asker, path).await,
        }
    }

    pub(super) async fn ask_for_thaw(&self, path: &str, thaw: Thaw) -> Result<(), ArchiveError> {
        match self {
            Self::Folder(_) | Self::Gcs(_) => Ok(()),
            Self::S3(asker) => s3::ask_for_thaw(asker, path, thaw).await,
            Self::Azure(asker) => azure::ask_for_thaw(asker, path, thaw).await,
        }
    }
}

pub(super) fn client_options(bucket: &Bucket) -> ClientOptions {
    ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_allow_http(bucket.allow_http)
}

pub(super) fn retries() -> RetryConfig {
    RetryConfig { max_retries: RETRIES, backoff: BackoffConfig::default(), ..RetryConfig::default() }
}
