//! Azure: the store, and thawing, which is a change of the access tier there. What a dead process left of an upload
//! goes by itself after a week, or with the upload that completes.

use std::sync::Arc;

use config::{AzureLogin, AzurePlace, Thaw, ThawTier};
use object_store::azure::{MicrosoftAzure, MicrosoftAzureBuilder, split_sas};
use reqwest::{Method, StatusCode};

use super::ArchiveError;
use super::provider::{ThawState, client_options, retries};
use super::signed::{Ask, Asker, Signer, accepted};

/// Where a thawed blob stays; the only tier that bills no least number of days.
const THAWED: (&str, &str) = ("x-ms-access-tier", "Hot");
const PRIORITY: &str = "x-ms-rehydrate-priority";

pub(super) fn open(place: &AzurePlace) -> Result<(Arc<MicrosoftAzure>, Asker), object_store::Error> {
    let bucket = &place.bucket;
    // What the environment says of a login would come before the one of the settings.
    let builder = match &place.login {
        Some(AzureLogin::AccountKey(key)) => MicrosoftAzureBuilder::new().with_access_key(key.expose()),
        Some(AzureLogin::SasToken(signature)) => {
            MicrosoftAzureBuilder::new().with_sas_authorization(split_sas(signature.expose())?)
        }
        None => MicrosoftAzureBuilder::from_env(),
    };
    let endpoint = bucket.endpoint.clone();
    let endpoint = endpoint.unwrap_or_else(|| format!("https://{}.blob.core.windows.net", place.account));
    let store = builder
        .with_client_options(client_options(bucket))
        .with_retry(retries())
        .with_account(&place.account)
        .with_container_name(&bucket.name)
        .with_endpoint(endpoint.clone())
        .build()?;
    let store = Arc::new(store);
    let signer = Signer::Azure { store: Arc::clone(&store), account: place.account.clone() };
    Ok((store, Asker::new(signer, &endpoint, &bucket.name)))
}

pub(super) async fn thaw_state(asker: &Asker, path: &str) -> Result<ThawState, ArchiveError> {
    let headers = asker.look_at(path).await?;
    Ok(told_by(headers.get("x-ms-access-tier"), headers.get("x-ms-archive-status")))
}

pub(super) async fn ask_for_thaw(asker: &Asker, path: &str, thaw: Thaw) -> Result<(), ArchiveError> {
    let doing = "thaw";
    let headers = match thaw.tier {
        ThawTier::Expedited => &[THAWED, (PRIORITY, "High")],
        ThawTier::Standard | ThawTier::Bulk => &[THAWED, (PRIORITY, "Standard")],
    };
    let ask = Ask { doing, method: Method::PUT, path, query: "comp=tier", headers, ..Ask::default() };
    let answer = asker.ask(ask).await?;
    // 409: somebody has asked already.
    if answer.status() == StatusCode::CONFLICT {
        return Ok(());
    }
    accepted(answer, doing, path).await.map(|_| ())
}

/// Reads the tier, and `rehydrate-pending-to-hot` while it thaws.
fn told_by(tier: Option<&str>, status: Option<&str>) -> ThawState {
    match (tier, status) {
        (_, Some(status)) if status.starts_with("rehydrate-pending") => ThawState::Thawing,
        (Some("Archive"), _) => ThawState::Frozen,
        _ => ThawState::Readable { until: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_whether_a_blob_can_be_read() {
        let readable = ThawState::Readable { until: None };
        for (tier, status, expected) in [
            (Some("Archive"), None, ThawState::Frozen),
            (Some("Archive"), Some("rehydrate-pending-to-hot"), ThawState::Thawing),
            (Some("Hot"), None, readable),
            (None, None, readable),
        ] {
            assert_eq!(told_by(tier, status), expected, "{tier:?} {status:?}");
        }
    }
}
