//! The API, `/api/v1/…`: the same as the pages, and what the subcommands print with `--json`.

mod failures;
mod figures;
mod lists;
mod routes;

pub(crate) use routes::router;
