//! `batch`: what goes to the vision model as files, and how far it has come.

use std::process::ExitCode;

use anyhow::Context;
use catalog::Batch;
use clap::{Args, Subcommand};

use crate::args::Global;
use crate::commands::process::processing;
use crate::commands::status::time;
use crate::open::{self, Store};
use crate::{output, runtime, signals};

/// So much of an id is shown, and is enough to name it.
const SHOWN: usize = 8;

/// List the batches of `vision.mode = "batch"`, or cancel one.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel batch list\n  \
    nightreel batch list --json | jq 'select(.ended == null)'\n  \
    nightreel pause && nightreel batch cancel 1f0c5a2e")]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all batches, the oldest first.
    List {
        /// Print one object per line; see docs/results.md.
        #[arg(long)]
        json: bool,
    },
    /// Cancel a batch: what it has answered is kept and paid, the other questions go back with their segments.
    ///
    /// The segments wait in the queue, and are asked about again in the next window; `nightreel pause` keeps them
    /// from it.
    Cancel {
        /// The id as `batch list` prints it, or the beginning of one.
        id: String,
    },
}

pub(crate) fn run(global: &Global, args: &BatchArgs) -> anyhow::Result<ExitCode> {
    let loaded = open::settings(global)?;
    let store = Store::existing(&loaded.settings)?;
    match &args.action {
        Action::List { json } => list(&store, *json)?,
        Action::Cancel { id } => {
            let batch = find(&store, id)?;
            loaded.require_vision_secret()?;
            store.catalog.cancel_batch(&batch.id, store.clock.now())?;
            tell_provider(&store)?;
            output::line(format!("cancelled: {}", batch.id))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let batches = store.catalog.batches()?;
    if json {
        return batches.iter().try_for_each(output::json);
    }
    if batches.is_empty() {
        return output::line("no batch was ever begun");
    }
    let head = ["ID", "STATE", "BEGUN (UTC)", "LINES", "OPEN", "SIZE", "PROVIDER", "SAID"];
    output::table(&head, &batches.iter().map(row).collect::<Vec<_>>())
}

fn row(batch: &Batch) -> Vec<String> {
    let state = match (&batch.provider_state, batch.cancelled) {
        _ if batch.is_over() => batch.state.to_string(),
        (_, Some(_)) => "cancelling".to_owned(),
        (Some(state), None) => state.clone(),
        (None, None) => batch.state.to_string(),
    };
    vec![
        batch.id.get(..SHOWN).unwrap_or(&batch.id).to_owned(),
        state,
        time(batch.created),
        batch.lines.to_string(),
        batch.open.to_string(),
        output::size(batch.bytes),
        batch.provider_id.clone().unwrap_or_else(|| "-".to_owned()),
        batch.error.clone().unwrap_or_default(),
    ]
}

/// Finds the one batch under way whose id begins like this.
fn find(store: &Store, typed: &str) -> anyhow::Result<Batch> {
    let mut found = store.catalog.batches_under_way()?;
    found.retain(|batch| batch.id.starts_with(typed));
    match found.len() {
        1 => found.pop().context("there is one"),
        0 => anyhow::bail!("no batch `{typed}` is under way; `nightreel batch list` prints their ids"),
        _ => anyhow::bail!("`{typed}` begins the id of more than one batch; give more of it"),
    }
}

/// Cancels at the provider now; where another process follows the batches, it does so at its next look.
fn tell_provider(store: &Store) -> anyhow::Result<()> {
    runtime::block_on(async {
        let processing = processing(store, &signals::ending()?)?;
        let follow = move || processing.follow_batches();
        Ok(tokio::task::spawn_blocking(follow).await.context("following batches failed")??)
    })
}
