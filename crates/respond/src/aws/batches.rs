//! Messages put together as SNS takes them.

use std::ops::Range;

/// How to send items of these weights in as few requests as possible without changing their order: at most `count` in
/// each, and together no heavier than `bytes`. An item that is too heavy by itself goes alone.
pub(super) fn batches(weights: &[usize], count: usize, bytes: usize) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut weight) = (0, 0_usize);
    for (at, one) in weights.iter().enumerate() {
        if at > start && (at - start == count || weight.saturating_add(*one) > bytes) {
            batches.push(start..at);
            (start, weight) = (at, 0);
        }
        weight = weight.saturating_add(*one);
    }
    if start < weights.len() {
        batches.push(start..weights.len());
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_all_in_order_within_both_limits() {
        assert_eq!(batches(&[], 10, 100), []);
        assert_eq!(batches(&[1; 25], 10, 100), [0..10, 10..20, 20..25]);
        assert_eq!(batches(&[60, 40, 1, 99, 1], 10, 100), [0..2, 2..4, 4..5]);
        assert_eq!(batches(&[500, 1, 500], 10, 100), [0..1, 1..2, 2..3]);
    }
}
