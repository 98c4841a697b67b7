//! Finding rows by segment, where most are asked for in their order.

use crate::SegmentId;

/// Rows looked at before they are searched.
const FEW: usize = 16;

/// Returns where the rows of a segment begin, or would. `rows` are in the order of their segments; `near` is where the
/// one before it was found.
pub(crate) fn first_of<T>(
    rows: &[T],
    segment_of: impl Fn(&T) -> SegmentId,
    (id, near): (SegmentId, usize),
) -> usize {
    let is_before = |row: &T| segment_of(row).0 < id.0;
    let comes_later = near == 0 || is_before(&rows[near - 1]);
    let steps = rows[near..].iter().take(FEW).position(|row| !is_before(row));
    match steps.filter(|_| comes_later) {
        Some(steps) => near + steps,
        None => rows.partition_point(is_before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_found_from_wherever_one_begins() {
        let rows: Vec<SegmentId> = [3, 3, 5].into_iter().chain(40..90).map(SegmentId).collect();
        for near in 0..=rows.len() {
            for id in 0..99 {
                let expected = rows.iter().filter(|row| row.0 < id).count();
                assert_eq!(first_of(&rows, |row| *row, (SegmentId(id), near)), expected, "{id} from {near}");
            }
        }
    }
}
