//! How many notices of each rule, for a message that sums up.

use std::collections::HashSet;
use std::sync::Arc;

use stockade_core::Key;

use super::clean;
use super::message::MAX_KEYS;
use super::sheet::{Piece, Row, key_pieces};
use super::story::{MAX_TEXT, Story};
use stockade_core::Severity;

/// How many rules are named.
const MAX_RULES: usize = 10;

/// What is told of each rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// The worst first, then those with the most.
    pub(super) rules: Vec<OfRule>,
    /// How many rules are not named, and how many notices those have.
    pub(super) others: (usize, usize),
}

/// What is told of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OfRule {
    pub(super) rule: Arc<str>,
    pub(super) verdict: &'static str,
    pub(super) severity: Severity,
    pub(super) count: usize,
    pub(super) keys: Vec<String>,
    pub(super) more_keys: usize,
}

impl Tally {
    pub(super) fn of(stories: &[Story]) -> Self {
        let mut rules: Vec<(OfRule, HashSet<&Key>)> = Vec::new();
        let mut place = std::collections::HashMap::new();
        for story in stories {
            let at = *place.entry((&story.rule, story.verdict())).or_insert_with(|| {
                let (rule, verdict, severity) = (Arc::clone(&story.rule), story.verdict(), story.severity());
                let of = OfRule { rule, verdict, severity, count: 0, keys: Vec::new(), more_keys: 0 };
                rules.push((of, HashSet::new()));
                rules.len() - 1
            });
            let Some((of, keys)) = rules.get_mut(at) else { continue };
            of.count += 1;
            of.severity = of.severity.max(story.severity());
            if keys.insert(&story.key) {
                if of.keys.len() < MAX_KEYS {
                    of.keys.push(story.key_text());
                } else {
                    of.more_keys += 1;
                }
            }
        }
        let mut rules: Vec<OfRule> = rules.into_iter().map(|(of, _)| of).collect();
        rules.sort_by_key(|of| std::cmp::Reverse((of.severity, of.count)));
        let others = rules.split_off(rules.len().min(MAX_RULES));
        Self { rules, others: (others.len(), others.iter().map(|of| of.count).sum()) }
    }

    /// A line for each rule.
    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |of: &OfRule| {
            let mut pieces = vec![
                Piece::Words(format!("{} × ", of.count)),
                Piece::Code(clean::line(&of.rule, MAX_TEXT)),
                Piece::Words(format!(" ({}, {}): ", of.verdict, of.severity)),
            ];
            pieces.extend(key_pieces(&of.keys, of.more_keys));
            Row::plain(pieces)
        };
        let mut rows: Vec<Row> = self.rules.iter().map(row).collect();
        if let (rules @ 1.., count) = self.others {
            rows.push(Row::plain(vec![Piece::Words(format!("{count} of {rules} other rules"))]));
        }
        rows
    }
}
