//! What `doctor` looks at for the archive, and for where snapshots go: is the store there, and may we?

use config::{Archive, Settings};
use retention::archive::{ArchiveError, Store, probe_for_pictures};

use super::doctor::Check;

const WHAT: &str = "archive";
const SNAPSHOTS: &str = "snapshots";

pub(super) async fn examine(settings: &Settings) -> Vec<Check> {
    let mut checks = archive(settings).await;
    if let Some(place) = &settings.snapshot_store {
        checks.push(match probe_for_pictures(place).await {
            Ok(()) => Check::ok(SNAPSHOTS, format!("`{}` answers", place.address())),
            Err(error) => Check::failed(SNAPSHOTS, &error),
        });
    }
    checks
}

async fn archive(settings: &Settings) -> Vec<Check> {
    let Some(archive) = settings.archive.clone() else { return Vec::new() };
    // Its calls block.
    let found = tokio::task::spawn_blocking(move || look(&archive)).await;
    let found = match found {
        Ok(Ok(url)) => Check::ok(WHAT, format!("`{url}` answers")),
        Ok(Err(error)) => Check::failed(WHAT, &error),
        Err(error) => Check::failed(WHAT, &error),
    };
    [Some(found), unused(settings), keys(settings)].into_iter().flatten().collect()
}

fn look(archive: &Archive) -> Result<String, ArchiveError> {
    let store = Store::open(archive)?;
    store.probe()?;
    Ok(store.url().to_owned())
}

/// Without a key, what is sealed cannot be brought back here; that may be meant.
fn keys(settings: &Settings) -> Option<Check> {
    let archive = settings.archive.as_ref().filter(|archive| archive.identity_file.is_some())?;
    retention::archive::opens_own(archive).err().map(|error| Check::warning(WHAT, error.to_string()))
}

fn unused(settings: &Settings) -> Option<Check> {
    let text =
        "no rule sends anything there; see `retention.after_processing` and `retention.archive_after_days`";
    (!settings.retention.archives()).then(|| Check::warning(WHAT, text))
}
