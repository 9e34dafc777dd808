//! `wildcard`: `*` is any run of characters, everything else stands for itself.

/// A wildcard text, cut at its stars.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wildcard {
    /// What stands before, between and after the stars; one piece if there is no star.
    pieces: Box<[Box<[u8]>]>,
}

/// What all values that fit a wildcard have in common, for finding it among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl<'a> Anchor<'a> {
    /// The text.
    pub(crate) fn text(self) -> &'a [u8] {
        match self {
            Self::Any => &[],
            Self::Whole(text) | Self::Prefix(text, _) | Self::Suffix(text, _) | Self::Inner(text, _) => text,
        }
    }

    /// Whether a value that has it fits.
    pub(crate) fn is_all(self) -> bool {
        match self {
            Self::Any | Self::Whole(_) => true,
            Self::Prefix(_, all) | Self::Suffix(_, all) | Self::Inner(_, all) => all,
        }
    }
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
            let Some(at) = find(value, piece) else { return false };
            value = value.get(at + piece.len()..).unwrap_or_default();
        }
        value.ends_with(last)
    }

    /// What may be looked for: each text that every value that fits must have.
    pub(crate) fn anchors(&self) -> Vec<Anchor<'_>> {
        let Some((first, rest)) = self.pieces.split_first() else { return vec![Anchor::Whole(&[])] };
        let Some((last, between)) = rest.split_last() else { return vec![Anchor::Whole(first)] };
        let only = |piece: &[u8]| {
            self.pieces.iter().filter(|other| !other.is_empty()).count() == 1 && !piece.is_empty()
        };
        let mut anchors = Vec::new();
        if !first.is_empty() {
            anchors.push(Anchor::Prefix(first, only(first)));
        }
        if !last.is_empty() {
            anchors.push(Anchor::Suffix(last, only(last)));
        }
        anchors.extend(
            between.iter().filter(|piece| !piece.is_empty()).map(|piece| Anchor::Inner(piece, only(piece))),
        );
        if anchors.is_empty() {
            anchors.push(Anchor::Any);
        }
        anchors
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

    /// What every value that fits begins with.
    pub(crate) fn beginning(&self) -> &[u8] {
        self.pieces.first().map_or(&[], |piece| piece)
    }

    /// How many stars it has.
    pub(crate) fn stars(&self) -> usize {
        self.pieces.len().saturating_sub(1)
    }
}

/// Where a piece first occurs.
fn find(value: &[u8], piece: &[u8]) -> Option<usize> {
    // To make ready for a search that is fast on long texts costs more than to search a short one.
    const SHORT: usize = 128;
    let (Some(first), true) = (piece.first(), value.len() <= SHORT) else {
        return memchr::memmem::find(value, piece);
    };
    let starts = memchr::memchr_iter(*first, value);
    starts.into_iter().find(|at| value.get(*at..).is_some_and(|rest| rest.starts_with(piece)))
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
