//! `wildcard`: `*` is any run of characters, everything else stands for itself.

/// A wildcard text, cut at its stars.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wildcard {
    /// What stands before, between and after the stars; one piece if there is no star.
    pieces: Box<[Box<[u8]>]>,
}

/// What all values that fit a wildcard have in common, for finding it among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor<'a> {
    /// The value is this text.
    Whole(&'a [u8]),
    /// It is nothing but a star: any value.
    Any,
    /// Begins with the text, which is all there is to it if `true`.
    Prefix(&'a [u8], bool),
    /// Ends with the text, which is all there is to it if `true`.
    Suffix(&'a [u8], bool),
    /// Holds the text, which is all there is to it if `true`.
    Inner(&'a [u8], bool),
}

impl Wildcard {
    /// Reads a wildcard text; the error is AWS's, which counts positions from the quote before the text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut pieces = vec![Vec::new()];
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            let next = text.get(at + 1);
            match byte {
                b'*' if next == Some(&b'*') => {
                    return Err(format!("Consecutive wildcard characters at pos {}", at + 1));
                }
                b'*' => pieces.push(Vec::new()),
                b'\\' => match next {
                    Some(escaped @ (b'*' | b'\\')) => {
                        if let Some(piece) = pieces.last_mut() {
                            piece.push(*escaped);
                        }
                        at += 1;
                    }
                    _ => return Err(format!("Invalid escape character at pos {}", at + 1)),
                },
                byte => {
                    if let Some(piece) = pieces.last_mut() {
                        piece.push(*byte);
                    }
                }
            }
            at += 1;
        }
        Ok(Self { pieces: pieces.into_iter().map(Vec::into_boxed_slice).collect() })
    }

    /// Whether the whole value fits. Linear in the value for each piece: the first place that fits is as good as any.
    pub(crate) fn fits(&self, value: &[u8]) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return false };
        let Some((last, between)) = rest.split_last() else { return value == &**first };
        let Some(mut value) = value.strip_prefix(&**first) else { return false };
        for piece in between {
            let Some(at) = memchr::memmem::find(value, piece) else { return false };
            value = value.get(at + piece.len()..).unwrap_or_default();
        }
        value.ends_with(last)
    }

    /// What to look for: the longest text that must be there, with some preference for an end of the value.
    pub(crate) fn anchor(&self) -> Anchor<'_> {
        let Some((first, rest)) = self.pieces.split_first() else { return Anchor::Whole(&[]) };
        let Some((last, between)) = rest.split_last() else { return Anchor::Whole(first) };
        if between.is_empty() && last.is_empty() {
            return if first.is_empty() { Anchor::Any } else { Anchor::Prefix(first, true) };
        }
        if between.is_empty() && first.is_empty() {
            return Anchor::Suffix(last, true);
        }
        let inner = between.iter().max_by_key(|piece| piece.len()).map_or(&[][..], |piece| piece);
        let ends = first.len().max(last.len());
        if inner.len() > ends + 4 || ends == 0 {
            let only = ends == 0 && between.len() == 1;
            return Anchor::Inner(inner, only);
        }
        if first.len() >= last.len() { Anchor::Prefix(first, false) } else { Anchor::Suffix(last, false) }
    }

    /// The text as it was written.
    pub(crate) fn written(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            if at > 0 {
                text.push(b'*');
            }
            for byte in piece {
                if matches!(byte, b'*' | b'\\') {
                    text.push(b'\\');
                }
                text.push(*byte);
            }
        }
        text
    }

    /// How many stars it has.
    pub(crate) fn stars(&self) -> usize {
        self.pieces.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits() {
        for (pattern, value, fits) in [
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("a*", "a", true),
            ("*a*", "bab", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "aXb", false),
            (r"a\\b", r"a\b", true),
            ("a?b", "aXb", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*ab*ba*", "aba", false),
            ("*ab*ba*", "abba", true),
            ("*.exe", ".exe", true),
        ] {
            assert_eq!(
                Wildcard::parse(pattern.as_bytes()).unwrap().fits(value.as_bytes()),
                fits,
                "{pattern} {value}"
            );
        }
    }

    #[test]
    fn errors_count_from_the_quote() {
        for (pattern, error) in [
            ("a**b", "Consecutive wildcard characters at pos 2"),
            (r"\a", "Invalid escape character at pos 1"),
            (r"a\", "Invalid escape character at pos 2"),
            ("é***", "Consecutive wildcard characters at pos 3"),
        ] {
            assert_eq!(Wildcard::parse(pattern.as_bytes()).unwrap_err(), error);
        }
    }
}
