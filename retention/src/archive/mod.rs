//! The archive: bundles of segments in an object store, verified before a local copy may go, and the way back.

mod archiver;
mod azure;
mod bundle;
mod error;
mod expiry;
mod folder;
mod gcs;
mod layout;
mod pace;
mod provider;
mod restorer;
mod s3;
mod sender;
mod sending;
mod signed;
mod store;
mod uploads;
mod verifier;

#[cfg(test)]
mod tests;

pub use archiver::{Archiver, Sent};
pub use error::ArchiveError;
pub use expiry::expired;
pub use restorer::{Destination, Restored, Restorer};
pub use store::Store;
pub use verifier::{BundleFault, Verified, verify};
