//! The ways in which settings cannot be had.

use std::io;
use std::path::PathBuf;

use crate::Faults;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "no settings found: there is no {}, and no `.env` with CAMERA_IP and OUTPUT_DIR; run `nightreel init` \
         to write one, or name another with `--config FILE`",
        listed(.looked_at)
    )]
    NotFound { looked_at: Vec<PathBuf> },
    #[error("cannot read `{}`", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// Apart from `Unreadable`, because dotenvy's own error repeats the line, which may hold a password.
    #[error("`{}` line {line} is not `NAME=value`; put values with spaces, `$` or `#` into '…'", .path.display())]
    BadDotenv { path: PathBuf, line: usize },
    #[error("{0}")]
    Faults(Faults),
    #[error("{}", listed_secrets(.0))]
    MissingSecrets(Vec<MissingSecret>),
}

/// A secret that the settings name but this machine does not have. Settings load all the same, so that
/// `status` or `process` work where only the recorder knows the cameras' passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSecret {
    /// Such as `camera[0].password_env`.
    pub key: String,
    /// Why, and what to do.
    pub reason: String,
}

fn listed(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    names.join(" or ")
}

fn listed_secrets(missing: &[MissingSecret]) -> String {
    let lines: Vec<_> = missing.iter().map(|secret| format!("`{}`: {}", secret.key, secret.reason)).collect();
    lines.join("\n")
}
