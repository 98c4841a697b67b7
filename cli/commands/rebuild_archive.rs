//! `rebuild --archive`: the bundles of the store, taken into the catalogue that was made anew.

use anyhow::Context;
use config::{Archive, Settings};
use retention::archive::{Finder, Found, Frozen, Keys, Store};

use crate::{open, output};

/// An archive that answered before anything was replaced.
#[derive(Debug)]
pub(super) struct Reached {
    settings: Archive,
    store: Store,
    frozen: Frozen,
}

impl Reached {
    pub(super) fn open(settings: &Settings, thaw: bool) -> anyhow::Result<Self> {
        let archive = settings.archive.clone();
        let archive = archive.context("there is no archive: the settings have no section `[archive]`")?;
        let store = Store::open(&archive)?;
        store.probe().context("nothing was replaced: the archive does not answer")?;
        let frozen = if thaw { Frozen::Thaw } else { Frozen::Leave };
        Ok(Self { settings: archive, store, frozen })
    }

    pub(super) fn adopt(&self, settings: &Settings) -> anyhow::Result<Found> {
        let catalog = &open::Store::existing(settings)?.catalog;
        let (store, keys, frozen) = (&self.store, &Keys::of(&self.settings), self.frozen);
        let mut found = Finder { catalog, store, keys, frozen }
            .adopt()
            .context("the archive was not read to its end: give the same command again, and it goes on")?;
        // To see whether it answers.
        found.requests += 1;
        Ok(found)
    }

    pub(super) fn tell(&self, found: &Found) -> anyhow::Result<()> {
        output::line(format!(
            "archive: {} bundles with {} segments ({} with results), {} known already, {} requests",
            found.bundles, found.segments, found.results, found.known, found.requests
        ))?;
        for fault in &found.faults {
            output::line(format!("passed over: {}: {}", fault.key, fault.what))?;
        }
        if let Some(why) = &found.unopened_because {
            output::line(format!("without results, {} segments: {why}", found.unopened))?;
        }
        if found.passed_over > 0 {
            output::line(format!("no bundles, {} objects", found.passed_over))?;
        }
        let what = match self.frozen {
            Frozen::Leave => "frozen, and unknown until it is thawed; `--thaw` asks for that, which costs",
            Frozen::Thaw => "asked for; give the same command again when it is thawed",
        };
        found.frozen.iter().try_for_each(|key| output::line(format!("{what}: {key}")))
    }
}
