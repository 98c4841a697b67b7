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

/// Returns the variables by which a program that is started itself sees the time as under [`faketime`]: the wrapper would
/// stand between it and signals.
pub(crate) fn faketime_variables(shift: &str) -> Option<Vec<(String, String)>> {
    let [program, flag, shift] = faketime(shift)?;
    let output = Command::new(program).args([flag, shift, "env"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let variables = text.lines().filter_map(|line| line.split_once('='));
    let its_own = variables.filter(|(name, _)| matches!(*name, "LD_PRELOAD" | "FAKETIME"));
    Some(its_own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
