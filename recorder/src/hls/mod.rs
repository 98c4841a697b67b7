//! HLS: a live playlist over the very files that are recorded, by byte ranges (RFC 8216, version 7).
//!
//! `tap` hears of fragments and gathers them into parts; `playlist` decides what is listed; `read` finds the
//! playlist of an earlier run; `maps` and `live` look after the files that only the playlist needs, and `leftovers`
//! ends them where there is none any more.

mod leftovers;
mod live;
mod maps;
mod playlist;
mod read;
mod tap;

pub(crate) use leftovers::clear as clear_leftovers;
pub(crate) use tap::HlsTap;

#[cfg(test)]
mod check;
#[cfg(test)]
mod tests;
