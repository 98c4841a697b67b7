//! A still: the JPEG of one coded picture that never was a file on a disk.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use config::Mask;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::mask::Masks;
use crate::video::{Video, VideoError};
use crate::view::{self, ViewError};

/// Says why a coded picture became no JPEG.
#[derive(Debug, thiserror::Error)]
pub enum StillError {
    #[error("the system gives no memory for a file of {length} bytes")]
    NoMemory { length: usize, source: io::Error },
    #[error("the picture cannot be decoded")]
    Undecodable(#[from] VideoError),
    #[error("the picture cannot be written")]
    Unwritable(#[from] ViewError),
}

/// Decodes the first picture of `mp4`, which is a whole file, turns it as the file says and hides what is masked;
/// `quality` is 1 to 100. Blocks, and takes about as long as any keyframe.
pub fn jpeg(mp4: &[u8], masks: &[Mask], quality: u8) -> Result<Vec<u8>, StillError> {
    let file = in_memory(mp4).map_err(|source| StillError::NoMemory { length: mp4.len(), source })?;
    // FFmpeg opens files by name, and this one has no other; it is read while `file` is open
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let mut samples = Video::open(&path)?.samples(NonZeroU32::MIN)?;
    let frame = samples.next().unwrap_or(Err(VideoError::NoFrames { path }))?;
    let mut picture = frame.picture()?;
    Masks::new(masks).apply(&mut picture);
    Ok(view::encode(&picture, quality)?)
}

fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("still", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Encodes one picture of a test scene; a fragmented MP4, as the recorder hands it over.
    fn mp4(arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=320x240"])
            .args(["-frames:v", "1", "-pix_fmt", "yuv420p"])
            .args(arguments)
            .args(["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"])
            .output()
            .expect("ffmpeg is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn luma_of(jpeg: &[u8]) -> (usize, usize, Vec<u8>) {
        let read = turbojpeg::decompress_to_yuv(jpeg).unwrap();
        let luma = read.pixels[..read.width * read.height].to_vec();
        (read.width, read.height, luma)
    }

    #[test]
    fn the_jpeg_shows_the_keyframe() {
        let codecs: [&[&str]; 2] = [
            &["-c:v", "libx264", "-crf", "12"],
            &["-c:v", "libx265", "-x265-params", "crf=12:log-level=none", "-tag:v", "hvc1"],
        ];
        let wanted = Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=320x240"])
            .args(["-frames:v", "1", "-vf", "scale=out_range=full,format=yuvj420p,extractplanes=y"])
            .args(["-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"])
            .output()
            .unwrap();
        for codec in codecs {
            let (width, height, luma) = luma_of(&jpeg(&mp4(codec), &[], 95).unwrap());
            assert_eq!((width, height), (320, 240));
            let likeness = view::scene::psnr(&wanted.stdout, &luma);
            assert!(likeness > 35.0, "{likeness} dB, {codec:?}");
        }
    }

    #[test]
    fn what_is_masked_is_not_in_the_jpeg() {
        let polygon = vec![[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]];
        let mask = Mask { polygon, fill: config::Fill::Black };
        let mp4 = mp4(&["-c:v", "libx264"]);
        let brightest = |masks: &[Mask]| {
            let (width, _, luma) = luma_of(&jpeg(&mp4, masks, 95).unwrap());
            luma.chunks(width).flat_map(|row| &row[..155]).copied().max().unwrap()
        };
        assert!(brightest(&[]) > 200 && brightest(&[mask]) < 10);
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        let whole = mp4(&["-c:v", "libx264"]);
        for bytes in [&[][..], b"no video at all", &whole[..whole.len() / 4], &whole[..700]] {
            assert!(matches!(jpeg(bytes, &[], 80), Err(StillError::Undecodable(_))), "{} bytes", bytes.len());
        }
    }

    #[test]
    fn nothing_stays_open() {
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let whole = mp4(&["-c:v", "libx264"]);
        jpeg(&whole, &[], 80).unwrap();
        let before = open();
        for _ in 0..10 {
            jpeg(&whole, &[], 80).unwrap();
        }
        assert_eq!(open(), before);
    }
}
