//! Deformed lines: what an attacker can make of a line of a log, deterministically.

use std::collections::BTreeSet;

/// Lines as long as the longest that is judged.
const LONG: usize = 60_000;
/// Lines longer than the longest that is judged.
const OVERLONG: usize = 1 << 20;
/// What regexes are written around.
const SIGNS: [&str; 8] = ["\"", "'", "(", "[", "<", "\\", "=", ": "];

/// Short deformations of a line: cut off, repeated, with quotes and brackets where none belong.
pub(crate) fn short(line: &str) -> Vec<String> {
    let mut made = BTreeSet::new();
    let ends: Vec<usize> = line.char_indices().map(|(at, _)| at).skip(1).collect();
    for part in 1..8 {
        if let Some(&at) = ends.get(ends.len() * part / 8) {
            made.insert(line[..at].to_owned());
        }
    }
    let tokens: Vec<&str> = line.split_inclusive(' ').collect();
    for n in places(tokens.len(), 5) {
        made.insert(repeated(&tokens, n, 20));
        let without: Vec<&str> = [&tokens[..n], &tokens[n + 1..]].concat();
        made.insert(without.concat());
    }
    for sign in SIGNS {
        made.insert(line.replace(sign, &sign.repeat(3)));
        for n in places(ends.len(), 2) {
            made.insert(format!("{}{}{}", &line[..ends[n]], sign.repeat(30), &line[ends[n]..]));
        }
    }
    made.into_iter().collect()
}

/// Long ones: a token or the whole line over and over, up to the longest line that is judged and beyond it.
pub(crate) fn long(line: &str) -> Vec<String> {
    let tokens: Vec<&str> = line.split_inclusive(' ').collect();
    let mut made = Vec::new();
    for n in places(tokens.len(), 4) {
        let fitting = 2_000.min(LONG / tokens[n].len().max(1));
        made.push(repeated(&tokens, n, fitting));
    }
    for sign in ["\"", "(", " ", "1.2.3.", "a@b ", "\\\""] {
        let middle = line.char_indices().nth(line.chars().count() / 2).map_or(0, |(at, _)| at);
        let times = LONG.saturating_sub(line.len()) / sign.len();
        made.push(format!("{}{}{}", &line[..middle], sign.repeat(times), &line[middle..]));
    }
    let once = format!("{line} ");
    made.push(once.repeat(LONG / once.len()) + line);
    made.push(once.repeat(OVERLONG / once.len()) + line);
    made
}

/// A few of `count` places, the first and the last among them.
fn places(count: usize, few: usize) -> impl Iterator<Item = usize> {
    let places: BTreeSet<usize> =
        (0..few.min(count)).map(|n| n * count.saturating_sub(1) / few.saturating_sub(1).max(1)).collect();
    places.into_iter()
}

fn repeated(tokens: &[&str], n: usize, times: usize) -> String {
    let (before, after) = (&tokens[..n], &tokens[n + 1..]);
    format!("{}{}{}", before.concat(), tokens[n].repeat(times), after.concat())
}
