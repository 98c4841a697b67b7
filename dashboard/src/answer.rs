//! An open file as the answer to a request: whole or a range of it, with its validators, or that it is the same.
//!
//! Ranges and conditions are tower-http's; it is given the file that is open already, so that what was checked
//! is what is sent. What it lacks is added around it: `If-Range`, and see `range`.

use std::fs::File;
use std::future::{Ready, ready};
use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::ServeDir;
use tower_http::services::fs::{Backend, File as ServedFile, Metadata};

use crate::open::Opened;
use crate::range::is_handed_on;

/// What an answer says of a file beyond its bytes.
pub(crate) struct Described {
    pub(crate) content_type: HeaderValue,
    pub(crate) cache_control: HeaderValue,
}

pub(crate) async fn answer(mut asked: Parts, opened: Opened, described: Described) -> Response {
    let stat = Stat { len: opened.len, modified: opened.modified };
    let file = OpenFile { file: Arc::new(opened.file), stat };
    if !obeys_range(&asked, &file).await {
        asked.headers.remove(RANGE);
    }
    let mut response = serve(asked, file).await;
    let (status, headers) = (response.status(), response.headers_mut());
    match status {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {
            headers.insert(CONTENT_TYPE, described.content_type);
            headers.insert(CACHE_CONTROL, described.cache_control);
        }
        StatusCode::NOT_MODIFIED => {
            headers.insert(CACHE_CONTROL, described.cache_control);
        }
        // A range that is not there yet may be there in a second.
        _ => {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
    response
}

/// Ranges are for GET alone, and for the file that the client has begun with.
async fn obeys_range(asked: &Parts, file: &OpenFile) -> bool {
    let mut ranges = asked.headers.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return false };
    asked.method == Method::GET
        && range.to_str().is_ok_and(|range| is_handed_on(range, file.stat.len))
        && meets_if_range(asked, file).await
}

/// Compares with the validators that the library would send: only it knows how it makes them.
async fn meets_if_range(asked: &Parts, file: &OpenFile) -> bool {
    let Some(condition) = asked.headers.get(IF_RANGE) else { return true };
    let (mut question, ()) = Request::new(()).into_parts();
    question.method = Method::HEAD;
    question.uri = asked.uri.clone();
    let as_it_is = serve(question, file.clone()).await;
    [ETAG, LAST_MODIFIED].iter().any(|validator| as_it_is.headers().get(validator) == Some(condition))
}

async fn serve(asked: Parts, file: OpenFile) -> Response {
    let mut service = ServeDir::with_backend("", file).ignore_multi_range_requests(true);
    match service.try_call(Request::from_parts(asked, Body::empty())).await {
        Ok(response) => response.map(Body::new).into_response(),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "media cannot be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A file system of one file that is there under every path.
#[derive(Clone)]
struct OpenFile {
    file: Arc<File>,
    stat: Stat,
}

/// As the file was when it was opened: length, range and validators of one answer agree, though it grows.
#[derive(Clone, Copy)]
struct Stat {
    len: u64,
    modified: SystemTime,
}

impl Metadata for Stat {
    fn is_dir(&self) -> bool {
        false
    }

    fn modified(&self) -> io::Result<SystemTime> {
        Ok(self.modified)
    }

    fn len(&self) -> u64 {
        self.len
    }
}

impl Backend for OpenFile {
    type File = Reader;
    type Metadata = Stat;
    type OpenFuture = Ready<io::Result<Reader>>;
    type MetadataFuture = Ready<io::Result<Stat>>;

    fn open(&self, _path: PathBuf) -> Self::OpenFuture {
        let reader = |file| Reader { file: tokio::fs::File::from_std(file), stat: self.stat };
        ready(self.file.try_clone().map(reader))
    }

    fn metadata(&self, _path: PathBuf) -> Self::MetadataFuture {
        ready(Ok(self.stat))
    }
}

struct Reader {
    file: tokio::fs::File,
    stat: Stat,
}

impl ServedFile for Reader {
    type Metadata = Stat;
    type MetadataFuture<'a> = Ready<io::Result<Stat>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        ready(Ok(self.stat))
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_read(context, buffer)
    }
}

impl AsyncSeek for Reader {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.file).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.file).poll_complete(context)
    }
}
