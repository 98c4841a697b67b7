//! How many reads one poll may do. Against a camera that sends faster than it is read from, a single poll goes
//! on for as long as tokio's budget for it lasts: 128 reads, which were 515 MB on loopback.
//!
//! Tokio has no call to set the budget, but whoever takes a piece of it may give it back, as may whoever took
//! it all. So all is taken, a few pieces are given back for the poll, and after it the rest.

use std::task::{Context, Poll, ready};

use tokio::task::coop::{RestoreOnPending, has_budget_remaining, poll_proceed};

/// The most that a poll may be allowed.
const MOST: usize = 4;

/// Of a task, per poll. Where tokio gives more, the rest of it adds to the reads.
const TOKIO_BUDGET: usize = 128;

/// Runs `poll` with a budget of at most `reads`, which are spent afterwards where it was ready. Whatever is polled
/// after it finds the rest, also where a camera floods us: a timer that finds no budget never fires.
pub(crate) fn with_few_reads<T>(
    cx: &mut Context<'_>,
    reads: usize,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let reads = reads.min(MOST);
    let whole = ready!(poll_proceed(cx));
    leave_few(cx, reads);
    let polled = poll(cx);
    drop(whole); // restores the budget as it was before
    if polled.is_ready() {
        // else a task that is always ready would never let others run
        spend(cx, reads);
    }
    polled
}

fn leave_few(cx: &mut Context<'_>, reads: usize) {
    let mut latest = [const { None::<RestoreOnPending> }; MOST];
    let mut taken = 0;
    while taken < TOKIO_BUDGET && has_budget_remaining() {
        let Poll::Ready(piece) = poll_proceed(cx) else { break };
        if let Some(older) = latest[taken % MOST].replace(piece) {
            older.made_progress();
        }
        taken += 1;
    }
    // Each restores what was there before it was taken, so the oldest has to be the last.
    let given_back = taken.min(reads);
    for back in 1..=taken.min(MOST) {
        if let Some(piece) = latest[(taken - back) % MOST].take()
            && back > given_back
        {
            piece.made_progress();
        }
    }
}

fn spend(cx: &mut Context<'_>, reads: usize) {
    for _ in 0..reads {
        if has_budget_remaining()
            && let Poll::Ready(piece) = poll_proceed(cx)
        {
            piece.made_progress();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Spends what is there, and counts it.
    fn remaining(cx: &mut Context<'_>) -> usize {
        let mut found = 0;
        while has_budget_remaining() && found <= TOKIO_BUDGET {
            let Poll::Ready(piece) = poll_proceed(cx) else { break };
            piece.made_progress();
            found += 1;
        }
        found
    }

    fn few(cx: &mut Context<'_>, reads: usize) -> usize {
        let mut found = 0;
        let pending: Poll<()> = with_few_reads(cx, reads, |cx| {
            found = remaining(cx);
            Poll::Pending
        });
        assert!(pending.is_pending());
        found
    }

    #[tokio::test]
    async fn a_poll_finds_few_reads_and_leaves_the_rest_to_others() {
        for reads in 1..=MOST {
            let counted =
                |cx: &mut Context<'_>| (few(cx, reads), few(cx, reads), remaining(cx), few(cx, reads));
            let counted = poll_fn(|cx| Poll::Ready(counted(cx))).await;
            assert_eq!(counted, (reads, reads, TOKIO_BUDGET, 0));
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_is_always_ready_lets_others_run_in_the_end() {
        let ready = poll_fn(|cx| {
            let mut ready = 0;
            while with_few_reads(cx, 3, |_| Poll::Ready(())).is_ready() {
                ready += 1;
            }
            Poll::Ready(ready)
        });
        assert_eq!(ready.await, TOKIO_BUDGET.div_ceil(3));
    }

    #[tokio::test]
    async fn without_a_budget_nothing_is_held_up() {
        let unlimited = poll_fn(|cx| Poll::Ready(few(cx, 3)));
        assert_eq!(tokio::task::coop::unconstrained(unlimited).await, TOKIO_BUDGET + 1);
    }
}
