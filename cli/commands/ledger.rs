//! `ledger`: every request to the vision model, and what they come to.

use std::process::ExitCode;

use catalog::{LedgerFilter, LedgerRow, LedgerSum, SumBy};
use chrono_tz::Tz;
use clap::{Args, ValueEnum};

use crate::args::Global;
use crate::commands::events::{local, one_line, when};
use crate::open::{self, Store};
use crate::output;

/// Show the requests to the vision model, what each cost, and what they come to.
///
/// A request counts against the caps with all it may take until it is known what it used; one of which nobody knows
/// whether it was charged stays at that.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel ledger --from yesterday\n  \
    nightreel ledger --sum day\n  \
    nightreel ledger --sum camera --from 2026-11-01 --json | jq .cost_usd")]
pub(crate) struct LedgerArgs {
    /// Only requests begun after this: 2026-11-22, 2026-11-22T22:00, today, "yesterday 22:00", 22:00, or 2h ago as 2h.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Only requests begun before this; a day counts to its end.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// Only requests about this camera; may be given more than once.
    #[arg(long, value_name = "ID")]
    camera: Vec<String>,

    /// Only requests to this model; may be given more than once.
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,

    /// Add them up instead of listing them; a day is a day of the caps.
    #[arg(long, value_name = "BY")]
    sum: Option<By>,

    /// Print one object per line; see docs/results.md.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Day,
    Camera,
    Model,
}

impl From<By> for SumBy {
    fn from(by: By) -> Self {
        match by {
            By::Day => Self::Day,
            By::Camera => Self::Camera,
            By::Model => Self::Model,
        }
    }
}

pub(crate) fn run(global: &Global, args: &LedgerArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let [from, to] = when(&store).span(args.from.as_deref(), args.to.as_deref())?;
    let filter = LedgerFilter { from, to, cameras: args.camera.clone(), models: args.model.clone() };
    match (args.sum, args.json) {
        (None, true) => store.catalog.each_call(&filter, output::json)?,
        (None, false) => list(&store, &filter)?,
        (Some(by), true) => {
            store.catalog.ledger_sums(&filter, by.into())?.iter().try_for_each(output::json)?;
        }
        (Some(by), false) => sums(&store, &filter, by)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints each request as it is read, in columns of fixed width: there may be millions.
fn list(store: &Store, filter: &LedgerFilter) -> anyhow::Result<()> {
    let zone = when(store).zone;
    output::line(columns(
        &["BEGUN", "CAMERA", "MODEL", "STATUS", "IN", "OUT", "COST", "SAID"].map(str::to_owned),
    ))?;
    store.catalog.each_call(filter, |row| output::line(columns(&cells(row, zone))))
}

fn cells(row: &LedgerRow, zone: Tz) -> [String; 8] {
    let count = |tokens: Option<u64>| tokens.map_or("-".to_owned(), |tokens| tokens.to_string());
    let status = match row.http_status.filter(|status| *status != 200) {
        Some(status) => format!("{} {status}", row.status),
        None => row.status.clone(),
    };
    [
        local(row.begun, zone),
        row.camera.clone().unwrap_or_else(|| "-".to_owned()),
        row.model.clone(),
        status,
        count(row.input_tokens),
        count(row.output_tokens),
        row.cost_usd.map_or("-".to_owned(), dollars),
        row.error.as_deref().map_or_else(String::new, |error| one_line(error, 60)),
    ]
}

fn columns([begun, camera, model, status, input, output, cost, said]: &[String; 8]) -> String {
    let line = format!(
        "{begun:<19}  {camera:<12}  {model:<16}  {status:<12}  {input:>7}  {output:>6}  {cost:>10}  {said}"
    );
    line.trim_end().to_owned()
}

fn sums(store: &Store, filter: &LedgerFilter, by: By) -> anyhow::Result<()> {
    let sums = store.catalog.ledger_sums(filter, by.into())?;
    let head = match by {
        By::Day => "DAY",
        By::Camera => "CAMERA",
        By::Model => "MODEL",
    };
    let rows: Vec<_> = sums.iter().map(sum_row).collect();
    output::table(&[head, "CALLS", "ANSWERED", "UNKNOWN", "IN", "OUT", "COST", "AGAINST THE CAPS"], &rows)
}

fn sum_row(sum: &LedgerSum) -> Vec<String> {
    vec![
        sum.of.clone().unwrap_or_else(|| "-".to_owned()),
        sum.calls.to_string(),
        sum.answered.to_string(),
        sum.unknown.to_string(),
        sum.input_tokens.to_string(),
        sum.output_tokens.to_string(),
        dollars(sum.cost_usd),
        dollars(sum.counted_usd),
    ]
}

fn dollars(dollars: f64) -> String {
    format!("${dollars:.6}")
}
