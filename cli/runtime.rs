//! The async runtime, for the subcommands that need one.

use anyhow::Context;

/// Cameras cost microseconds each on these; what blocks runs on threads of its own.
const THREADS: usize = 2;

/// Runs `work` to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    runtime.block_on(work)
}
