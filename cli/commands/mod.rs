//! The subcommands, one file each: its flags, its help, and what it does.

#[cfg(feature = "archive")]
pub(crate) mod archive;
#[cfg(feature = "archive")]
pub(crate) mod archive_send;
#[cfg(feature = "process")]
pub(crate) mod batch;
pub(crate) mod clip;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod coverage;
#[cfg(feature = "process")]
pub(crate) mod decode_worker;
pub(crate) mod doctor;
#[cfg(feature = "archive")]
mod doctor_archive;
#[cfg(feature = "process")]
mod doctor_process;
pub(crate) mod estimate;
mod estimate_archive;
mod estimate_held;
mod estimate_vision;
pub(crate) mod events;
pub(crate) mod export;
#[cfg(feature = "dashboard")]
mod figures;
#[cfg(feature = "process")]
pub(crate) mod frames;
pub(crate) mod hold;
pub(crate) mod init;
pub(crate) mod ledger;
#[cfg(feature = "process")]
pub(crate) mod live;
#[cfg(feature = "process")]
mod live_lines;
pub(crate) mod pause;
#[cfg(feature = "process")]
pub(crate) mod process;
#[cfg(feature = "process")]
mod process_notices;
#[cfg(feature = "process")]
pub(crate) mod process_report;
pub(crate) mod queue;
pub(crate) mod rebuild;
#[cfg(feature = "archive")]
mod rebuild_archive;
pub(crate) mod record;
#[cfg(feature = "dashboard")]
pub(crate) mod report;
#[cfg(feature = "archive")]
pub(crate) mod restore;
pub(crate) mod retain;
pub(crate) mod retain_alarms;
mod retain_plan;
pub(crate) mod run;
#[cfg(feature = "dashboard")]
mod run_report;
mod run_retention;
pub(crate) mod search;
#[cfg(feature = "dashboard")]
pub(crate) mod serve;
pub(crate) mod status;
mod status_retention;
mod status_troubles;
mod status_vision;
mod status_window;
pub(crate) mod unit;
pub(crate) mod verify;
#[cfg(feature = "process")]
pub(crate) mod view;
pub(crate) mod why;
