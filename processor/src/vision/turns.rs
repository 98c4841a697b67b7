//! Turns: how many requests are under way at once, and that no two of them ask the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as PlainMutex, PoisonError, Weak};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::slots::{Slot, Slots};

pub(super) struct Turns {
    pub(super) slots: Arc<Slots>,
    /// One lock per question that somebody asks or waits for now.
    asked: PlainMutex<HashMap<String, Weak<Mutex<()>>>>,
}

/// Keeps everybody else from asking the same question.
pub(super) type Question = OwnedMutexGuard<()>;

/// The right to ask: nobody else asks the same, and a slot is taken.
pub(super) type Turn = (Question, Slot);

impl Turns {
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: Slots::new(slots), asked: PlainMutex::default() }
    }

    /// Waits until nobody else asks the question with this key: two cameras' folders may hold the same
    /// file, and the second to come finds the answer stored.
    pub(super) async fn question(&self, key: &str) -> Question {
        let lock = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.retain(|_, lock| lock.strong_count() > 0);
            let known = asked.get(key).and_then(Weak::upgrade);
            let lock = known.unwrap_or_default();
            asked.insert(key.to_owned(), Arc::downgrade(&lock));
            lock
        };
        lock.lock_owned().await
    }
}
