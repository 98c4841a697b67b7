//! Lays the edge program out: what recording runs all the time stands side by side in it.
//!
//! Where the program is touched, 64 kB around it come into memory. The half a megabyte of functions that recording
//! needs is strewn over all of it by the linker, and costs eight times its size.

use std::env;

/// Functions by their names in the object files, one to a line; made by `scripts/bench.sh layout`. Names that no
/// longer exist are passed over: an old list costs memory, and nothing else.
const ORDER: &str = "cli/edge.order";

fn main() {
    println!("cargo::rerun-if-changed={ORDER}");
    if is_edge() && links_with_lld() {
        let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
        println!("cargo::rustc-link-arg-bins=-Wl,--symbol-ordering-file={folder}/{ORDER}");
        println!("cargo::rustc-link-arg-bins=-Wl,--no-warn-symbol-ordering");
    }
}

fn is_edge() -> bool {
    env::var_os("CARGO_FEATURE_PROCESS").is_none()
}

/// Rust brings LLD along on this target alone. Elsewhere, or where somebody has chosen a linker, it may be one that
/// does not know the option.
fn links_with_lld() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let is_chosen = env::var_os("RUSTC_LINKER").is_some() || flags.contains("link");
    env::var("TARGET").is_ok_and(|target| target == "x86_64-unknown-linux-gnu") && !is_chosen
}
