//! The scout: decodes keyframes ahead of everything else, each by itself.

use std::mem;

use ffmpeg_the_third::{Rational, frame};

use super::decoder::Decoder;
use super::error::VideoError;
use super::source::Source;

/// Reads the file a second time, with a decoder of its own: the other one must keep its references.
pub(super) struct Scout {
    source: Source,
    decoder: Decoder,
    position: usize,
    pub(super) packets_fed: u64,
}

impl Scout {
    pub(super) fn new(source: Source) -> Result<Self, VideoError> {
        let decoder = Decoder::open(&source, 0)?;
        Ok(Self { source, decoder, position: 0, packets_fed: 0 })
    }

    pub(super) fn time_base(&self) -> Rational {
        self.source.stream().time_base()
    }

    /// Decodes the keyframe in the packet at `entry`, which lies ahead; `None` where it is damaged.
    pub(super) fn keyframe(&mut self, entry: usize) -> Option<frame::Video> {
        loop {
            let packet = self.source.next_packet().ok().flatten()?;
            self.position += 1;
            if self.position <= entry {
                continue;
            }
            let refused = self.decoder.refused;
            let mut keyframe = None;
            let mut accept = |frame: &mut frame::Video| {
                keyframe.get_or_insert_with(|| mem::replace(frame, frame::Video::empty()));
            };
            self.packets_fed += 1;
            self.decoder.feed(&packet, &mut accept);
            self.decoder.drain(&mut accept);
            return keyframe.filter(|_| self.decoder.refused == refused);
        }
    }
}
