//! Threads for what blocks, whose end can be awaited.

use tokio_util::sync::CancellationToken;

use crate::RecorderError;

/// Is cancelled when its thread has ended, by a fault too.
pub(crate) type Ended = CancellationToken;

pub(crate) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<Ended, RecorderError> {
    let ended = Ended::new();
    let guard = ended.clone().drop_guard();
    let body = move || {
        let _guard = guard;
        work();
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(RecorderError::Thread)?;
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_is_seen_whether_it_was_planned_or_not() {
        start("planned", || {}).unwrap().cancelled().await;
        start("unplanned", || panic!("as it must not")).unwrap().cancelled().await;
    }
}
