//! Leaving a camera without another word.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Drops whatever holds a session, and its connection with it.
///
/// Retina takes leave of some cameras with a TEARDOWN from a task of its own, which reads on for seconds, and
/// without a cap. It is started in the runtime that it finds; here it finds one that never runs anything.
pub(crate) fn abandon<T>(session: T) {
    // what a panic has left behind may panic again
    let dropping = AssertUnwindSafe(|| match tokio::runtime::Builder::new_current_thread().build() {
        Ok(nowhere) => {
            let entered = nowhere.enter();
            drop(session);
            drop(entered);
            nowhere.shutdown_background();
        }
        Err(_) => drop(session),
    });
    if catch_unwind(dropping).is_err() {
        tracing::debug!("a session could not be dropped cleanly");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct StartsATask(tokio::sync::oneshot::Sender<()>);

    struct Holder(Option<StartsATask>);

    impl Drop for Holder {
        fn drop(&mut self) {
            let held = self.0.take();
            drop(tokio::spawn(async move { held.unwrap().0.send(()) }));
        }
    }

    #[tokio::test]
    async fn tasks_started_while_it_is_dropped_never_run() {
        let (sender, ended) = tokio::sync::oneshot::channel();
        abandon(Holder(Some(StartsATask(sender))));
        assert!(ended.await.is_err(), "the task is gone, and nothing was sent");
    }
}
