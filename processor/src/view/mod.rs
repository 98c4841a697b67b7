//! Views: the pictures that are looked at, cut out of what the camera records.
//!
//! A lens says where a direction falls on the recorded picture, a view says in which directions its pixels
//! look; a map joins the two once per size of picture, and each frame only follows it.

mod circle;
mod direction;
mod error;
mod fit;
mod jpeg;
mod lens;
mod lens_table;
mod map;
mod mapping;
mod outline;
mod panorama;
mod rays;
mod resize;
mod rim;
mod views;

#[cfg(test)]
mod against_opencv;
#[cfg(test)]
mod against_v360;
#[cfg(test)]
mod costs;
#[cfg(test)]
pub(crate) mod scene;

pub use circle::find_circle;
pub use error::ViewError;
pub use jpeg::{encode, shrink_to};
pub use outline::outlined;
pub(crate) use resize::{PlaneSize, Smoothing, resize_plane};
pub use views::{Cut, Views};
