//! GCS: the store. Also its coldest class can be read at once.

use std::sync::Arc;

use config::GcsPlace;
use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder};

use super::provider::{client_options, retries};
use super::signed::{Asker, Signer};

const ENDPOINT: &str = "https://storage.googleapis.com";

pub(super) fn open(place: &GcsPlace) -> Result<(Arc<GoogleCloudStorage>, Asker), object_store::Error> {
    let bucket = &place.bucket;
    // What the environment says of a login would contradict the one of the settings.
    let mut builder = match &place.service_account {
        Some(key) => GoogleCloudStorageBuilder::new().with_service_account_key(key.expose()),
        None => GoogleCloudStorageBuilder::from_env(),
    };
    builder = builder
        .with_client_options(client_options(bucket))
        .with_retry(retries())
        .with_bucket_name(&bucket.name);
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder.with_base_url(endpoint);
    }
    let store = Arc::new(builder.build()?);
    let signer = Signer::Google { store: Arc::clone(&store) };
    let endpoint = bucket.endpoint.as_deref().unwrap_or(ENDPOINT);
    Ok((store, Asker::new(signer, endpoint, &bucket.name)))
}
