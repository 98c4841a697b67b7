//! HLS: a live playlist over the very files that are recorded, by byte ranges (RFC 8216, version 7).
//!
//! `tap` hears of fragments and gathers them into parts; `playlist` decides what is listed; `read` finds the
//! playlist of an earlier run; `maps` and `live` look after the files that only the playlist needs.

mod live;
mod maps;
mod playlist;
mod read;
mod tap;

#[cfg(any(test, fuzzing))]
pub(crate) use read::read as read_playlist;
pub(crate) use tap::HlsTap;

#[cfg(test)]
mod check;
#[cfg(test)]
mod tests;
