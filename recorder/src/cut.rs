//! When to cut: pure rules for the ends of segments and fragments.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A fragment may end at a keyframe from this age on. Shorter GOPs are gathered: each fragment costs a write.
const FRAGMENT_MIN: Duration = Duration::from_secs(1);
/// A fragment ends at this age even inside a GOP, unless frames are shown in another order than they come. It lies
/// in memory until then, and is lost by a kill.
const FRAGMENT_MAX: Duration = Duration::from_secs(1);
/// It ends sooner where it is so large: what gathers makes most of what a camera costs in memory.
const FRAGMENT_MAX_BYTES: usize = 128 << 10;
/// Sooner than after so many frames nobody knows yet whether they come in the order in which they are shown.
const ORDER_KNOWN_AFTER: usize = 8;

/// Numbers the stretches of `length` since 1970, which is also where local minutes begin.
pub(crate) fn slot(time: DateTime<Utc>, length: Duration) -> i64 {
    let length_ms = i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(1);
    time.timestamp_millis().div_euclid(length_ms)
}

/// What is known of the fragment in hand when the next frame arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FragmentInHand {
    pub(crate) age: Duration,
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
    pub(crate) begins: Begins,
    pub(crate) order: FrameOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    OnKeyframe,
    InsideGop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameOrder {
    /// Shown as they come.
    AsShown,
    /// With B-frames. Decode times are then only known when the GOP is whole.
    Reordered,
}

/// Tells whether the fragment ends before the next frame. One that began inside a GOP ends at the next
/// keyframe, so that whatever reads fragments finds its way back to keyframes.
pub(crate) fn ends_fragment(fragment: FragmentInHand, next_is_keyframe: bool) -> bool {
    if next_is_keyframe {
        fragment.age >= FRAGMENT_MIN || fragment.begins == Begins::InsideGop
    } else {
        let is_large = fragment.bytes >= FRAGMENT_MAX_BYTES && fragment.frames >= ORDER_KNOWN_AFTER;
        fragment.order == FrameOrder::AsShown && (fragment.age >= FRAGMENT_MAX || is_large)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_begin_on_the_minute_and_before_1970_too() {
        let minute = Duration::from_secs(60);
        let at = |text: &str| slot(text.parse().unwrap(), minute);
        assert_eq!(at("2026-11-22T11:54:00Z"), at("2026-11-22T11:54:59.999Z"));
        assert_eq!(at("2026-11-22T11:54:59.999Z") + 1, at("2026-11-22T11:55:00Z"));
        assert_eq!(at("1969-12-31T23:59:59Z"), -1);
    }

    #[test]
    fn fragments_end_where_nothing_is_torn() {
        use Begins::{InsideGop, OnKeyframe};
        use FrameOrder::{AsShown, Reordered};
        let cases = [
            // age in ms, begins, order, next is a keyframe, ends
            (500, OnKeyframe, AsShown, true, false),
            (1000, OnKeyframe, AsShown, true, true),
            (1000, OnKeyframe, Reordered, true, true),
            (999, OnKeyframe, AsShown, false, false),
            (1000, OnKeyframe, AsShown, false, true),
            (9000, OnKeyframe, Reordered, false, false),
            (40, InsideGop, AsShown, true, true),
            (40, InsideGop, AsShown, false, false),
        ];
        for (age_ms, begins, order, next_is_keyframe, ends) in cases {
            let age = Duration::from_millis(age_ms);
            let fragment = FragmentInHand { age, frames: 8, bytes: 1 << 10, begins, order };
            assert_eq!(ends_fragment(fragment, next_is_keyframe), ends, "{fragment:?} {next_is_keyframe}");
        }
    }

    #[test]
    fn a_large_fragment_ends_early_once_the_order_of_frames_is_known() {
        use FrameOrder::{AsShown, Reordered};
        let cases = [
            (128 << 10, 8, AsShown, true),
            ((128 << 10) - 1, 8, AsShown, false),
            (1 << 20, 7, AsShown, false),
            (16 << 20, 99, Reordered, false),
        ];
        for (bytes, frames, order, ends) in cases {
            let age = Duration::from_millis(400);
            let fragment = FragmentInHand { age, frames, bytes, begins: Begins::OnKeyframe, order };
            assert_eq!(ends_fragment(fragment, false), ends, "{fragment:?}");
        }
    }
}
