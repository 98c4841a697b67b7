//! A store that misbehaves: refuses, breaks off in the middle, or takes in something else than it was given.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// A store that trickles gives so many bytes at once, and so long apart.
const PIECE: usize = 100;
const DROP: Duration = Duration::from_millis(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    Down,
    Refuses,
    Frozen,
    /// The connection breaks after the first part.
    BreaksOff,
    /// The whole is not taken: 412, as for what is there already.
    Precondition,
    /// A part never arrives.
    Hangs,
    /// Nothing is ever answered.
    Silent,
    /// All is well, and drop by drop.
    Trickles,
    /// A byte is another when it arrives.
    Flips,
}

#[derive(Debug)]
pub(super) struct Faulty {
    inner: InMemory,
    fault: Mutex<Fault>,
    /// Whole objects and parts that were taken.
    taken: Arc<AtomicUsize>,
}

impl Faulty {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { inner: InMemory::new(), fault: Mutex::new(Fault::None), taken: Arc::default() })
    }

    pub(super) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inner.list(None).next().now_or_never().flatten().is_none()
    }

    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    async fn admit(&self) -> Result<()> {
        match self.fault() {
            Fault::Down => Err(down()),
            Fault::Refuses => Err(refused("AccessDenied")),
            Fault::Frozen => Err(refused("InvalidObjectState")),
            Fault::Silent => std::future::pending().await,
            Fault::Trickles => {
                // waits for a slow line
                tokio::time::sleep(DROP).await;
                Ok(())
            }
            Fault::None | Fault::BreaksOff | Fault::Precondition | Fault::Hangs | Fault::Flips => Ok(()),
        }
    }
}

fn down() -> Error {
    Error::Generic { store: "faulty", source: "connection refused".into() }
}

fn refused(code: &str) -> Error {
    Error::PermissionDenied { path: "x".to_owned(), source: format!("403: <Code>{code}</Code>").into() }
}

/// Hands on what was found in small pieces, one after another.
fn drop_by_drop(found: GetResult) -> GetResult {
    let GetResult { meta, range, attributes, extensions, .. } = &found;
    let (meta, range) = (meta.clone(), range.clone());
    let (attributes, extensions) = (attributes.clone(), extensions.clone());
    let drops = found.into_stream().flat_map(|piece| {
        let pieces: Vec<Result<Bytes>> = match piece {
            Ok(piece) => piece.chunks(PIECE).map(|drop| Ok(Bytes::copy_from_slice(drop))).collect(),
            Err(error) => vec![Err(error)],
        };
        futures::stream::iter(pieces)
    });
    let slowly = drops.then(|drop| async {
        // waits for a slow line
        tokio::time::sleep(DROP).await;
        drop
    });
    GetResult { payload: GetResultPayload::Stream(slowly.boxed()), meta, range, attributes, extensions }
}

fn flipped(payload: PutPayload) -> PutPayload {
    let mut bytes = Bytes::from(payload).to_vec();
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    PutPayload::from(bytes)
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.admit().await?;
        let payload = if self.fault() == Fault::Flips { flipped(payload) } else { payload };
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.admit().await?;
        let inner = self.inner.put_multipart_opts(path, options).await?;
        Ok(Box::new(FaultyUpload { inner, fault: self.fault(), taken: Arc::clone(&self.taken), parts: 0 }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        // A frozen object can be looked at, and not read.
        if self.fault() != Fault::Frozen || !options.head {
            self.admit().await?;
        }
        let found = self.inner.get_opts(path, options).await?;
        Ok(if self.fault() == Fault::Trickles { drop_by_drop(found) } else { found })
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.admit().await?;
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    fault: Fault,
    taken: Arc<AtomicUsize>,
    parts: usize,
}

#[async_trait::async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        self.parts += 1;
        if self.fault == Fault::BreaksOff && self.parts > 1 {
            return async { Err(down()) }.boxed();
        }
        if self.fault == Fault::Hangs {
            return std::future::pending().boxed();
        }
        self.taken.fetch_add(1, Ordering::Relaxed);
        if self.fault == Fault::Trickles {
            let taken = self.inner.put_part(payload);
            return async {
                // waits for a slow line
                tokio::time::sleep(DROP * 4).await;
                taken.await
            }
            .boxed();
        }
        self.inner.put_part(if self.fault == Fault::Flips { flipped(payload) } else { payload })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        if self.fault == Fault::Precondition {
            return Err(Error::Precondition { path: "x".to_owned(), source: "412".into() });
        }
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
