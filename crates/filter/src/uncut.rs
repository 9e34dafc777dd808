//! Required texts that a line contains although its date stands in the middle of it.
//!
//! A regex sees a line without its date: `[] "GET` is ` [22/Nov/2026:10:00:00 +0000] "GET` in the log. So a text may be
//! searched for in the log only as far as no date can stand within it.

use crate::regex::Required;

/// Texts shorter than this are in every other line.
const MIN_BYTES: usize = 3;

/// Where a datepattern can cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cuts {
    /// Between two characters of which none belongs to a word: what a date touches is none, unless the pattern says so.
    BetweenWords,
    /// Also at one side of a word: the pattern says itself where it begins and ends.
    BesideWords,
}

impl Cuts {
    pub(crate) fn of(datepattern: Option<&str>) -> Self {
        let free = |pattern: &str| {
            let marked = pattern.contains("**") || pattern.to_ascii_lowercase().contains("{unb}");
            let group = explicit_group(pattern);
            let nothing = pattern.contains("()");
            !nothing && !starts_line(pattern) && (marked || group.is_some_and(|group| !stands_free(group)))
        };
        match datepattern {
            Some(patterns) if patterns.lines().any(|pattern| free(pattern.trim())) => Self::BesideWords,
            _ => Self::BetweenWords,
        }
    }

    /// What of `required` stands in the log in one piece.
    pub(crate) fn keep(self, required: &Required) -> Vec<Required> {
        let of = |texts: Vec<Vec<u8>>| Required { texts, any_case: required.any_case };
        let long = |text: &Vec<u8>| text.len() >= MIN_BYTES;
        match required.texts.as_slice() {
            [one] => self.split(one).into_iter().filter(long).map(|text| of(vec![text])).collect(),
            several => {
                let longest = |text: &Vec<u8>| self.split(text).into_iter().max_by_key(Vec::len).filter(long);
                several.iter().map(longest).collect::<Option<_>>().map(of).into_iter().collect()
            }
        }
    }

    fn split(self, text: &[u8]) -> Vec<Vec<u8>> {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        let mut pieces = Vec::new();
        let mut piece: Vec<u8> = Vec::new();
        for byte in text {
            let cut = piece.last().is_some_and(|last| match self {
                Self::BetweenWords => !word(last) && !word(byte),
                Self::BesideWords => !word(last) || !word(byte),
            });
            if cut {
                pieces.push(std::mem::take(&mut piece));
            }
            piece.push(*byte);
        }
        pieces.push(piece);
        pieces
    }
}

/// A pattern of the start of the line without a group of its own cuts from there, so nothing remains before the cut.
fn starts_line(pattern: &str) -> bool {
    pattern.starts_with('^') && explicit_group(pattern).is_none()
}

/// What stands before and behind the first group without a name: that is what is cut.
fn explicit_group(pattern: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in pattern.char_indices() {
        let rest = pattern.get(at + 1..).unwrap_or_default();
        if !escaped && c == '(' && !rest.starts_with('?') {
            let end = rest.rfind(')')?;
            return Some((pattern.get(..at)?, rest.get(end + 1..)?));
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// Whether the characters beside the group are surely no part of a word.
fn stands_free((before, behind): (&str, &str)) -> bool {
    let plain = |c: char| !c.is_alphanumeric() && c != '_' && !".*+?)]}$^\\|".contains(c);
    let left = match before.strip_suffix(|c: char| !c.is_alphanumeric()) {
        _ if before.is_empty() || before == "^" => true,
        // `\[`
        Some(escape) if escape.ends_with('\\') => true,
        _ => before.ends_with(plain),
    };
    let behind = behind.strip_prefix('\\').unwrap_or(behind);
    let right = behind.chars().next().is_none_or(|c| plain(c) || ").]".contains(c));
    left && right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(datepattern: Option<&str>, texts: &[&str]) -> Vec<Vec<String>> {
        let texts = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let kept = Cuts::of(datepattern).keep(&Required { texts, any_case: false });
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        kept.into_iter().map(|one| one.texts.into_iter().map(text).collect()).collect()
    }

    #[test]
    fn a_text_is_kept_up_to_where_a_date_can_stand() {
        assert_eq!(kept(None, &["[] \"GET / 400"]), [["\"GET "], [" 400"]]);
        assert_eq!(kept(None, &["Failed password for"]), [["Failed password for"]]);
        assert_eq!(kept(None, &["[]LOGIN FAILED"]), [["]LOGIN FAILED"]]);
        assert_eq!(kept(None, &["Illegal", " - Invalid"]), [["Illegal", " Invalid"]]);
        assert!(kept(None, &["Illegal", " - - "]).is_empty());
    }

    #[test]
    fn a_pattern_that_may_cut_beside_a_word_leaves_words() {
        for pattern in ["{UNB}%H:%M", "%H:%M**", r"^\w+(%H:%M)", r"x=({EPOCH})ms", "%d\n**EPOCH"] {
            assert_eq!(Cuts::of(Some(pattern)), Cuts::BesideWords, "{pattern}");
        }
        for pattern in [
            "{^LN-BEG}",
            r"^[^\[]*\[({DATE})",
            "({DATE})",
            r"\[({DATE})\]",
            "^WARNING:()**",
            "^t=%H**",
            r"^({DATE})",
        ] {
            assert_eq!(Cuts::of(Some(pattern)), Cuts::BetweenWords, "{pattern}");
        }
        assert_eq!(kept(Some("EPOCH**"), &["user of door"]), [["user"], ["door"]]);
    }
}
