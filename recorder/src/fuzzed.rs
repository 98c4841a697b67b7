//! What fuzzing does to the recorder: each function takes any bytes and asserts what must hold for all.

mod mp4;
mod playlist;
mod recovery;

pub use mp4::mp4;
pub use playlist::playlist;
pub use recovery::recovery;

#[cfg(test)]
mod tests;
