//! nightreel's processor: from a segment to samples, views and observations.

pub mod detect;
mod picture;
pub mod video;
pub mod view;

pub use picture::Picture;
