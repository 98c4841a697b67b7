//! Spans of time and sets of them: what coverage is reckoned with.

use chrono::{DateTime, TimeDelta, Utc};

/// Holds `from` but not `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

impl Span {
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        Self { from, to }
    }

    pub fn length(self) -> TimeDelta {
        (self.to - self.from).max(TimeDelta::zero())
    }

    pub(crate) fn touches(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// Spans in order, none empty and no two of them touching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans(Vec<Span>);

impl FromIterator<Span> for Spans {
    /// Takes any spans; what two of them share is there once.
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut sorted: Vec<Span> = spans.into_iter().filter(|span| span.from < span.to).collect();
        sorted.sort_unstable();
        let mut joined: Vec<Span> = Vec::new();
        for span in sorted {
            match joined.last_mut() {
                Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
                _ => joined.push(span),
            }
        }
        Self(joined)
    }
}

impl Spans {
    pub(crate) fn length(&self) -> TimeDelta {
        self.0.iter().map(|span| span.length()).sum()
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut shared = Vec::new();
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            shared.push(Span { from: our.from.max(their.from), to: our.to.min(their.to) });
            if our.to < their.to {
                ours.next()
            } else {
                theirs.next()
            };
        }
        shared.into_iter().collect()
    }

    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut theirs = other.0.iter().copied().peekable();
        for span in &self.0 {
            let mut from = span.from;
            while let Some(their) = theirs.peek().copied().filter(|their| their.from < span.to) {
                left.push(Span { from, to: their.from });
                from = from.max(their.to);
                if their.to > span.to {
                    break;
                }
                theirs.next();
            }
            left.push(Span { from, to: span.to });
        }
        left.into_iter().collect()
    }

    /// Returns the holes between them that are no longer than `most`.
    pub(crate) fn holes(&self, most: TimeDelta) -> Self {
        let holes = self.0.windows(2).map(|pair| Span { from: pair[0].to, to: pair[1].from });
        holes.filter(|hole| hole.length() <= most).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn spans(pairs: &[(i64, i64)]) -> Spans {
        pairs.iter().map(|&(from, to)| Span::new(at(from), at(to))).collect()
    }

    #[test]
    fn what_overlaps_is_there_once() {
        let joined = spans(&[(5, 9), (0, 3), (2, 4), (4, 5), (7, 8), (3, 3), (20, 10)]);
        assert_eq!(joined, spans(&[(0, 9)]));
        assert_eq!(joined.length(), TimeDelta::seconds(9));
        assert_eq!(spans(&[(0, 3), (4, 6), (9, 10)]).holes(TimeDelta::seconds(1)), spans(&[(3, 4)]));
    }

    proptest! {
        /// Second by second, against sets of seconds.
        #[test]
        fn spans_are_reckoned_as_sets_of_seconds(
            ours in prop::collection::vec((0i64..40, 0i64..40), 0..8),
            theirs in prop::collection::vec((0i64..40, 0i64..40), 0..8),
        ) {
            let within = |pairs: &[(i64, i64)], s: i64| pairs.iter().any(|&(from, to)| (from..to).contains(&s));
            let count = |keep: &dyn Fn(i64) -> bool| TimeDelta::seconds((0..40).filter(|&s| keep(s)).count() as i64);
            let (a, b) = (spans(&ours), spans(&theirs));
            prop_assert_eq!(a.length(), count(&|s| within(&ours, s)));
            prop_assert_eq!(a.or(&b).length(), count(&|s| within(&ours, s) || within(&theirs, s)));
            prop_assert_eq!(a.and(&b).length(), count(&|s| within(&ours, s) && within(&theirs, s)));
            prop_assert_eq!(a.without(&b).length(), count(&|s| within(&ours, s) && !within(&theirs, s)));
            prop_assert_eq!(a.without(&b).or(&a.and(&b)), a);
        }
    }
}
