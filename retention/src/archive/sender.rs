//! Sending one object, part by part as it is written: no more than a part is ever held in memory.

use std::io::{self, Write};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload};

use super::ArchiveError;
use super::pace::Pace;
use super::store::Store;

pub(super) struct Sender<'a> {
    store: &'a Store,
    key: &'a str,
    class: Option<&'a str>,
    path: Path,
    buffer: Vec<u8>,
    /// Begun with the first part that is full.
    upload: Option<Box<dyn MultipartUpload>>,
    pace: Pace<'a>,
    /// Why no more can be sent; `Write` cannot tell it.
    failed: Option<ArchiveError>,
}

impl<'a> Sender<'a> {
    pub(super) fn new(store: &'a Store, key: &'a str, class: Option<&'a str>, pace: Pace<'a>) -> Self {
        let buffer = Vec::with_capacity(store.part());
        Self { store, key, class, path: store.path(key), buffer, upload: None, pace, failed: None }
    }

    /// Sends what is left, and makes the object appear whole.
    pub(super) fn finish(mut self) -> Result<(), ArchiveError> {
        let finished = self.send_rest();
        if finished.is_err() {
            self.abort();
        }
        finished
    }

    /// Takes back what was sent. What a dead process left is taken back when its bundle is next looked at.
    pub(super) fn abort(&mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = self.store.wait(upload.abort())
        {
            tracing::debug!(key = self.key, %error, "cannot take back an unfinished upload");
        }
    }

    /// Returns why writing failed, where it was the store.
    pub(super) fn take_failure(&mut self) -> Option<ArchiveError> {
        self.failed.take()
    }

    fn send_rest(&mut self) -> Result<(), ArchiveError> {
        let Some(mut upload) = self.upload.take() else {
            let bytes = self.buffer.len();
            let rest = PutPayload::from(std::mem::take(&mut self.buffer));
            let put = self.store.objects().put_opts(&self.path, rest, Store::put_options(self.class));
            let put = self.store.wait_unless(self.pace.is_ending(), put)?;
            put.map_err(|source| ArchiveError::of_store("send", self.key, source))?;
            return self.pace.sent(bytes);
        };
        let mut sent = Ok(());
        if !self.buffer.is_empty() {
            let last = upload.put_part(PutPayload::from(std::mem::take(&mut self.buffer)));
            sent = self.store.wait_unless(self.pace.is_ending(), last)?;
        }
        // Whether it was completed when the program ended is looked for by the next pass.
        let completed = match sent {
            Ok(()) => self.store.wait_unless(self.pace.is_ending(), upload.complete())?.map(|_| ()),
            Err(error) => Err(error),
        };
        if completed.is_err() {
            self.upload = Some(upload);
        }
        completed.map_err(|source| ArchiveError::of_store("send", self.key, source))
    }

    fn send_part(&mut self) -> Result<(), ArchiveError> {
        let failed = |source| ArchiveError::of_store("send", self.key, source);
        if self.upload.is_none() {
            let begin =
                self.store.objects().put_multipart_opts(&self.path, Store::multipart_options(self.class));
            self.upload = Some(self.store.wait_unless(self.pace.is_ending(), begin)?.map_err(failed)?);
        }
        let part = std::mem::replace(&mut self.buffer, Vec::with_capacity(self.store.part()));
        let bytes = part.len();
        if let Some(upload) = &mut self.upload {
            let sent = upload.put_part(PutPayload::from(Bytes::from(part)));
            self.store.wait_unless(self.pace.is_ending(), sent)?.map_err(failed)?;
        }
        self.pace.sent(bytes)
    }
}

impl Write for Sender<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.store.part() - self.buffer.len();
        let taken = bytes.len().min(room);
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == self.store.part()
            && let Err(error) = self.send_part()
        {
            self.failed = Some(error);
            return Err(io::Error::other("the archive takes no more"));
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
