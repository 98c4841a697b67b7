//! The packet index: what is known of each packet of the track before anything is decoded.

use super::coded::{Reader, Role};
use super::doubt::Doubt;
use super::error::VideoError;
use super::ffi;
use super::source::Source;

/// An index takes 48 bytes a packet; this is 38 hours at 30 frames per second, or 200 MB.
const MOST_PACKETS: usize = 1 << 22;

/// Describes one packet, in the order of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IndexedPacket {
    /// Presentation time in the track's time base.
    pub pts: Option<i64>,
    pub duration: i64,
    pub size: u32,
    pub role: Role,
    pub temporal_id: u8,
    pub parameter_sets: Option<u64>,
    /// An edit list keeps the picture from being shown; others may need it all the same.
    pub hidden: bool,
}

/// Holds the packets of the track, in the order of decoding.
#[derive(Debug)]
pub(super) struct PacketIndex {
    pub packets: Vec<IndexedPacket>,
    /// Why no plan may be made, where a packet gave a reason.
    pub doubt: Option<Doubt>,
    /// The container broke off before its end.
    pub is_cut_off: bool,
    /// Packets that are there and hold neither a picture nor parameters: they are damaged.
    pub unreadable: u64,
}

impl PacketIndex {
    /// Reads the whole track once; costs about one pass over the file and decodes nothing.
    pub(super) fn scan(source: &mut Source) -> Result<Self, VideoError> {
        let mut reader = Reader::new(source.codec(), &source.extradata());
        let mut index = Self { packets: Vec::new(), doubt: None, is_cut_off: false, unreadable: 0 };
        loop {
            match source.next_packet() {
                Ok(Some(packet)) => index.add(&packet, &mut reader),
                Ok(None) => break,
                Err(_) => {
                    // Players stop here as well: what was read so far is the footage there is.
                    index.is_cut_off = true;
                    break;
                }
            }
            if index.packets.len() > MOST_PACKETS {
                return Err(VideoError::TooLong { path: source.path().to_owned(), limit: MOST_PACKETS });
            }
        }
        Ok(index)
    }

    fn add(&mut self, packet: &ffmpeg_the_third::Packet, reader: &mut Reader) {
        let data = packet.data().unwrap_or_default();
        let unknown = if data.is_empty() { Role::Empty } else { Role::Reference };
        let mut indexed = IndexedPacket {
            pts: packet.pts(),
            duration: packet.duration(),
            size: u32::try_from(packet.size()).unwrap_or(u32::MAX),
            role: unknown,
            temporal_id: 0,
            parameter_sets: None,
            hidden: ffi::is_hidden(packet),
        };
        if self.doubt.is_none() {
            match reader.read(data) {
                Ok(coded) => {
                    indexed.role = coded.role;
                    indexed.temporal_id = coded.temporal_id;
                    indexed.parameter_sets = coded.parameter_sets;
                    let holds_nothing = coded.role == Role::Empty && coded.parameter_sets.is_none();
                    self.unreadable += u64::from(holds_nothing && !data.is_empty());
                }
                Err(doubt) => self.doubt = Some(doubt),
            }
        }
        self.packets.push(indexed);
        // Of the last packet it is half that is there.
        self.is_cut_off = packet.is_corrupt();
    }
}
