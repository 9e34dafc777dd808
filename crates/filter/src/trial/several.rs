//! Several lines before all regexes at once: `maxlines` and `<SKIPLINES>`.
//!
//! The rules are those of `multiline`, which is made for speed; here every line is judged, and every regex.

use std::ops::Range;

use memchr::memchr_iter;

use super::Trial;
use super::fields::{FieldValue, Fields};
use super::judge::joined;
use super::result::{LineParts, RegexHit, TrialResult};

impl Trial {
    /// Takes in a line, and judges it with those before it. What matched leaves.
    pub(super) fn judge_several(&mut self, parts: LineParts, result: &mut TrialResult) {
        let mut before = self.buffer.clone();
        self.buffer.push(parts);
        if self.buffer.len() > self.span {
            self.buffer.remove(0);
            // It goes because there is no room for it, not because it is done with.
            before.remove(0);
        }
        self.judge_buffer(result);
        let buffer = &self.buffer;
        result.done = before.into_iter().filter(|line| !buffer.contains(line)).collect();
    }

    fn judge_buffer(&mut self, result: &mut TrialResult) {
        let all = self.buffer.clone();
        let mut text = text_of(&all);
        if self.ignores_first() && self.is_ignored(&[&text], result) {
            return;
        }
        let Some((base, left)) = self.prefix(text.strip_suffix(b"\n").unwrap_or(&text), result) else {
            return;
        };
        if let Some(left) = left {
            self.buffer = vec![LineParts { after: left, ..LineParts::default() }];
            text = text_of(&self.buffer);
        }
        result.content = Some(text.clone());
        for regex in 0..self.fail.len() {
            let Some(found) = self.search(regex, &text) else { continue };
            let (matched, unmatched) = taken_out(&all, &text, &found.whole, &skipped(&found.fields));
            self.buffer = unmatched;
            let fields = joined(&base, found.fields);
            let excused = !self.ignore.is_empty() && self.is_ignored(&[&text_of(&matched)], result);
            result.hits.push(RegexHit { regex, elapsed: found.elapsed, fields: fields.clone(), excused });
            if !excused {
                self.accuse(regex, fields, &matched, result);
            }
            if self.options.first_only {
                return;
            }
            text = text_of(&self.buffer);
        }
    }
}

/// What regexes see of lines: each without its date and with its end.
fn text_of(lines: &[LineParts]) -> Vec<u8> {
    let mut text: Vec<u8> = lines.iter().map(LineParts::text).collect::<Vec<_>>().join(&b'\n');
    text.push(b'\n');
    text
}

/// The lines that `<SKIPLINES>` passed over.
fn skipped(fields: &Fields) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for (name, value) in fields.iter() {
        if let (true, FieldValue::Text(text)) = (name.starts_with("skiplines"), value) {
            lines.extend(
                text.split_inclusive(|byte| *byte == b'\n')
                    .map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec()),
            );
        }
    }
    lines
}

/// The lines that took part in a match, and all others: those before, those it skipped, those behind.
fn taken_out(
    all: &[LineParts],
    text: &[u8],
    whole: &Range<usize>,
    skipped: &[Vec<u8>],
) -> (Vec<LineParts>, Vec<LineParts>) {
    let before = |at: usize| memchr_iter(b'\n', text.get(..at).unwrap_or(text)).count();
    // A match that begins with a line end begins in the next line; one that ends with it ends before.
    let first = before(whole.start + 1).min(all.len());
    let end = (before(whole.end.saturating_sub(1)) + 1).clamp(first, all.len());
    let part = |range: Range<usize>| all.get(range).unwrap_or_default().to_vec();
    let (mut matched, mut unmatched) = (part(first..end), part(0..first));
    let mut from = 0;
    for line in skipped {
        let place = matched.iter().skip(from).position(|parts| parts.text() == *line);
        if let Some(place) = place {
            unmatched.push(matched.remove(from + place));
            from += place;
        }
    }
    unmatched.extend(part(end..all.len()));
    (matched, unmatched)
}
