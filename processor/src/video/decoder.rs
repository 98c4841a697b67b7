//! A decoder of one thread: packets in, frames out.

use std::io;

use ffmpeg::{Packet, codec, frame};
use ffmpeg_the_third as ffmpeg;

use super::error::VideoError;
use super::ffi;
use super::source::Source;

/// 8K twice over; a header that promises more is refused before memory is taken for it.
const MOST_PIXELS: i64 = 1 << 26;
/// A decoder that only reports errors while it is emptied would never come to an end.
const MOST_ERRORS_IN_A_ROW: usize = 32;

pub(super) struct Decoder {
    inner: codec::decoder::Video,
    spare: frame::Video,
    /// Packets it would not take, or made nothing of.
    pub(super) refused: u64,
    /// What it could not decode for lack of memory says nothing of the file.
    pub(super) is_out_of_memory: bool,
}

impl Decoder {
    /// Opens a decoder of one thread: a second segment on the other core gains more than frame threads, and
    /// slice threads gain nothing on the single slices cameras send.
    pub(super) fn open(source: &Source, reorder: usize) -> Result<Self, VideoError> {
        let failed = |error| VideoError::NoDecoder {
            path: source.path().to_owned(),
            codec: source.codec().to_owned(),
            source: error,
        };
        Self::of(source.parameters(), reorder).map_err(failed)
    }

    /// As [`open`](Self::open), for what is no file.
    pub(super) fn of(parameters: codec::ParametersRef<'_>, reorder: usize) -> Result<Self, ffmpeg::Error> {
        let mut context = codec::Context::from_parameters(parameters)?;
        ffi::configure(&mut context, reorder, MOST_PIXELS);
        context.set_threading(codec::threading::Config::count(1));
        let inner = context.decoder().video()?;
        Ok(Self { inner, spare: frame::Video::empty(), refused: 0, is_out_of_memory: false })
    }

    /// Gives it one packet and hands on every frame that is ready. What `accept` wants it takes; the rest is
    /// written over.
    pub(super) fn feed(&mut self, packet: &Packet, accept: &mut dyn FnMut(&mut frame::Video)) {
        let mut sent = self.inner.send_packet(packet);
        if is_again(sent) {
            self.collect(accept);
            sent = self.inner.send_packet(packet);
        }
        if let Err(error) = sent {
            self.note(error);
        }
        self.collect(accept);
    }

    /// Takes out all it still holds, and makes it forget its references.
    pub(super) fn drain(&mut self, accept: &mut dyn FnMut(&mut frame::Video)) {
        if self.inner.send_eof().is_ok() {
            self.collect(accept);
        }
        self.inner.flush();
    }

    fn collect(&mut self, accept: &mut dyn FnMut(&mut frame::Video)) {
        let mut errors = 0;
        while errors < MOST_ERRORS_IN_A_ROW {
            match self.inner.receive_frame(&mut self.spare) {
                Ok(()) => {
                    errors = 0;
                    accept(&mut self.spare);
                }
                Err(ffmpeg::Error::Eof) => break,
                error if is_again(error) => break,
                Err(error) => {
                    errors += 1;
                    self.note(error);
                }
            }
        }
    }

    fn note(&mut self, error: ffmpeg::Error) {
        self.refused += 1;
        self.is_out_of_memory |= kind(error) == Some(io::ErrorKind::OutOfMemory);
    }
}

fn is_again(result: Result<(), ffmpeg::Error>) -> bool {
    result.is_err_and(|error| kind(error) == Some(io::ErrorKind::WouldBlock))
}

fn kind(error: ffmpeg::Error) -> Option<io::ErrorKind> {
    let ffmpeg::Error::Other { errno } = error else { return None };
    Some(io::Error::from_raw_os_error(errno).kind())
}
