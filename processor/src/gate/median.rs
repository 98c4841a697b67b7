//! Medians: the middle of many numbers, which a few strange ones among them do not move.

/// Returns the middle number, 0 of none. Rearranges the numbers.
pub(super) fn median(numbers: &mut [f32]) -> f32 {
    let middle = numbers.len() / 2;
    match numbers {
        [] => 0.0,
        numbers => *numbers.select_nth_unstable_by(middle, f32::total_cmp).1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_found_wherever_it_stands() {
        assert_eq!(median(&mut [9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(&mut [4.0, 1000.0]), 1000.0);
        assert_eq!(median(&mut []), 0.0);
    }
}
