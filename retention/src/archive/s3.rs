//! S3: the store, and thawing, which the object store's interface does not offer.

use std::sync::Arc;

use chrono::DateTime;
use config::{S3Place, Thaw};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use reqwest::{Method, StatusCode};

use super::ArchiveError;
use super::provider::{ThawState, client_options, retries};
use super::signed::{Ask, Asker, Signer, accepted};

const DEFAULT_REGION: &str = "us-east-1";

pub(super) fn open(place: &S3Place) -> Result<(Arc<AmazonS3>, Asker), object_store::Error> {
    let bucket = &place.bucket;
    let mut builder = AmazonS3Builder::from_env()
        .with_client_options(client_options(bucket))
        .with_retry(retries())
        .with_checksum_algorithm(Checksum::SHA256)
        .with_bucket_name(&bucket.name)
        .with_allow_http(bucket.allow_http);
    if let Some(region) = &place.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(login) = &place.login {
        builder = builder
            .with_access_key_id(&login.access_key_id)
            .with_secret_access_key(login.secret_access_key.expose());
    }
    let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
    let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let endpoint = bucket.endpoint.clone().unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
    let store = Arc::new(builder.build()?);
    let signer = Signer::Amazon { store: Arc::clone(&store), region };
    Ok((store, Asker::new(signer, &endpoint, &bucket.name)))
}

pub(super) async fn thaw_state(asker: &Asker, path: &str) -> Result<ThawState, ArchiveError> {
    let headers = asker.look_at(path).await?;
    let is_frozen = matches!(headers.get("x-amz-storage-class"), Some("GLACIER" | "DEEP_ARCHIVE"));
    Ok(told_by(headers.get("x-amz-restore"), is_frozen))
}

pub(super) async fn ask_for_thaw(asker: &Asker, path: &str, thaw: Thaw) -> Result<(), ArchiveError> {
    let doing = "thaw";
    let body = format!(
        "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>{}</Days>\
         <GlacierJobParameters><Tier>{}</Tier></GlacierJobParameters></RestoreRequest>",
        thaw.days,
        thaw.tier.as_str()
    );
    let ask = Ask { doing, method: Method::POST, path, query: "restore=", headers: &[], body };
    let answer = asker.ask(ask).await?;
    // 409: somebody has asked already.
    if answer.status() == StatusCode::CONFLICT {
        return Ok(());
    }
    accepted(answer, doing, path).await.map(|_| ())
}

/// Reads `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`.
fn told_by(restore: Option<&str>, is_frozen: bool) -> ThawState {
    match restore {
        Some(text) if text.contains("ongoing-request=\"true\"") => ThawState::Thawing,
        Some(text) => {
            let date = text.split_once("expiry-date=\"").and_then(|(_, rest)| rest.split('"').next());
            let until = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
            ThawState::Readable { until: until.map(|until| until.to_utc()) }
        }
        None if is_frozen => ThawState::Frozen,
        None => ThawState::Readable { until: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_whether_an_object_can_be_read() {
        let until = "2012-12-21T00:00:00Z".parse().ok();
        let date = "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2012 00:00:00 GMT\"";
        let cases = [
            (None, true, ThawState::Frozen),
            (None, false, ThawState::Readable { until: None }),
            (Some("ongoing-request=\"true\""), true, ThawState::Thawing),
            (Some(date), true, ThawState::Readable { until }),
            (Some("nonsense"), true, ThawState::Readable { until: None }),
        ];
        for (header, is_frozen, expected) in cases {
            assert_eq!(told_by(header, is_frozen), expected, "{header:?}");
        }
    }
}
