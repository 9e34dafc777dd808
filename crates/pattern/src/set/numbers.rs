//! All ranges of a set that a number lies in.
//!
//! The bounds of all ranges cut the number line into points and gaps; a segment tree over these pieces holds each range in
//! a few nodes, and the nodes above a piece hold exactly the ranges around it.

use super::postings::{ListId, Posting, PostingsBuilder};
use crate::number::{Bound, Decimal, OwnedDecimal, Range, integer};

/// The set.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Sorted. Piece `2i + 1` is the bound `i`, piece `2i` the gap below it.
    bounds: Vec<OwnedDecimal>,
    /// The same as integers, if all of them are.
    integers: Option<Vec<i64>>,
    /// The tree: node 1 is the top, the pieces are the last half.
    nodes: Vec<Option<ListId>>,
}

impl Numbers {
    pub(super) fn new(ranges: &[(Range, Posting)], postings: &mut PostingsBuilder) -> Self {
        let ends = ranges.iter().flat_map(|(range, _)| [&range.low, &range.high]).flatten();
        let mut bounds: Vec<OwnedDecimal> = ends.map(|bound| bound.number.decimal().to_owned()).collect();
        bounds.sort_unstable_by(|left, right| left.decimal().cmp(&right.decimal()));
        bounds.dedup_by(|left, right| left.decimal() == right.decimal());
        let integers = bounds.iter().map(|bound| bound.decimal().integer()).collect();
        let pieces = 2 * bounds.len() + 1;
        let mut numbers = Self { bounds, integers, nodes: vec![None; 2 * pieces] };
        for (range, posting) in ranges {
            let start = range
                .low
                .as_ref()
                .map_or(0, |low| numbers.piece(low.number.decimal()) + usize::from(!low.inclusive));
            let end = range.high.as_ref().map_or(pieces, |high: &Bound| {
                numbers.piece(high.number.decimal()) + usize::from(high.inclusive)
            });
            numbers.cover(start + pieces, end + pieces, *posting, postings);
        }
        numbers
    }

    /// Tells the lists of all ranges around a number, as JSON writes it.
    pub(super) fn find(&self, lexeme: &[u8], mut found: impl FnMut(ListId)) {
        let piece = match (&self.integers, integer(lexeme)) {
            (Some(bounds), Some(number)) => {
                let at = bounds.partition_point(|bound| *bound < number);
                2 * at + usize::from(bounds.get(at) == Some(&number))
            }
            _ => self.piece(Decimal::parse(lexeme)),
        };
        let mut at = piece + self.nodes.len() / 2;
        while at > 0 {
            if let Some(Some(list)) = self.nodes.get(at) {
                found(*list);
            }
            at /= 2;
        }
    }

    fn piece(&self, number: Decimal<'_>) -> usize {
        match self.bounds.binary_search_by(|bound| bound.decimal().cmp(&number)) {
            Ok(at) => 2 * at + 1,
            Err(at) => 2 * at,
        }
    }

    fn cover(&mut self, mut start: usize, mut end: usize, posting: Posting, postings: &mut PostingsBuilder) {
        let mut put = |at: usize| {
            if let Some(node) = self.nodes.get_mut(at) {
                let list = *node.get_or_insert_with(|| postings.list());
                postings.push(list, posting);
            }
        };
        while start < end {
            if start % 2 == 1 {
                put(start);
                start += 1;
            }
            if end % 2 == 1 {
                end -= 1;
                put(end);
            }
            start /= 2;
            end /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Number;
    use proptest::prelude::*;

    fn bound(end: Option<(i8, bool)>, half: bool) -> Option<Bound> {
        let written = |number: i8| if half && number == 7 { "7.5".into() } else { number.to_string() };
        end.map(|(number, inclusive)| Bound { number: Number::new(&written(number)), inclusive })
    }

    proptest! {
        #[test]
        fn finds_all_ranges_around_a_number(
            ranges in proptest::collection::vec((any::<Option<(i8, bool)>>(), any::<Option<(i8, bool)>>()), 0..20),
            number in -130i16..130, half: bool, fraction: bool,
        ) {
            let ranges: Vec<(Range, Posting)> = ranges.into_iter().zip(0u32..).map(|((low, high), at)| {
                (Range { low: bound(low, fraction), high: bound(high, fraction) }, Posting::Answer(at))
            }).collect();
            let mut postings = PostingsBuilder::default();
            let numbers = Numbers::new(&ranges, &mut postings);
            let postings = postings.finish();
            let lexeme = if half { format!("{number}.5") } else if number % 3 == 0 { format!("{number}.0") } else { number.to_string() };
            let mut found = Vec::new();
            numbers.find(lexeme.as_bytes(), |list| found.extend_from_slice(postings.of(list)));
            let mut found: Vec<u32> = found.into_iter().map(|posting| match posting { Posting::Answer(at) => at, _ => unreachable!() }).collect();
            found.sort();
            let expected: Vec<u32> = ranges.iter().zip(0u32..).filter(|((range, _), _)| range.contains(Decimal::parse(lexeme.as_bytes()))).map(|(_, at)| at).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
