//! `doctor`: is everything there that the settings need? Each fault comes with its fix.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use catalog::{Catalog, MediaRoot};
use clap::Args;
use config::{Camera, Loaded, Settings};
use recorder::{SoundKept, StreamInfo};
use serde::Serialize;

use crate::args::Global;
use crate::{open, output, runtime};

/// Check settings, cameras, disk, clock, archive, model and vision server, and say what to do about each fault.
///
/// Nothing is recorded, sent or changed; a camera is asked what it offers, a vision server for its list of
/// models, an archive for a list of its bundles, which costs next to nothing. Ends with 1 when something does not work.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel doctor\n  \
    nightreel doctor --json | jq 'select(.verdict == \"fault\")'")]
pub(crate) struct DoctorArgs {
    /// Print one object per check and line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    /// Works, but deserves a look.
    Warning,
    Fault,
}

#[derive(Debug, Serialize)]
pub(super) struct Check {
    what: String,
    verdict: Verdict,
    /// What was found and, for a fault, what to do.
    text: String,
}

impl Check {
    pub(super) fn ok(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Ok, text: text.into() }
    }

    pub(super) fn warning(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Warning, text: text.into() }
    }

    pub(super) fn fault(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Fault, text: text.into() }
    }

    /// Turns an error and all its causes into a fault.
    pub(super) fn failed(what: impl Into<String>, error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Self::fault(what, text)
    }
}

pub(crate) fn run(global: &Global, args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let loaded = open::settings(global)?;
    let checks = runtime::block_on(async { Ok(examine(&loaded).await) })?;
    for check in &checks {
        match args.json {
            true => output::json(check)?,
            false => output::line(line(check))?,
        }
    }
    let faults = checks.iter().filter(|check| check.verdict == Verdict::Fault).count();
    if !args.json {
        output::line(match faults {
            0 => "\nall is well".to_owned(),
            1 => "\n1 fault".to_owned(),
            _ => format!("\n{faults} faults"),
        })?;
    }
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(check: &Check) -> String {
    let mark = match check.verdict {
        Verdict::Ok => "ok     ",
        Verdict::Warning => "warning",
        Verdict::Fault => "FAULT  ",
    };
    format!("{mark} {}: {}", check.what, check.text)
}

async fn examine(loaded: &Loaded) -> Vec<Check> {
    let settings = &loaded.settings;
    let mut checks = vec![settings_check(loaded)];
    checks.extend(loaded.missing_secrets().iter().map(|secret| Check::fault(&secret.key, &secret.reason)));
    checks.extend(storage(settings));
    checks.extend(cameras(settings).await);
    checks.extend(settings.cameras.iter().flat_map(outputs));
    #[cfg(feature = "archive")]
    checks.extend(super::doctor_archive::examine(settings).await);
    #[cfg(feature = "process")]
    checks.extend(super::doctor_process::examine(settings).await);
    checks
}

fn settings_check(loaded: &Loaded) -> Check {
    let name = loaded.path.as_ref().map_or("the environment".to_owned(), |path| path.display().to_string());
    match loaded.warnings.as_slice() {
        [] => Check::ok("settings", name),
        warnings => Check::warning("settings", format!("{name}: {}", warnings.join("; "))),
    }
}

/// Looks at the folders without making any: the disk may not be mounted.
fn storage(settings: &Settings) -> Vec<Check> {
    let (root, state) = (&settings.storage.root, &settings.storage.state_dir);
    let mut checks = vec![folder("storage.root", root)];
    if !state.starts_with(root) {
        checks.push(folder("storage.state_dir", state));
    }
    if root.is_dir() {
        checks.push(disk(settings));
    }
    if root.is_dir() && state.is_dir() {
        checks.push(store(settings));
    }
    checks
}

fn folder(key: &str, path: &Path) -> Check {
    if path.is_dir() {
        return match rustix::fs::access(path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK) {
            Ok(()) => Check::ok(key, format!("`{}` can be written to", path.display())),
            Err(errno) => Check::fault(
                key,
                format!("`{}` cannot be written to ({errno}); give this user the right to", path.display()),
            ),
        };
    }
    if path.symlink_metadata().is_ok() {
        return Check::fault(
            key,
            format!("`{}` is there, but it is no folder; move it away", path.display()),
        );
    }
    let nearest = path.ancestors().find(|folder| folder.is_dir()).map(PathBuf::from).unwrap_or_default();
    match rustix::fs::access(&nearest, rustix::fs::Access::WRITE_OK) {
        Ok(()) => Check::warning(
            key,
            format!(
                "`{}` is not there yet and will be made; if it is a disk, mount it first",
                path.display()
            ),
        ),
        Err(errno) => Check::fault(
            key,
            format!(
                "`{}` is not there and cannot be made in `{}` ({errno})",
                path.display(),
                nearest.display()
            ),
        ),
    }
}

fn disk(settings: &Settings) -> Check {
    let disk = match retention::measure(&settings.storage.root) {
        Ok(disk) => disk,
        Err(error) => return Check::failed("disk", &error),
    };
    let text = format!("{} free of {}", output::size(disk.free), output::size(disk.total));
    match settings.retention.min_free {
        Some(floor) if disk.total < floor => Check::fault(
            "disk",
            format!("{text}, less than `retention.min_free_gb` at its emptiest; lower the key"),
        ),
        Some(floor) if disk.free < floor => Check::warning(
            "disk",
            format!("{text}: below `retention.min_free_gb`, the oldest will be deleted"),
        ),
        None if disk.free < disk.total / 20 => Check::warning(
            "disk",
            format!("{text}, and nothing is deleted for space; set `retention.min_free_gb`"),
        ),
        _ => Check::ok("disk", text),
    }
}

fn store(settings: &Settings) -> Check {
    let looked = || -> Result<Check, catalog::CatalogError> {
        let catalog = Catalog::open(&settings.storage.state_dir)?;
        MediaRoot::open(&catalog, &settings.storage.root)?;
        Ok(match catalog.clock_doubt()? {
            None => Check::ok("catalogue", format!("`{}`", catalog.path().display())),
            Some(doubt) => Check::warning(
                "clock",
                format!(
                    "in doubt: it said {} after {}; `nightreel retain --confirm-clock` if it is right",
                    doubt.now, doubt.before
                ),
            ),
        })
    };
    looked().unwrap_or_else(|error| Check::failed("catalogue", &error))
}

/// Asks all cameras at once: each may take its 10 s to stay silent.
async fn cameras(settings: &Settings) -> Vec<Check> {
    if settings.cameras.is_empty() {
        return vec![Check::warning(
            "cameras",
            "none in the settings; every folder under the root counts as one that another recorder fills",
        )];
    }
    let asked = settings.cameras.iter().map(async |camera| {
        let what = format!("camera {}", camera.id);
        if camera.source.is_none() {
            return Check::ok(what, "has no `url`: another recorder fills its folder");
        }
        match recorder::describe(camera).await {
            Ok(stream) => described(what, &stream),
            Err(error) => Check::failed(what, &error),
        }
    });
    futures::future::join_all(asked).await
}

/// What is made of a camera's stream beside the recording.
fn outputs(camera: &Camera) -> Vec<Check> {
    let lacking = if cfg!(feature = "process") { None } else { recorder::lacks_decoder(camera) };
    let warnings = recorder::exposes_password(camera).into_iter().chain(lacking);
    warnings.map(|text| Check::warning(format!("camera {}", camera.id), text)).collect()
}

fn described(what: String, stream: &StreamInfo) -> Check {
    let size = stream.size.map(|(width, height)| format!(" {width}x{height}")).unwrap_or_default();
    let video = format!("{}{size}", stream.codec);
    match &stream.sound {
        None => Check::ok(what, format!("{video}, no sound")),
        Some((format, SoundKept::Yes)) => Check::ok(what, format!("{video}, sound {format}")),
        Some((format, SoundKept::No)) => Check::warning(
            what,
            format!(
                "{video}, but its sound ({format}) cannot be kept; choose AAC in the camera, or `audio = false`"
            ),
        ),
    }
}
