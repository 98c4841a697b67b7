//! Loading: find the settings, lay the layers over each other, read, check.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, path};

use crate::check::Check;
use crate::credentials::Readers;
use crate::raw::RawSettings;
use crate::tree::{self, Node, Table, Value};
use crate::{ConfigError, Environment, Faults, Loaded, Origin, dotenv, overlay, reading};

#[cfg(test)]
mod tests;

/// Name of the settings file, in the current folder.
pub const FILE_NAME: &str = "nightreel.toml";
const SYSTEM_FILE: &str = "/etc/nightreel/nightreel.toml";

/// Loads the settings: from `explicit`; else `./nightreel.toml`; else `/etc/nightreel/nightreel.toml`; else
/// from the names in `.env`. Variables `NIGHTREEL__SECTION__KEY` lie over what is found.
///
/// # Errors
///
/// `NotFound` where there is none of these; `Faults` with everything that is wrong at once, but for faults of
/// TOML's syntax, which are told of alone, because what follows from them only confuses.
pub fn load(explicit: Option<&Path>, environment: &Environment) -> Result<Loaded, ConfigError> {
    let here = environment.folder().join(FILE_NAME);
    let looked_at = [(here, FILE_NAME), (PathBuf::from(SYSTEM_FILE), SYSTEM_FILE)];
    if let Some(explicit) = explicit {
        return load_file(&environment.folder().join(explicit), &explicit.display().to_string(), environment);
    }
    for (path, name) in &looked_at {
        if path.exists() {
            return load_file(path, name, environment);
        }
    }
    if dotenv::describes_a_camera(environment) {
        return load_dotenv(environment);
    }
    Err(ConfigError::NotFound { looked_at: looked_at.map(|(_, name)| PathBuf::from(name)).into() })
}

/// Loads what holds without any file: the defaults with this root, and the environment's layer over them.
pub fn defaults(root: &Path, environment: &Environment) -> Result<Loaded, ConfigError> {
    let root = Node { value: Value::Text(root.display().to_string()), origin: Origin::Default };
    let storage = Value::Table(Table::from([("root".to_owned(), root)]));
    let table = Table::from([("storage".to_owned(), Node { value: storage, origin: Origin::Default })]);
    Sources { table, path: None, base: environment.folder(), faults: Faults::default() }.load(environment)
}

fn load_file(path: &Path, name: &str, environment: &Environment) -> Result<Loaded, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let path = path::absolute(path).map_err(unreadable)?;
    let mut loaded = load_text(&text, name, &path, environment)?;
    if holds_a_secret(&loaded) {
        loaded.warnings.extend(Readers::of(&path).map_err(unreadable)?.warning(&path));
    }
    Ok(loaded)
}

/// Loads what a file at this `path` holds; messages call it by `name`.
pub(crate) fn load_text(
    text: &str,
    name: &str,
    path: &Path,
    environment: &Environment,
) -> Result<Loaded, ConfigError> {
    let mut faults = Faults::default();
    let table = tree::parse(text, &Arc::from(name), &mut faults);
    if !faults.is_empty() {
        return Err(ConfigError::Faults(faults));
    }
    let base = path.parent().unwrap_or(environment.folder());
    Sources { table, path: Some(path.to_owned()), base, faults }.load(environment)
}

pub(crate) fn load_dotenv(environment: &Environment) -> Result<Loaded, ConfigError> {
    let mut faults = Faults::default();
    let table = dotenv::settings(environment, &mut faults);
    // As with TOML's syntax: what would follow from a missing name only confuses.
    if !faults.is_empty() {
        return Err(ConfigError::Faults(faults));
    }
    let path = environment.folder().join(".env");
    let path = path.exists().then_some(path);
    let mut loaded = Sources { table, path, base: environment.folder(), faults }.load(environment)?;
    loaded.warnings.extend(dotenv::warnings(environment));
    Ok(loaded)
}

/// What was gathered before anything is read out of it.
struct Sources<'b> {
    table: Table,
    path: Option<PathBuf>,
    /// Relative paths in the settings are meant from here.
    base: &'b Path,
    faults: Faults,
}

impl Sources<'_> {
    fn load(self, environment: &Environment) -> Result<Loaded, ConfigError> {
        let Self { mut table, path, base, mut faults } = self;
        overlay::lay(&mut table, environment, &mut faults);
        let mut origins = tree::origins(&table);
        let mut raw: RawSettings = reading::read(&mut table, &mut faults);
        let mut check = Check {
            environment,
            base,
            origins: &mut origins,
            faults: &mut faults,
            warnings: Vec::new(),
            missing: Vec::new(),
            has_own_labels: false,
        };
        let settings = check.settings(&mut raw);
        let (warnings, missing) = (check.warnings, check.missing);
        faults.locate(&origins);
        match settings.filter(|_| faults.is_empty()) {
            Some(settings) => {
                let effective =
                    toml::Table::try_from(&raw).expect("raw settings are tables, texts and numbers");
                Ok(Loaded { settings, path, warnings, effective, origins, missing })
            }
            None => Err(ConfigError::Faults(faults)),
        }
    }
}

/// Tells whether the settings file itself holds a secret, rather than the name of where one is.
fn holds_a_secret(loaded: &Loaded) -> bool {
    let names = ["password", "republish_password", "api_key", "webhook"];
    loaded.origins.iter().any(|(key, origin)| {
        let name = key.rsplit('.').next().unwrap_or(key);
        names.contains(&name) && matches!(origin, Origin::File { .. })
    })
}
