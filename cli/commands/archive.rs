//! `archive`: which bundles there are, what they hold, and whether they still hold it.

use std::process::ExitCode;

use anyhow::Context;
use catalog::{Bundle, BundleState, Member, Span};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use config::Archive;
use retention::archive::verify;
use serde::Serialize;

use crate::args::Global;
use crate::commands::events::when;
use crate::open::{self, Store};
use crate::output;

/// List, show and verify what the archive holds.
///
/// `nightreel restore` brings footage back; `nightreel retain` sends it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel archive list --camera gate --from 2026-11-01\n  \
    nightreel archive show 17\n  \
    nightreel archive verify --sample 5")]
pub(crate) struct ArchiveArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the bundles, oldest first.
    List(Which),
    /// Show what is in a bundle, and where in it.
    Show {
        /// The bundle's id, as `archive list` prints it.
        id: i64,
        /// Print one object.
        #[arg(long)]
        json: bool,
    },
    /// Read bundles again and compare them with what was sent; those read longest ago first.
    Verify {
        /// Read all of them.
        #[arg(long, conflicts_with = "sample")]
        all: bool,
        /// Read so many.
        #[arg(long, value_name = "N", default_value_t = 3)]
        sample: usize,
        /// Print one object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
struct Which {
    /// Only of this camera.
    #[arg(long)]
    camera: Option<String>,
    /// Only of hours that begin then or later, such as 2026-11-22, `yesterday 22:00` or 2h.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only of hours that begin before this time.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Print one object per line.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    bundle: &'a Bundle,
    members: &'a [Member],
}

pub(crate) fn run(global: &Global, args: &ArchiveArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    match &args.action {
        Action::List(which) => list(&store, which)?,
        Action::Show { id, json } => show(&store, *id, *json)?,
        Action::Verify { all, sample, json } => {
            return read_again(&store, if *all { usize::MAX } else { *sample }, *json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the archive's settings; there may be none.
pub(crate) fn settings(store: &Store) -> anyhow::Result<&Archive> {
    store.settings.archive.as_ref().context("there is no archive: the settings have no section `[archive]`")
}

fn list(store: &Store, which: &Which) -> anyhow::Result<()> {
    let [from, to] = when(store).span(which.from.as_deref(), which.to.as_deref())?;
    let bundles = store.catalog.bundles(which.camera.as_deref(), between(from, to))?;
    if which.json {
        return bundles.iter().try_for_each(output::json);
    }
    if bundles.is_empty() {
        return output::line("the archive holds nothing");
    }
    let head = ["ID", "CAMERA", "HOUR", "SEGMENTS", "SIZE", "CLASS", "STATE"];
    output::table(&head, &bundles.iter().map(row).collect::<Vec<_>>())?;
    let bytes = bundles.iter().map(|bundle| bundle.size).sum();
    output::line(format!("\n{} bundles, {}", bundles.len(), output::size(bytes)))
}

fn between(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Span {
    Span::new(from.unwrap_or(DateTime::UNIX_EPOCH), to.unwrap_or(DateTime::<Utc>::MAX_UTC))
}

fn row(bundle: &Bundle) -> Vec<String> {
    vec![
        bundle.id.0.to_string(),
        bundle.camera.clone(),
        bundle.hour.format("%F %H:00 UTC").to_string(),
        bundle.segments.to_string(),
        output::size(bundle.size),
        bundle.class.clone().unwrap_or_else(|| "-".to_owned()),
        state(bundle),
    ]
}

fn state(bundle: &Bundle) -> String {
    match (bundle.state, bundle.thaw_asked, bundle.thawed_until) {
        (BundleState::Sending, ..) => "being sent".to_owned(),
        (BundleState::Stored, _, Some(until)) => {
            format!("stored, thawed until {}", until.format("%F %H:%M UTC"))
        }
        (BundleState::Stored, Some(_), None) => "stored, thawing".to_owned(),
        (BundleState::Stored, None, None) => "stored".to_owned(),
        (BundleState::Leaving, ..) => "being deleted".to_owned(),
    }
}

fn show(store: &Store, id: i64, json: bool) -> anyhow::Result<()> {
    let bundle = store.catalog.bundle(catalog::BundleId(id))?;
    let bundle =
        bundle.with_context(|| format!("there is no bundle {id}; `nightreel archive list` prints ids"))?;
    let members = store.catalog.bundle_members(bundle.id)?;
    if json {
        return output::json(&Shown { bundle: &bundle, members: &members });
    }
    output::line(format!("key       {}", bundle.key))?;
    output::line(format!("sha256    {}", bundle.sha256))?;
    output::line(format!("state     {}", state(&bundle)))?;
    if !bundle.recipients.is_empty() {
        output::line(format!("sealed    for {}", bundle.recipients.join(", ")))?;
    }
    output::line("")?;
    let row = |member: &Member| {
        vec![member.name.clone(), member.offset.to_string(), member.length.to_string(), member.sha256.clone()]
    };
    output::table(&["NAME", "OFFSET", "LENGTH", "SHA-256"], &members.iter().map(row).collect::<Vec<_>>())
}

fn read_again(store: &Store, most: usize, json: bool) -> anyhow::Result<ExitCode> {
    let settings = settings(store)?;
    let mut bundles = store.catalog.bundles(None, between(None, None))?;
    bundles.retain(|bundle| bundle.state == BundleState::Stored);
    bundles.sort_by_key(|bundle| bundle.read);
    bundles.truncate(most);
    let verified =
        verify(&store.catalog, &retention::archive::Store::open(settings)?, &store.clock, &bundles)?;
    if json {
        output::json(&verified)?;
    } else {
        for fault in &verified.faults {
            output::line(format!("{}: {}", fault.key, fault.what))?;
        }
        let read = format!("{} bundles read ({})", verified.read, output::size(verified.bytes));
        output::line(format!("{read}, {} frozen, {} faults", verified.frozen, verified.faults.len()))?;
    }
    Ok(if verified.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
