//! Users' stories, told through the real binary. One crate, since each links OpenCV and FFmpeg anew.

#![allow(clippy::unwrap_used, reason = "a story fails where it panics")]
#![allow(clippy::disallowed_methods, reason = "users do to files what the program itself must not")]
#![allow(clippy::print_stderr, reason = "what a skipped or failed story has to say")]

mod support;

mod answers;
mod archive;
mod archive_classes;
mod archive_faults;
mod archived_pages;
mod asking;
mod bad_input;
mod batches;
mod clips;
mod coverage;
mod decoding;
mod digests;
mod doctor;
mod events;
mod exactness;
mod floor;
mod gate;
mod hls;
mod kept_days;
mod kill;
mod live;
mod main_job;
mod masks;
mod models;
mod money;
mod other_recorders;
mod pages;
mod policy;
mod process_files;
mod reaching;
mod rebuilding;
mod rebuilding_archive;
mod recording;
mod retaining;
mod sealed;
mod settings;
mod snapshots;
mod stills;
mod telling;
mod views;
mod vision;
mod vision_faults;
mod windows;
