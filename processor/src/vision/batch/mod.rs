//! Batches: questions are gathered while footage is looked at, go to the provider as files, and their answers are
//! read when the provider has them.
//!
//! Read `keeper.rs` first: it takes each batch from its intent to its end. What decides when one goes out is in
//! `due.rs`, what one line says in `line.rs`, what goes over the wire in `provider.rs`.

mod deliver;
mod due;
mod follow;
mod gather;
mod keeper;
mod line;
mod probe;
mod provider;
mod submit;
#[cfg(test)]
mod tests;
mod upload;

pub(crate) use due::Idle;
pub(crate) use keeper::Keeper;
pub use probe::BatchProbe;
