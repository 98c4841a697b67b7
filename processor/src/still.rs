//! A still: the JPEG of one coded picture that never was a file on a disk.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use config::{Lens, Mask, View};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::Picture;
use crate::decoding::{Decoder, DecoderProgram};
use crate::mask::Masks;
use crate::unfinished::Unfinished;
use crate::video::Choice;
use crate::view::{self, ViewError, Views};

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

/// How a picture is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub masks: &'a [Mask],
    pub lens: Option<&'a Lens>,
    pub view: &'a View,
    /// 1 to 100.
    pub quality: u8,
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

    /// Decodes the picture of a video that is shown so long after its first one, hides what is masked, and cuts a view out
    /// of it. Blocks, about as long as the pictures from one keyframe to the next take.
    pub fn view(&self, file: &File, after: Duration, look: Look<'_>) -> Result<Vec<u8>, StillError> {
        let undecodable = |unfinished: Unfinished| StillError::Undecodable { reason: unfinished.to_string() };
        let mut picture = self.picture_at(file, after).map_err(undecodable)?;
        Masks::new(look.masks).apply(&mut picture);
        let views = Views::new(look.lens, std::slice::from_ref(look.view))?;
        let cut = views.cut(&picture).next().map(|cut| cut.picture);
        Ok(view::encode(cut.as_deref().unwrap_or(&picture), look.quality)?)
    }

    /// Pictures are taken to come at even times. What else the choice would give after the wanted one is not waited for:
    /// the process is ended, and another begins with the next file.
    fn picture_at(&self, file: &File, after: Duration) -> Result<Picture, Unfinished> {
        let path = name_of(file);
        let mut decoder = self.decoder.lock().unwrap_or_else(PoisonError::into_inner);
        let mut decoding = decoder.open(&path, &mut || Ok(()))?;
        let probe = &decoding.opened().probe;
        let share = after.as_secs_f64() / probe.duration.as_secs_f64().max(1e-3);
        let wanted = (share * probe.frames as f64 + 1e-3) as u64;
        let wanted = wanted.min(probe.frames.saturating_sub(1));
        let every = NonZeroU32::new(u32::try_from(wanted).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        decoding.samples(Choice::exact(every));
        let mut last = None;
        while let Some(frame) = decoding.next(&mut || Ok(()))? {
            let is_wanted = frame.index >= wanted;
            last = Some(frame.picture);
            if is_wanted {
                break;
            }
        }
        last.ok_or_else(|| Unfinished::Unreadable("it holds no picture".to_owned()))
    }

    fn first_picture(&self, file: &File) -> Result<Picture, Unfinished> {
        let path = name_of(file);
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

/// The decoding process opens files by name. One in memory has no other, and one of a folder may get another; both are
/// read while `file` is open.
fn name_of(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()))
}

fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("still", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}
