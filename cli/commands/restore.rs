//! `restore`: brings footage back from the archive.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use catalog::{Archived, Queue, Span, SqliteQueue};
use clap::Args;
use retention::archive::{Destination, Keys, Restored, Restorer};
use serde_json::json;

use crate::args::Global;
use crate::commands::archive::settings;
use crate::commands::events::when;
use crate::open::{self, Store};
use crate::output;

/// Bring footage back from the archive: into the media folder, or as copies into another.
///
/// Only the minutes that are asked for are read, and each is compared with what was sent before it appears. What
/// lies in a class that must be thawed is asked for, which costs; the same command brings it back once it can be
/// read, after minutes to hours, and says so until then with exit code 1.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel restore --camera gate --from '2026-11-22 22:00' --to '2026-11-22 22:10'\n  \
    nightreel restore --camera gate --from 2026-11-22 --process     and look at it again\n  \
    nightreel restore --camera gate --from 2026-11-22 --out /tmp/evidence\n  \
    nightreel restore --camera gate --from 2026-11-22 --dry-run")]
pub(crate) struct RestoreArgs {
    /// Of this camera.
    #[arg(long)]
    camera: String,
    /// From this time on, such as 2026-11-22, `yesterday 22:00` or 2h.
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Up to this time; without it up to now.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Write copies into this folder, with their sidecars; the media folder is left as it is.
    #[arg(long, value_name = "DIR", conflicts_with = "process")]
    out: Option<PathBuf>,
    /// Put what comes back into the queue, to be looked at again.
    #[arg(long)]
    process: bool,
    /// List what would be brought back; ask the archive nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(global: &Global, args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let wanted = wanted(&store, args)?;
    if args.dry_run {
        return list(&wanted, args.json);
    }
    store.media().finish_intents()?;
    let to = match &args.out {
        Some(folder) => Destination::Folder(std::path::absolute(folder).context("cannot resolve --out")?),
        None => Destination::MediaFolder,
    };
    let archive = retention::archive::Store::open(settings(&store)?)?;
    let (media, keys) = (store.media(), Keys::of(settings(&store)?));
    let restorer = Restorer { media: &media, store: &archive, clock: &store.clock, keys: &keys, to };
    let restored = restorer.restore(wanted)?;
    if args.process {
        let ids: Vec<_> = restored.files.iter().map(|(archived, _)| archived.segment.id).collect();
        SqliteQueue::new(store.catalog.clone(), store.settings.process.max_attempts)
            .offer(&ids, store.clock.now())?;
    }
    tell(&restored, args.json)?;
    Ok(if restored.thawing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn wanted(store: &Store, args: &RestoreArgs) -> anyhow::Result<Vec<Archived>> {
    let now = store.clock.now();
    let [from, to] = when(store).span(Some(&args.from), args.to.as_deref())?;
    let span = Span::new(from.unwrap_or(now), to.unwrap_or(now));
    let wanted = store.catalog.archived_within(&args.camera, span)?;
    anyhow::ensure!(
        !wanted.is_empty(),
        "the archive holds nothing of camera `{}` between {} and {}; see `nightreel archive list`",
        args.camera,
        span.from.format("%F %T UTC"),
        span.to.format("%F %T UTC")
    );
    Ok(wanted)
}

fn list(wanted: &[Archived], json: bool) -> anyhow::Result<ExitCode> {
    let length = |archived: &Archived| archived.members.iter().map(|member| member.length).sum::<u64>();
    if json {
        let file = |a: &Archived| json!({"file": a.segment.path, "bundle": a.bundle, "bytes": length(a)});
        output::json(&json!({"would_restore": wanted.iter().map(file).collect::<Vec<_>>()}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |archived: &Archived| {
        vec![
            archived.segment.path.display().to_string(),
            archived.segment.start.format("%F %T UTC").to_string(),
            output::size(length(archived)),
            archived.bundle.0.to_string(),
        ]
    };
    output::table(&["FILE", "START", "SIZE", "BUNDLE"], &wanted.iter().map(row).collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}

fn tell(restored: &Restored, json: bool) -> anyhow::Result<()> {
    if json {
        let files: Vec<_> = restored.files.iter().map(|(_, file)| file).collect();
        return output::json(&json!({
            "restored": files, "here_already": restored.here_already, "thawing": restored.thawing,
        }));
    }
    for (_, file) in &restored.files {
        output::line(format!("restored: {}", file.display()))?;
    }
    for bundle in &restored.thawing {
        let asked =
            bundle.thaw_asked.map(|asked| asked.format("%F %H:%M UTC").to_string()).unwrap_or_default();
        output::line(format!("thawing since {asked}, give the same command later: {}", bundle.key))?;
    }
    let count = restored.files.len();
    output::line(format!("{count} restored, {} here already", restored.here_already))
}
