//! What fuzzing does to answers: any bytes as the status, the header and the body that a model server sends.

use chrono::DateTime;

use config::AnswerForm;

use super::answer;
use super::failure::{Failure, RetryAfter};
use super::wire::Reply;

/// Reads the bytes as the body of a success, and as those of a failure: status, `Retry-After`, body.
pub(crate) fn reply(bytes: &[u8]) {
    if let Ok(reply) = serde_json::from_slice::<Reply>(bytes) {
        let _ = reply.usage();
        match reply.into_text().and_then(|text| answer::read(&text, AnswerForm::Json)) {
            Ok(told) => assert!(!told.caption.is_empty() && !told.caption.contains('\n')),
            Err(failure) => assert!(!failure.to_string().is_empty()),
        }
    }
    let text = String::from_utf8_lossy(bytes);
    let (header, body) = text.split_once('\n').unwrap_or((&text, ""));
    let retry_after = RetryAfter::parse(header);
    let _ = retry_after.map(|retry_after| retry_after.wait(DateTime::UNIX_EPOCH));
    let failure = Failure::from_status(503, retry_after, body);
    assert!(failure.is_passing() && failure.http_status() == Some(503));
    assert!(!failure.to_string().is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_corpus_is_read_without_panic() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/reply");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(!files.is_empty(), "nothing is kept in {folder}");
        for file in files {
            reply(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
}
