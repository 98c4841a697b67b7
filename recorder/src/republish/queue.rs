//! The queue between the writer, which never waits, and the child, which may take its time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::blocks::Blocks;
use crate::mp4::{FileHead, Run};

/// Bytes that may wait, per camera: a quarter of a minute of 4 Mbit/s. More would only make the stream later.
const WAITING_MAX: usize = 8 << 20;

/// A fragment with what is needed to make sense of it.
#[derive(Debug)]
pub(super) struct Footage {
    pub(super) head: Arc<FileHead>,
    /// When its file began, on a time line that goes on over all files.
    pub(super) file_at: Duration,
    pub(super) runs: Vec<Run>,
    /// The samples of all runs, in their order.
    pub(super) data: Blocks,
}

impl Footage {
    fn begins_on_keyframe(&self) -> bool {
        self.runs.first().and_then(|run| run.samples.first()).is_some_and(|sample| sample.keyframe)
    }

    fn pictures(&self) -> u64 {
        self.runs.first().map_or(0, |run| run.samples.len() as u64)
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    pushed: Notify,
}

#[derive(Debug, Default)]
struct State {
    intake: Intake,
    waiting: VecDeque<Footage>,
    bytes: usize,
    /// Pictures that were not handed on, since that was last asked for.
    left_out: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Intake {
    /// Nobody wants any.
    #[default]
    Closed,
    /// Only from a keyframe on: what comes before cannot be shown.
    FromKeyframe,
    Open,
}

impl Queue {
    /// Takes footage from the next keyframe on.
    pub(super) fn open(&self) {
        self.lock().intake = Intake::FromKeyframe;
    }

    /// Forgets what waits, and takes no more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        while state.drop_oldest() {}
        state.intake = Intake::Closed;
    }

    /// Takes footage in. Where there is no room, the oldest is left out up to a keyframe.
    pub(super) fn push(&self, footage: Footage) {
        self.lock().push(footage);
        self.pushed.notify_one();
    }

    /// Waits for the next piece of footage. Only one may wait.
    pub(super) async fn next(&self) -> Footage {
        loop {
            if let Some(footage) = self.lock().pop() {
                return footage;
            }
            self.pushed.notified().await;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// Returns how many pictures were not handed on since this was last asked.
    pub(super) fn take_left_out(&self) -> u64 {
        std::mem::take(&mut self.lock().left_out)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, footage: Footage) {
        let is_wanted = match self.intake {
            Intake::Closed => false,
            Intake::FromKeyframe => footage.begins_on_keyframe(),
            Intake::Open => true,
        };
        if is_wanted && self.make_room(&footage) {
            self.intake = Intake::Open;
            self.bytes += footage.data.len();
            self.waiting.push_back(footage);
        } else {
            self.left_out += footage.pictures();
            if is_wanted {
                self.intake = Intake::FromKeyframe;
            }
        }
    }

    /// Tells whether the footage can follow on what is left.
    fn make_room(&mut self, footage: &Footage) -> bool {
        let length = footage.data.len();
        if self.bytes + length <= WAITING_MAX {
            return true;
        }
        while self.bytes + length > WAITING_MAX && self.drop_oldest() {}
        while self.waiting.front().is_some_and(|oldest| !oldest.begins_on_keyframe()) {
            self.drop_oldest();
        }
        length <= WAITING_MAX && (!self.waiting.is_empty() || footage.begins_on_keyframe())
    }

    fn drop_oldest(&mut self) -> bool {
        let dropped = self.pop();
        self.left_out += dropped.as_ref().map_or(0, Footage::pictures);
        dropped.is_some()
    }

    fn pop(&mut self) -> Option<Footage> {
        let footage = self.waiting.pop_front()?;
        self.bytes -= footage.data.len();
        Some(footage)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pieces::tests::footage;
    use super::*;

    const THIRD: usize = WAITING_MAX / 3;

    /// Tells footage apart by the time of its file.
    fn push(queue: &Queue, number: u64, keyframe: bool, length: usize) {
        let mut footage = footage(&[(0, 40, keyframe), (40, 40, false)], length);
        footage.file_at = Duration::from_secs(number);
        queue.push(footage);
    }

    fn waiting(queue: &Queue) -> Vec<u64> {
        queue.lock().waiting.iter().map(|footage| footage.file_at.as_secs()).collect()
    }

    #[test]
    fn takes_nothing_until_it_is_opened_and_a_keyframe_comes() {
        let queue = Queue::default();
        push(&queue, 0, true, 10);
        queue.open();
        push(&queue, 1, false, 10);
        push(&queue, 2, true, 10);
        push(&queue, 3, false, 10);
        assert_eq!((waiting(&queue), queue.take_left_out()), (vec![2, 3], 4));
        queue.close();
        push(&queue, 4, true, 10);
        assert_eq!((waiting(&queue), queue.take_left_out()), (vec![], 6));
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn what_has_no_room_costs_the_oldest_up_to_a_keyframe() {
        let queue = Queue::default();
        queue.open();
        for (number, keyframe) in [(0, true), (1, false), (2, true), (3, false)] {
            push(&queue, number, keyframe, THIRD);
        }
        assert_eq!((waiting(&queue), queue.take_left_out()), (vec![2, 3], 4));
        assert_eq!(queue.lock().bytes, 2 * THIRD);
    }

    #[test]
    fn where_no_keyframe_is_left_the_next_is_waited_for() {
        let queue = Queue::default();
        queue.open();
        for (number, keyframe) in [(0, true), (1, false), (2, false), (3, false), (4, false), (5, true)] {
            push(&queue, number, keyframe, THIRD);
        }
        assert_eq!((waiting(&queue), queue.take_left_out()), (vec![5], 10));
        push(&queue, 6, true, WAITING_MAX + 1);
        push(&queue, 7, false, 10);
        assert_eq!((waiting(&queue), queue.lock().bytes), (vec![], 0));
    }

    #[tokio::test]
    async fn a_taker_is_woken() {
        let queue = Queue::default();
        queue.open();
        let (taken, ()) = tokio::join!(queue.next(), async { push(&queue, 7, true, 10) });
        assert_eq!(taken.file_at.as_secs(), 7);
        assert!(queue.is_empty());
    }
}
