//! Hybrid MP4: fragments while it grows, a regular file with one index once it is closed.
//!
//! `ftyp free moov(mvex) (moof mdat)* moov`. Closing appends the full `moov` and then turns the 16 bytes of
//! `free` into the header of one `mdat` that spans everything up to it.

mod boxes;
mod fragment;
mod g711;
mod head;
mod metadata;
mod parameter_sets;
mod read;
mod sample_table;

pub(crate) use fragment::{FragmentHead, Run, Sample};
pub(crate) use g711::Law;
pub(crate) use head::{FileHead, Origins, SPAN_AT, SPAN_LENGTH, TrackHead, TrackKind, is_map, span_header};
pub(crate) use metadata::Metadata;
pub(crate) use parameter_sets::{ParameterSets, SetsIn};
pub(crate) use read::{
    BoxAt, Fault, Fields, box_at, child, children, parse_fragment, parse_head, parse_track, sample_entries,
};
pub(crate) use sample_table::SampleTable;

#[cfg(test)]
mod tests;
