//! What the object store's own interface does not offer of S3: thawing, and uploads that a dead process left.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use config::{S3Place, Thaw};
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpRequest, HttpRequestBody};
use reqwest::{Client, Method, Response, StatusCode};
use url::Url;

use super::ArchiveError;

const DEFAULT_REGION: &str = "us-east-1";

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

/// Signs requests of its own with the credentials of the store.
#[derive(Debug)]
pub(super) struct S3 {
    store: Arc<AmazonS3>,
    region: String,
    /// Up to the bucket, with a slash at its end.
    bucket: String,
    client: Client,
}

impl S3 {
    pub(super) fn new(place: &S3Place, store: Arc<AmazonS3>, region: Option<String>) -> Self {
        let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let endpoint = place.endpoint.clone().unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let bucket = format!("{endpoint}/{}/", place.bucket);
        Self { store, region, bucket, client: Client::new() }
    }

    pub(super) async fn thaw_state(&self, path: &str) -> Result<ThawState, ArchiveError> {
        let doing = "look at";
        let answer =
            self.ask(Ask { doing, method: Method::HEAD, path, query: "", body: String::new() }).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(ArchiveError::Absent { key: path.to_owned() });
        }
        let answer = accepted(answer, doing, path).await?;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let is_frozen = matches!(header("x-amz-storage-class"), Some("GLACIER" | "DEEP_ARCHIVE"));
        Ok(thaw_state(header("x-amz-restore"), is_frozen))
    }

    pub(super) async fn ask_for_thaw(&self, path: &str, thaw: Thaw) -> Result<(), ArchiveError> {
        let doing = "thaw";
        let body = format!(
            "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>{}</Days>\
             <GlacierJobParameters><Tier>{}</Tier></GlacierJobParameters></RestoreRequest>",
            thaw.days,
            thaw.tier.as_str()
        );
        let answer = self.ask(Ask { doing, method: Method::POST, path, query: "restore=", body }).await?;
        // 409: somebody has asked already.
        if answer.status() == StatusCode::CONFLICT {
            return Ok(());
        }
        accepted(answer, doing, path).await.map(|_| ())
    }

    /// Aborts what was begun and never completed for this object.
    pub(super) async fn abort_uploads(&self, path: &str) -> Result<(), ArchiveError> {
        let doing = "list unfinished uploads of";
        let prefix: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let query = format!("prefix={prefix}&uploads=");
        let answer = self
            .ask(Ask { doing, method: Method::GET, path: "", query: &query, body: String::new() })
            .await?;
        let listed = accepted(answer, doing, path).await?.text().await;
        let listed =
            listed.map_err(|source| ArchiveError::Request { doing, key: path.to_owned(), source })?;
        for id in upload_ids(&listed) {
            let doing = "take back an unfinished upload of";
            let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
            let query = format!("uploadId={id}");
            let ask = Ask { doing, method: Method::DELETE, path, query: &query, body: String::new() };
            let answer = self.ask(ask).await?;
            if answer.status() != StatusCode::NOT_FOUND {
                accepted(answer, doing, path).await?;
            }
        }
        Ok(())
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Response, ArchiveError> {
        let key = ask.path.to_owned();
        let doing = ask.doing;
        let refused = |source| ArchiveError::of_store(doing, &key, source);
        let url = self.url(&ask);
        let mut signed = HttpRequest::new(HttpRequestBody::from(ask.body.clone()));
        *signed.method_mut() = ask.method.clone();
        *signed.uri_mut() = url.as_str().parse().map_err(|_| ArchiveError::Absent { key: key.clone() })?;
        let credential = self.store.credentials().get_credential().await.map_err(refused)?;
        AwsAuthorizer::new(&credential, "s3", &self.region)
            .try_authorize(&mut signed, None)
            .map_err(refused)?;
        let request = self.client.request(ask.method, url).headers(signed.headers().clone()).body(ask.body);
        request.send().await.map_err(|source| ArchiveError::Request {
            doing,
            key: ask.path.to_owned(),
            source: source.without_url(),
        })
    }

    fn url(&self, ask: &Ask<'_>) -> Url {
        let text = format!("{}{}", self.bucket, ask.path);
        let mut url = Url::parse(&text).expect("endpoint, bucket and key were checked with the settings");
        url.set_query(Some(ask.query).filter(|query| !query.is_empty()));
        url
    }
}

struct Ask<'a> {
    doing: &'static str,
    method: Method,
    path: &'a str,
    query: &'a str,
    body: String,
}

async fn accepted(answer: Response, doing: &'static str, path: &str) -> Result<Response, ArchiveError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text: String = answer.text().await.unwrap_or_default().chars().take(500).collect();
    Err(ArchiveError::Answered { doing, key: path.to_owned(), status: status.as_u16(), text })
}

/// Reads `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`.
fn thaw_state(restore: Option<&str>, is_frozen: bool) -> ThawState {
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

fn upload_ids(listed: &str) -> impl Iterator<Item = &str> {
    listed.split("<UploadId>").skip(1).filter_map(|rest| rest.split("</UploadId>").next())
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
            assert_eq!(thaw_state(header, is_frozen), expected, "{header:?}");
        }
    }

    #[test]
    fn uploads_are_found_in_their_list() {
        let listed = "<Upload><UploadId>a</UploadId></Upload><Upload><UploadId>b</UploadId></Upload>";
        assert_eq!(upload_ids(listed).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(upload_ids("<html>").count(), 0);
    }
}
