//! The process environment as settings see it: variables, the current folder and its `.env`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use crate::{ConfigError, Origin};

/// Holds the variables of the process, those of `.env` behind them, and the current folder. `Debug` prints
/// names only: any value may be a secret.
#[derive(Clone)]
pub struct Environment {
    folder: PathBuf,
    variables: BTreeMap<String, String>,
    dotenv: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the environment of this process, and `.env` in the current folder where there is one.
    pub fn of_this_process() -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: PathBuf::from("."), source };
        let folder = env::current_dir().map_err(unreadable)?;
        // Names and values that are no Unicode cannot be settings.
        let variables = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::new(folder, variables)
    }

    /// Makes an environment of these variables and the `.env` in `folder`, where there is one.
    pub fn new(folder: impl Into<PathBuf>, variables: BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let folder = folder.into();
        let dotenv = read_dotenv(&folder.join(".env"))?;
        Ok(Self { folder, variables, dotenv })
    }

    /// Makes one without a look at the disk.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn of(folder: &Path, dotenv: BTreeMap<String, String>) -> Self {
        Self { folder: folder.to_owned(), variables: BTreeMap::new(), dotenv }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a variable's value and where it was set: the process first, `.env` only for what is not set
    /// there.
    pub fn get(&self, name: &str) -> Option<(&str, Origin)> {
        let here = self.variables.get(name).map(|value| (value, Origin::Environment(name.to_owned())));
        let (value, origin) =
            here.or_else(|| Some((self.dotenv.get(name)?, Origin::Dotenv(name.to_owned()))))?;
        Some((value.as_str(), origin))
    }

    /// Tells whether `.env` itself has a line for `name`.
    pub(crate) fn dotenv_names(&self, name: &str) -> bool {
        self.dotenv.contains_key(name)
    }

    /// Lists the names that begin with `prefix`, in order.
    pub(crate) fn names_with(&self, prefix: &str) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .variables
            .keys()
            .chain(self.dotenv.keys())
            .map(String::as_str)
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("folder", &self.folder)
            .field("variables", &self.variables.keys())
            .field("dotenv", &self.dotenv.keys())
            .finish()
    }
}

fn read_dotenv(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(unreadable(error)),
    };
    parse_dotenv(path, &text)
}

pub(crate) fn parse_dotenv(path: &Path, text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    dotenvy::from_read_iter(text.as_bytes())
        .map(|entry| {
            entry.map_err(|error| match error {
                dotenvy::Error::LineParse(content, _) => {
                    ConfigError::BadDotenv { path: path.to_owned(), line: line_of(&content, text) }
                }
                dotenvy::Error::Io(source) => unreadable(source),
                other => unreadable(io::Error::new(io::ErrorKind::InvalidData, other)),
            })
        })
        .collect()
}

/// dotenvy tells of the part that it could not read, not of its line.
fn line_of(content: &str, text: &str) -> usize {
    let part = content.lines().next().unwrap_or(content).trim();
    let holds = |line: &str| !line.trim_start().starts_with('#') && line.contains(part);
    1 + text.lines().position(holds).unwrap_or(0)
}
