//! JSON inside strings: policy documents and the like.

use std::borrow::Cow;

use crate::explain::Explanation;
use crate::leaves::Leaves;
use crate::limits::{JSON_STEPS_PER_BYTE, MAX_CONSISTENCY_STEPS};
use crate::paths::Paths;
use crate::pattern::Pattern;
use crate::scan::Walker;

/// Whether a string is a JSON object that a pattern matches.
///
/// IAM hands out policy documents percent-encoded: a string that begins with `%` is decoded first.
pub(crate) fn matches(pattern: &Pattern, text: &[u8]) -> bool {
    let text = decoded(text);
    let mut paths = Paths::new();
    pattern.add_paths(&mut paths);
    let Ok(leaves) = Leaves::read(&text, &paths, &mut Walker::default()) else { return false };
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut steps = length.saturating_mul(JSON_STEPS_PER_BYTE).min(MAX_CONSISTENCY_STEPS);
    pattern.decide(&leaves, &paths, &mut steps).unwrap_or(true)
}

/// Why the pattern matches the object in the string, or does not; `None` if there is none.
pub(crate) fn explain(pattern: &Pattern, text: &[u8]) -> Option<Explanation> {
    pattern.explain(&decoded(text)).ok()
}

fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if text.first() == Some(&b'%') { Cow::Owned(percent_decoded(text)) } else { Cow::Borrowed(text) }
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        text.get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high << 4 | low);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}
