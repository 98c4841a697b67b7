//! The few things FFmpeg keeps in fields that the safe bindings do not show.
//!
//! This is the only file of the crate's decoding that holds `unsafe`.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::{ptr, slice};

use ffmpeg::codec::ParametersRef;
use ffmpeg::codec::packet::Ref as _;
use ffmpeg::ffi;
use ffmpeg::format::context::Input;
use ffmpeg_the_third as ffmpeg;

/// Opens a container without looking into its streams.
pub(super) fn open_input(url: &CStr, mut options: ffmpeg::Dictionary) -> Result<Input, ffmpeg::Error> {
    let mut context = ptr::null_mut();
    // SAFETY: `url` ends in NUL; FFmpeg allocates `context` and frees it itself when it fails; the
    // options stay owned by `options`, which frees what FFmpeg leaves of them.
    let code =
        unsafe { ffi::avformat_open_input(&mut context, url.as_ptr(), ptr::null(), options.as_mut_ptr()) };
    if code < 0 {
        return Err(code.into());
    }
    // SAFETY: a context opened without error, handed over whole: `Input` closes it.
    Ok(unsafe { Input::wrap(context) })
}

/// Reads ahead and decodes a little, to learn what the container does not say of its streams.
pub(super) fn probe_streams(input: &mut Input) -> Result<(), ffmpeg::Error> {
    // SAFETY: the context is open; a null list of options is allowed.
    let code = unsafe { ffi::avformat_find_stream_info(input.as_mut_ptr(), ptr::null_mut()) };
    if code < 0 { Err(code.into()) } else { Ok(()) }
}

/// Reads a tag of the container; bytes that are not UTF-8 are replaced.
pub(super) fn tag(input: &Input, key: &CStr) -> Option<String> {
    // SAFETY: the context is open and owns its dictionary; the value is copied before it can change.
    unsafe {
        let entry = ffi::av_dict_get((*input.as_ptr()).metadata, key.as_ptr(), ptr::null(), 0).as_ref()?;
        Some(CStr::from_ptr(entry.value).to_string_lossy().into_owned())
    }
}

/// Makes the demuxer drop the packets of every stream but one.
pub(super) fn keep_only(input: &mut Input, stream: usize) {
    // SAFETY: `streams` points to `nb_streams` valid streams for as long as the context is open.
    unsafe {
        let context = input.as_mut_ptr();
        let streams = slice::from_raw_parts((*context).streams, (*context).nb_streams as usize);
        for (index, &other) in streams.iter().enumerate() {
            if index != stream {
                (*other).discard = ffi::AVDiscard::ALL;
            }
        }
    }
}

/// Borrows a stream's codec parameters; the bindings tie them to a passing view of the stream.
pub(super) fn parameters(input: &Input, stream: usize) -> Option<ParametersRef<'_>> {
    let stream = input.stream(stream)?;
    // SAFETY: the parameters belong to the stream, which lives as long as the context that is borrowed here.
    unsafe { ParametersRef::from_raw((*stream.as_ptr()).codecpar) }
}

/// Copies the codec's out-of-band configuration.
pub(super) fn extradata(parameters: &ParametersRef<'_>) -> Vec<u8> {
    // SAFETY: `extradata` is null or has `extradata_size` bytes, owned by the parameters.
    unsafe {
        let raw = parameters.as_ptr();
        match usize::try_from((*raw).extradata_size) {
            Ok(size) if !(*raw).extradata.is_null() => slice::from_raw_parts((*raw).extradata, size).to_vec(),
            _ => Vec::new(),
        }
    }
}

/// Sets what a decoder must know before it is opened.
///
/// `reorder` is by how many pictures decoding runs ahead of display; a decoder that has to guess it
/// drops the first pictures it finds late. Frames above `max_pixels` are refused.
pub(super) fn configure(context: &mut ffmpeg::codec::Context, reorder: usize, max_pixels: i64) {
    // SAFETY: the context is allocated and not yet opened, when both fields may be set.
    unsafe {
        let raw = context.as_mut_ptr();
        let known = (*raw).has_b_frames;
        (*raw).has_b_frames = known.max(c_int::try_from(reorder).unwrap_or(known));
        (*raw).max_pixels = max_pixels;
    }
}

/// Tells whether an edit list hides the packet's picture.
pub(super) fn is_hidden(packet: &ffmpeg::Packet) -> bool {
    // SAFETY: the pointer is that of a live packet.
    let flags = unsafe { (*packet.as_ptr()).flags };
    flags & ffi::AV_PKT_FLAG_DISCARD as c_int != 0
}

/// How the samples of a frame's first component lie in its first plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SampleLayout {
    /// Bytes from one sample to the next.
    pub step: usize,
    /// Bytes before the first sample.
    pub offset: usize,
    /// Significant bits of a sample.
    pub bits: usize,
}

/// Looks up the layout; `None` for a frame without planes in memory.
pub(super) fn sample_layout(frame: &ffmpeg::frame::Video) -> Option<SampleLayout> {
    // SAFETY: the descriptor is null for an unknown format, else static.
    let descriptor = unsafe { ffi::av_pix_fmt_desc_get(frame.format().into()).as_ref()? };
    // Bit-packed and hardware formats have no whole number of bytes per sample.
    let unsupported = (ffi::AV_PIX_FMT_FLAG_BITSTREAM | ffi::AV_PIX_FMT_FLAG_HWACCEL) as u64;
    if descriptor.flags & unsupported != 0 {
        return None;
    }
    let [step, offset, bits] = [descriptor.comp[0].step, descriptor.comp[0].offset, descriptor.comp[0].depth]
        .map(|number| usize::try_from(number).unwrap_or_default());
    (step > 0).then_some(SampleLayout { step, offset, bits })
}

/// Borrows `bytes` bytes of each of the first `rows` rows of a plane.
///
/// The bindings' own `data` reads the line size as unsigned, which is wrong for pictures stored
/// bottom up.
pub(super) fn rows(
    frame: &ffmpeg::frame::Video,
    plane: usize,
    [bytes, rows]: [usize; 2],
) -> impl Iterator<Item = &[u8]> {
    // SAFETY: the pointer is that of a live frame, borrowed for as long as the rows are.
    let (start, stride) = unsafe {
        let raw = frame.as_ptr();
        ((*raw).data[plane], (*raw).linesize[plane] as isize)
    };
    let fits = !start.is_null() && bytes <= stride.unsigned_abs();
    (0..if fits { rows } else { 0 }).map(move |row| {
        // SAFETY: `data` and `linesize` address every row of the plane, and the row is no longer
        // than its line.
        unsafe { slice::from_raw_parts(start.offset(row as isize * stride), bytes) }
    })
}
