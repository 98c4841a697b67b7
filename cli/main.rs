//! nightreel: see README.md.
fn main() {}
