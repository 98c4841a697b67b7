//! Settings as loaded, with all that a person asks about them: from where, and what is not well.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::{CameraId, ConfigError, MissingSecret, Origin, Settings};

#[derive(Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// The settings file, or `.env`; absent for plain defaults.
    pub path: Option<PathBuf>,
    /// What works but deserves to be said; log each once.
    pub warnings: Vec<String>,
    pub(crate) effective: toml::Table,
    pub(crate) origins: BTreeMap<String, Origin>,
    pub(crate) missing: Vec<MissingSecret>,
}

impl Loaded {
    /// Returns the settings in force as a tree like the file's, defaults filled in. Secrets are `***`; keys
    /// that have neither a value nor a default are left out.
    pub fn effective(&self) -> &toml::Table {
        &self.effective
    }

    /// Tells where the key at a path such as `camera[0].url` was set; for a list from a file, where the list
    /// was.
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// Lists the secrets that are named but not to be found on this machine.
    pub fn missing_secrets(&self) -> &[MissingSecret] {
        &self.missing
    }

    /// Fails where the password of a camera is named but missing. Call it before recording.
    pub fn require_camera_secrets(&self) -> Result<(), ConfigError> {
        self.require_secrets("camera[")
    }

    /// Returns what a camera's settings name but this machine does not have.
    pub fn missing_secret_of(&self, camera: &CameraId) -> Option<&MissingSecret> {
        let index = self.settings.cameras.iter().position(|known| known.id == *camera)?;
        let section = format!("camera[{index}].");
        self.missing.iter().find(|secret| secret.key.starts_with(&section))
    }

    /// Fails where the key of the vision model is named but missing. Call it before asking the model.
    pub fn require_vision_secret(&self) -> Result<(), ConfigError> {
        self.require_secrets("vision.")
    }

    fn require_secrets(&self, section: &str) -> Result<(), ConfigError> {
        let missing: Vec<_> =
            self.missing.iter().filter(|secret| secret.key.starts_with(section)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(ConfigError::MissingSecrets(missing)) }
    }
}
