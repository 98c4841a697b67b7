//! A still: the JPEG of one coded picture that never was a file on a disk.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use config::Mask;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::Picture;
use crate::decoding::{Decoder, DecoderProgram};
use crate::mask::Masks;
use crate::unfinished::Unfinished;
use crate::video::Choice;
use crate::view::{self, ViewError};

/// One picture decodes in a moment, and other cameras' pictures wait for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says why a coded picture became no JPEG.
#[derive(Debug, thiserror::Error)]
pub enum StillError {
    #[error("the system gives no memory for a file of {length} bytes")]
    NoMemory { length: usize, source: io::Error },
    #[error("the picture cannot be decoded: {reason}")]
    Undecodable { reason: String },
    #[error("the picture cannot be written")]
    Unwritable(#[from] ViewError),
}

/// Makes stills with one decoding process for all who ask: what a camera sends may be its death, but not ours.
#[derive(Debug)]
pub struct Stills {
    decoder: Mutex<Decoder>,
}

impl Stills {
    pub fn new(decoder: DecoderProgram) -> Self {
        Self { decoder: Mutex::new(Decoder::new(&decoder.patience(PATIENCE))) }
    }

    /// Decodes the first picture of `mp4`, which is a whole file, turns it as the file says and hides what is masked;
    /// `quality` is 1 to 100. Blocks, about as long as any keyframe takes.
    pub fn jpeg(&self, mp4: &[u8], masks: &[Mask], quality: u8) -> Result<Vec<u8>, StillError> {
        let file = in_memory(mp4).map_err(|source| StillError::NoMemory { length: mp4.len(), source })?;
        let undecodable = |unfinished: Unfinished| StillError::Undecodable { reason: unfinished.to_string() };
        let mut picture = self.first_picture(&file).map_err(undecodable)?;
        Masks::new(masks).apply(&mut picture);
        Ok(view::encode(&picture, quality)?)
    }

    fn first_picture(&self, file: &File) -> Result<Picture, Unfinished> {
        // the decoding process opens files by name, and this one has no other; it is read while `file` is open
        let path = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()));
        let mut decoder = self.decoder.lock().unwrap_or_else(PoisonError::into_inner);
        let mut decoding = decoder.open(&path, &mut || Ok(()))?;
        decoding.samples(Choice::exact(NonZeroU32::MIN));
        let first = decoding.next(&mut || Ok(()))?;
        // a process that is left in mid-file is ended, so the end is heard where it comes next
        decoding.next(&mut || Ok(()))?;
        let none = || Unfinished::Unreadable("it holds no picture".to_owned());
        first.map(|frame| frame.picture).ok_or_else(none)
    }
}

fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("still", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}
