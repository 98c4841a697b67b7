//! nightreel's processor: from a segment to samples, views and observations.

pub mod detect;
mod hex;
mod picture;
pub mod still;
pub mod video;
pub mod view;
pub mod vision;

pub use picture::Picture;
