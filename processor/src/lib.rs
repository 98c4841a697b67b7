//! processor

pub mod detect;
mod picture;
pub mod view;

pub use picture::Picture;
