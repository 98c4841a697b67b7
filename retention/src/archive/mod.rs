//! The archive: bundles of segments in an object store, verified before a local copy may go, and the way back.

mod archiver;
mod azure;
mod bundle;
mod error;
mod expiry;
mod finder;
mod folder;
mod gcs;
mod hashed;
mod index;
mod keys;
mod layout;
mod member;
mod object;
mod pace;
mod pictures;
mod provider;
mod restorer;
mod s3;
mod seal;
mod sender;
mod sending;
mod signed;
mod store;
mod tail;
mod uploads;
mod verifier;

#[cfg(test)]
mod tests;

pub use archiver::{Archiver, Sent};
pub use error::ArchiveError;
pub use expiry::expired;
pub use finder::{Finder, Found, Frozen};
pub use keys::{Keys, opens_own};
pub use pictures::{PictureSender, probe_for_pictures};
pub use restorer::{Destination, Restored, Restorer};
pub use store::{Ending, Store};
pub use verifier::{BundleFault, Verified, verify};
