//! The mailbox: where the newest frame waits for whoever looks at it. A newer one takes its place, and is counted.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(super) struct Mailbox<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: Option<T>,
    replaced: u64,
    is_closed: bool,
}

impl<T> Mailbox<T> {
    pub(super) fn new() -> Self {
        let state = State { waiting: None, replaced: 0, is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn put(&self, item: T) {
        let mut state = self.lock();
        state.replaced += u64::from(state.waiting.replace(item).is_some());
        self.changed.notify_all();
    }

    /// Waits for the newest, with how many were replaced so far; `None` when it is closed.
    pub(super) fn take(&self) -> Option<(T, u64)> {
        let is_empty = |state: &mut State<T>| state.waiting.is_none() && !state.is_closed;
        let mut state =
            self.changed.wait_while(self.lock(), is_empty).unwrap_or_else(PoisonError::into_inner);
        let replaced = state.replaced;
        state.waiting.take().filter(|_| !state.is_closed).map(|item| (item, replaced))
    }

    /// What waits is of no use any more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_waits_and_the_others_are_counted() {
        let mailbox = Mailbox::new();
        (0..5).for_each(|number| mailbox.put(number));
        assert_eq!(mailbox.take(), Some((4, 4)));
        mailbox.put(5);
        assert_eq!(mailbox.take(), Some((5, 4)));
    }

    #[test]
    fn who_waits_is_let_go_when_it_is_closed() {
        let mailbox = Mailbox::<u8>::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| mailbox.take());
            mailbox.close();
            assert_eq!(waiting.join().unwrap(), None);
        });
    }
}
