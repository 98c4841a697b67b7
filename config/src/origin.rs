//! Where a setting's value came from.

use std::fmt;
use std::sync::Arc;

/// Says where a value was set, in the words of a person who wants to change it there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Default,
    /// A line of the settings file, counted from 1.
    File {
        file: Arc<str>,
        line: usize,
    },
    /// An environment variable, by name.
    Environment(String),
    /// A line of `.env` in the current folder, by name.
    Dotenv(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Dotenv(name) => write!(f, ".env {name}"),
        }
    }
}
