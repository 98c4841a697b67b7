//! A clock that lies, by way of the Debian package faketime.

use std::process::{Command, Stdio};

/// Returns what to start the program under so that it is `shift` (`+400d`) later for it, or at the absolute
/// time `shift` (`@2040-11-22 05:59:55`, UTC, running on from there). Where faketime is missing, says that the
/// story is skipped and returns nothing.
pub(crate) fn faketime(shift: &str) -> Option<[&str; 3]> {
    let there =
        Command::new("faketime").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return Some(["faketime", "-f", shift]);
    }
    eprintln!("skipped: the Debian package faketime is not installed");
    None
}
