//! Opening what commands work on: the settings, then the store they describe.

use std::path::{Path, PathBuf};

use anyhow::Context;
use catalog::{Catalog, Clock, MediaFolder, MediaRoot};
use config::{Environment, Loaded, Recording, Settings};

use crate::args::Global;

/// Loads the settings and logs what deserves to be said of them.
pub(crate) fn settings(global: &Global) -> anyhow::Result<Loaded> {
    let loaded = config::load(global.config.as_deref(), &Environment::of_this_process()?)?;
    warn(&loaded);
    Ok(loaded)
}

/// As [`settings`], but where there are none the defaults hold.
pub(crate) fn settings_or_defaults(global: &Global) -> anyhow::Result<Loaded> {
    let environment = Environment::of_this_process()?;
    match config::load(global.config.as_deref(), &environment) {
        Err(config::ConfigError::NotFound { .. }) => {
            Ok(config::defaults(environment.folder(), &environment)?)
        }
        loaded => {
            let loaded = loaded?;
            warn(&loaded);
            Ok(loaded)
        }
    }
}

fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!(warning, "settings");
    }
}

/// The catalogue and the media folder that belong to some settings.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) settings: Settings,
    pub(crate) catalog: Catalog,
    pub(crate) root: MediaRoot,
    pub(crate) clock: Clock,
}

impl Store {
    /// Opens the store, making what is missing: for commands that bring footage in.
    pub(crate) fn create(settings: &Settings) -> anyhow::Result<Self> {
        refuse_what_was_left_out(settings)?;
        let root = &settings.storage.root;
        std::fs::create_dir_all(root)
            .with_context(|| format!("cannot make the folder `{}`; see `storage.root`", root.display()))?;
        let catalog = Catalog::open(&settings.storage.state_dir)?;
        let root = MediaRoot::open(&catalog, root)?;
        Ok(Self { settings: settings.clone(), catalog, root, clock: Clock::system() })
    }

    /// Opens a store that is there: for commands that only look, or take away.
    pub(crate) fn existing(settings: &Settings) -> anyhow::Result<Self> {
        let root = &settings.storage.root;
        anyhow::ensure!(
            root.is_dir(),
            "`storage.root` = `{}` is not there; is its disk mounted? `nightreel record` makes it at first use",
            root.display()
        );
        Self::create(settings)
    }

    pub(crate) fn media(&self) -> MediaFolder {
        MediaFolder::new(self.catalog.clone(), Some(self.root.clone()))
    }

    /// Notes which cameras are to be recorded: all of the settings, also where only some are recorded now.
    pub(crate) fn note_cameras(&self, settings: &Settings) -> anyhow::Result<()> {
        let recorded = settings.cameras.iter().filter(|camera| camera.recording != Recording::Off);
        let cameras: Vec<_> = recorded.map(|camera| camera.id.clone()).collect();
        Ok(self.catalog.note_configured(&cameras, self.clock.now())?)
    }

    /// Notes that footage is worked on now, and warns while the clock is in doubt.
    pub(crate) fn note_run(&self) -> anyhow::Result<()> {
        if let Some(doubt) = self.catalog.note_run(self.clock.now())? {
            tracing::warn!(
                before = %doubt.before, now = %doubt.now,
                "the clock is in doubt and nothing is deleted by age; `nightreel retain --confirm-clock` says \
                 that it is right"
            );
        }
        Ok(())
    }
}

/// A section that would have no effect, because of how this binary was built, is told of.
fn refuse_what_was_left_out(settings: &Settings) -> anyhow::Result<()> {
    let sections = [
        ("archive", cfg!(feature = "archive"), settings.archive.is_some()),
        ("snapshots", cfg!(feature = "archive"), settings.snapshot_store.is_some()),
        ("mqtt", cfg!(feature = "mqtt"), settings.mqtt.is_some()),
        ("report", cfg!(feature = "dashboard"), settings.report_dir.is_some()),
    ];
    for (section, is_built_in, is_wanted) in sections {
        anyhow::ensure!(
            is_built_in || !is_wanted,
            "this nightreel was built without what `[{section}]` needs; take it out of the settings, or use the full one"
        );
    }
    Ok(())
}

/// What was seen: in the footage of the root, or in files that were named to `process`.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) settings: Settings,
    pub(crate) catalog: Catalog,
    pub(crate) clock: Clock,
    /// What of it is wanted, by absolute paths; empty for the footage of the root.
    pub(crate) paths: Vec<PathBuf>,
}

impl Seen {
    /// Opens the root's catalogue or, where paths are given, that of named files, which needs no settings.
    pub(crate) fn open(global: &Global, paths: &[PathBuf]) -> anyhow::Result<Self> {
        if paths.is_empty() {
            let Store { settings, catalog, clock, .. } = Store::existing(&settings(global)?.settings)?;
            return Ok(Self { settings, catalog, clock, paths: Vec::new() });
        }
        let settings = settings_or_defaults(global)?.settings;
        let state_dir = personal_state_dir()?;
        anyhow::ensure!(
            state_dir.is_dir(),
            "no file was looked at by its path yet; `nightreel process PATH` does"
        );
        let paths = paths.iter().map(|path| resolved(path)).collect::<anyhow::Result<_>>()?;
        Ok(Self { settings, catalog: Catalog::open(&state_dir)?, clock: Clock::system(), paths })
    }
}

/// What is gone is known by its path as it was.
fn resolved(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .with_context(|| format!("cannot resolve `{}`", path.display()))
}

/// Where the catalogue of named files lies, for lack of a root.
pub(crate) fn personal_state_dir() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("XDG_STATE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("nightreel"))
        .context("there is no place for the results of named files; set `XDG_STATE_HOME` or `HOME`")
}
