//! Uploads that a dead process left: found by their list, which S3 and GCS write alike, and taken back.

use reqwest::{Method, StatusCode};

use super::ArchiveError;
use super::signed::{Ask, Asker, accepted};

/// Aborts what was begun and never completed for this object.
pub(super) async fn abort(asker: &Asker, path: &str) -> Result<(), ArchiveError> {
    let doing = "list unfinished uploads of";
    let prefix: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    let query = format!("prefix={prefix}&uploads=");
    let answer = asker.ask(Ask { doing, query: &query, ..Ask::default() }).await?;
    let listed = accepted(answer, doing, path).await?.text().await;
    let listed = listed.map_err(|source| ArchiveError::Request {
        doing,
        key: path.to_owned(),
        source: source.without_url(),
    })?;
    for id in ids(&listed) {
        let doing = "take back an unfinished upload of";
        let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let query = format!("uploadId={id}");
        let ask = Ask { doing, method: Method::DELETE, path, query: &query, ..Ask::default() };
        let answer = asker.ask(ask).await?;
        if answer.status() != StatusCode::NOT_FOUND {
            accepted(answer, doing, path).await?;
        }
    }
    Ok(())
}

fn ids(listed: &str) -> impl Iterator<Item = &str> {
    listed.split("<UploadId>").skip(1).filter_map(|rest| rest.split("</UploadId>").next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_are_found_in_their_list() {
        let listed = "<Upload><UploadId>a</UploadId></Upload><Upload><UploadId>b</UploadId></Upload>";
        assert_eq!(ids(listed).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(ids("<html>").count(), 0);
    }
}
