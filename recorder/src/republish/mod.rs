//! Republishing: a camera's stream handed on to an RTSP server as it is, by an `ffmpeg` child that is fed from
//! what is recorded.
//!
//! `tap` copies fragments into `queue`; `task` takes them out, apart (`pieces`), and into the `child`. Whatever
//! becomes of the server or the child, the recording does not notice.

mod child;
mod pieces;
mod queue;
mod standing;
mod tap;
mod task;

pub use child::exposes_password;
pub(crate) use task::start;
