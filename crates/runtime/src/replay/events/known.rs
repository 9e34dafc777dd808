//! Matches that were seen before.

use std::collections::HashSet;

use stockade_core::MatchId;

/// The ids of the last matches: at most `most`, at least half as many.
#[derive(Debug)]
pub(super) struct Known {
    young: HashSet<MatchId>,
    old: HashSet<MatchId>,
    most: usize,
}

impl Known {
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashSet::new(), old: HashSet::new(), most }
    }

    /// Whether it is seen for the first time, as far as is remembered.
    pub(super) fn is_new(&mut self, id: MatchId) -> bool {
        if self.old.contains(&id) || !self.young.insert(id) {
            return false;
        }
        if self.young.len() >= self.most / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_lately_is_known_and_memory_is_bounded() {
        let mut known = Known::new(100);
        assert!((0..1000).all(|id| known.is_new(MatchId(id))));
        assert!((951..1000).all(|id| !known.is_new(MatchId(id))), "the last half at least");
        assert!(known.young.len() + known.old.len() <= 100);
        assert!(known.is_new(MatchId(1)), "long ago");
    }
}
