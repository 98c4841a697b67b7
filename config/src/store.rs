//! The place of a store: whose it is, where, and what opens it.

use std::path::PathBuf;

use crate::Secret;

#[derive(Clone, Debug)]
pub enum StorePlace {
    Folder(PathBuf),
    S3(S3Place),
    Gcs(GcsPlace),
    Azure(AzurePlace),
}

/// A bucket of Amazon, or of another server that speaks its language.
#[derive(Clone, Debug)]
pub struct S3Place {
    pub bucket: Bucket,
    pub region: Option<String>,
    /// Absent: as Amazon's own programs find theirs.
    pub login: Option<S3Login>,
}

/// A bucket of Google.
#[derive(Clone, Debug)]
pub struct GcsPlace {
    pub bucket: Bucket,
    /// The JSON key of a service account; absent: as Google's own programs find theirs.
    pub service_account: Option<Secret>,
}

/// A container of Azure.
#[derive(Clone, Debug)]
pub struct AzurePlace {
    pub account: String,
    pub bucket: Bucket,
    /// Absent: as Azure's own programs find theirs.
    pub login: Option<AzureLogin>,
}

/// What all of them have: where objects lie, and how the server is reached.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub name: String,
    /// Before the key of every object; may be empty.
    pub prefix: String,
    /// Absent: the provider's own.
    pub endpoint: Option<String>,
    /// Lets an endpoint without TLS be asked.
    pub allow_http: bool,
}

#[derive(Clone, Debug)]
pub struct S3Login {
    pub access_key_id: String,
    pub secret_access_key: Secret,
}

#[derive(Clone, Debug)]
pub enum AzureLogin {
    AccountKey(Secret),
    SasToken(Secret),
}

impl StorePlace {
    /// Returns the address of the store, which tells one from another.
    pub fn address(&self) -> String {
        match self {
            Self::Folder(folder) => format!("file://{}", folder.display()),
            Self::S3(S3Place { bucket, .. }) => format!("s3://{}/{}", bucket.name, bucket.prefix),
            Self::Gcs(GcsPlace { bucket, .. }) => format!("gs://{}/{}", bucket.name, bucket.prefix),
            // Two accounts may have containers of one name.
            Self::Azure(AzurePlace { account, bucket, .. }) => {
                format!("az://{}@{account}/{}", bucket.name, bucket.prefix)
            }
        }
    }

    /// Tells whether the server compares what it gets with a checksum that is sent along.
    pub(crate) fn compares(&self) -> bool {
        matches!(self, Self::S3(S3Place { bucket: Bucket { endpoint: None, .. }, .. }))
    }
}
