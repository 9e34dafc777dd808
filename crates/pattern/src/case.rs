//! Text compared without regard to case, as EventBridge does it.
//!
//! Every character of the *pattern* may stand in the event as its lower-case or its upper-case form, each by Unicode's full
//! mappings without a language. So `straße` finds `STRASSE`, but `STRASSE` does not find `straße`. Characters outside the
//! basic plane are characters here; event-ruler takes them apart and finds question marks.

use smallvec::SmallVec;

/// A text in which each character has one or two spellings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Folded {
    /// The text as it was written.
    pub(crate) text: Box<[u8]>,
    /// All of it ASCII: the comparison is by bytes.
    ascii: bool,
    /// Otherwise, per character, the spellings that may stand in the event.
    spellings: Box<[Spelling]>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Spelling {
    lower: Box<[u8]>,
    upper: Box<[u8]>,
}

/// Ends of partial matches. One nearly always: spellings differ in length for a handful of characters.
type Ends = SmallVec<[usize; 4]>;

impl Folded {
    /// Takes a text (UTF-8, in which single surrogates are allowed).
    pub(crate) fn new(text: &[u8]) -> Self {
        if text.is_ascii() {
            return Self { text: text.into(), ascii: true, spellings: Box::default() };
        }
        let mut spellings = Vec::new();
        for chunk in text.utf8_chunks() {
            for character in chunk.valid().chars() {
                let lower: String = character.to_lowercase().collect();
                let upper: String = character.to_uppercase().collect();
                spellings.push(Spelling { lower: lower.as_bytes().into(), upper: upper.as_bytes().into() });
            }
            if !chunk.invalid().is_empty() {
                spellings.push(Spelling { lower: chunk.invalid().into(), upper: chunk.invalid().into() });
            }
        }
        Self { text: text.into(), ascii: false, spellings: spellings.into() }
    }

    /// Returns the text in lower case if comparing lower-case ASCII is all there is to it.
    pub(crate) fn as_lower_ascii(&self) -> Option<Vec<u8>> {
        self.ascii.then(|| self.text.to_ascii_lowercase())
    }

    /// Whether the whole value is this text.
    pub(crate) fn equals(&self, value: &[u8]) -> bool {
        if self.ascii {
            return self.text.eq_ignore_ascii_case(value);
        }
        self.ends(value, true).contains(&value.len())
    }

    /// Whether the value begins with this text.
    pub(crate) fn begins(&self, value: &[u8]) -> bool {
        if self.ascii {
            return value.get(..self.text.len()).is_some_and(|start| self.text.eq_ignore_ascii_case(start));
        }
        !self.ends(value, true).is_empty()
    }

    /// Whether the value ends with this text.
    pub(crate) fn finishes(&self, value: &[u8]) -> bool {
        if self.ascii {
            let start = value.len().checked_sub(self.text.len());
            return start
                .and_then(|start| value.get(start..))
                .is_some_and(|end| self.text.eq_ignore_ascii_case(end));
        }
        !self.ends(value, false).is_empty()
    }

    /// How far into the value, from its beginning or its end, the whole text may reach.
    fn ends(&self, value: &[u8], forward: bool) -> Ends {
        let mut ends: Ends = smallvec::smallvec![0];
        let step = |ends: &Ends, spelling: &Spelling| {
            let mut next = Ends::new();
            for used in ends {
                for form in [&spelling.lower, &spelling.upper] {
                    let rest = if forward { value.get(*used..) } else { value.get(..value.len() - used) };
                    let fits =
                        rest.is_some_and(
                            |rest| if forward { rest.starts_with(form) } else { rest.ends_with(form) },
                        );
                    let reached = used + form.len();
                    if fits && !next.contains(&reached) {
                        next.push(reached);
                    }
                }
            }
            next
        };
        if forward {
            for spelling in &self.spellings {
                ends = step(&ends, spelling);
            }
        } else {
            for spelling in self.spellings.iter().rev() {
                ends = step(&ends, spelling);
            }
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_those_of_the_pattern() {
        for (pattern, value, equal) in [
            ("Alice", "aLICE", true),
            ("STRASSE", "straße", false),
            ("straße", "STRASSE", true),
            ("ÉCOLE", "école", true),
            ("K", "\u{212a}", false),
            ("\u{212a}", "k", true),
            ("s", "ſ", false),
            ("İ", "i\u{307}", true),
            ("ı", "I", true),
            ("Σ", "ς", false),
            ("ς", "Σ", true),
            ("ẞ", "ß", true),
            ("x😀", "X😀", true),
            ("x😀", "X??", false),
            ("𐐀", "𐐨", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Folded::new(pattern.as_bytes()).equals(value.as_bytes()), equal, "{pattern} {value}");
        }
    }

    #[test]
    fn both_ends() {
        let folded = Folded::new("ßa".as_bytes());
        assert!(
            folded.begins("SSAb".as_bytes())
                && folded.finishes("bSSA".as_bytes())
                && folded.finishes("ßA".as_bytes())
        );
        assert!(!folded.finishes("A".as_bytes()) && !folded.begins("SSb".as_bytes()));
    }
}
