//! What a datepattern leaves as Python's text, in the dialect of `regex-syntax`. (A failregex may contain more than a
//! linear engine can run, and has a parser of its own: `crate::regex`.)

/// Why a text cannot be translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// A construct that needs more than a finite automaton, by name.
    NotLinear(&'static str),
    /// Not a regex.
    Invalid(String),
}

/// Translates a regex. What both dialects write alike passes through; the differences are:
///
/// | Python | here |
/// |---|---|
/// | `\Z` | `\z` |
/// | `\<`, `\>`, `\'`, `\"` and other escaped characters without a meaning | the character |
/// | `{` that starts no repetition | `\{` |
/// | `{,n}` | `{0,n}` |
/// | `[`, `&&`, `--`, `~~` in a class | escaped |
/// | `(?#…)` | nothing |
/// | `(?u)`, `(?a)`, `(?L)` | nothing: classes are ASCII |
pub(super) fn to_rust(pattern: &str) -> Result<String, Problem> {
    let mut reader =
        Reader { chars: pattern.chars().collect(), at: 0, out: String::with_capacity(pattern.len() + 16) };
    while let Some(c) = reader.next() {
        match c {
            '\\' => reader.escape(false)?,
            '[' => reader.class()?,
            '(' => reader.group()?,
            '{' => reader.brace(),
            '}' => reader.out.push_str("\\}"),
            other => reader.out.push(other),
        }
    }
    Ok(reader.out)
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    out: String,
}

impl Reader {
    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        Some(c)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn rest_starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(n, c)| self.peek(n) == Some(c))
    }

    fn escape(&mut self, in_class: bool) -> Result<(), Problem> {
        let Some(c) = self.next() else {
            return Err(Problem::Invalid("ends with a lone backslash".to_owned()));
        };
        match c {
            'Z' if !in_class => self.out.push_str("\\z"),
            'b' if in_class => self.out.push_str("\\x08"),
            '1'..='9' if !in_class => return Err(Problem::NotLinear("backreference")),
            '0' => self.out.push_str("\\x00"),
            'A' | 'b' | 'B' | 'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'n' | 'r' | 't' | 'f' | 'v' | 'a' | 'x'
            | 'u' | 'U' => {
                self.out.push('\\');
                self.out.push(c);
            }
            c if c.is_ascii_alphanumeric() => {
                return Err(Problem::Invalid(format!("unknown escape `\\{c}`")));
            }
            c if c.is_ascii_punctuation() && c != '<' && c != '>' => {
                self.out.push('\\');
                self.out.push(c);
            }
            c => self.out.push(c),
        }
        Ok(())
    }

    fn class(&mut self) -> Result<(), Problem> {
        self.out.push('[');
        if self.peek(0) == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let Some(c) = self.next() else { return Err(Problem::Invalid("unclosed `[`".to_owned())) };
            match c {
                ']' if !first => break,
                ']' => self.out.push_str("\\]"),
                '\\' => self.escape(true)?,
                '[' => self.out.push_str("\\["),
                '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                // A hyphen is a range unless it stands first, last, or beside another one.
                '-' if first || matches!(self.peek(0), Some(']' | '-')) => self.out.push_str("\\-"),
                c => self.out.push(c),
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    fn group(&mut self) -> Result<(), Problem> {
        if self.peek(0) != Some('?') {
            self.out.push('(');
            return Ok(());
        }
        for (text, name) in [
            ("?=", "lookahead"),
            ("?!", "negative lookahead"),
            ("?<=", "lookbehind"),
            ("?<!", "negative lookbehind"),
            ("?P=", "backreference"),
            ("?(", "conditional"),
            ("?>", "atomic group"),
        ] {
            if self.rest_starts_with(text) {
                return Err(Problem::NotLinear(name));
            }
        }
        if self.rest_starts_with("?#") {
            while self.next().is_some_and(|c| c != ')') {}
            return Ok(());
        }
        if self.rest_starts_with("?P<") {
            self.out.push_str("(?P<");
            self.at += 3;
            return Ok(());
        }
        self.flags()
    }

    /// `(?:`, `(?i)`, `(?i:`, `(?-i:`, `(?iu)`: keeps the flags that mean something here.
    fn flags(&mut self) -> Result<(), Problem> {
        self.at += 1;
        let mut flags = String::new();
        loop {
            match self.next() {
                Some(c @ ('i' | 'm' | 's' | 'x' | '-')) => flags.push(c),
                Some('u' | 'a' | 'L') => {}
                Some(end @ (':' | ')')) => {
                    let flags = flags.trim_end_matches('-');
                    if end == ':' {
                        self.out.push_str(&format!("(?{flags}:"));
                    } else if !flags.is_empty() {
                        self.out.push_str(&format!("(?{flags})"));
                    }
                    return Ok(());
                }
                _ => return Err(Problem::Invalid("unknown group after `(?`".to_owned())),
            }
        }
    }

    fn brace(&mut self) {
        let digits =
            |from: usize| (from..).take_while(|&n| self.peek(n).is_some_and(|c| c.is_ascii_digit())).count();
        let low = digits(0);
        let comma = self.peek(low) == Some(',');
        let high = if comma { digits(low + 1) } else { 0 };
        let end = low + usize::from(comma) + high;
        let repetition = self.peek(end) == Some('}') && (low > 0 || high > 0) && !self.out.is_empty();
        if !repetition {
            self.out.push_str("\\{");
            return;
        }
        self.out.push('{');
        if low == 0 {
            self.out.push('0');
        }
        for _ in 0..=end {
            if let Some(c) = self.next() {
                self.out.push(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_differences_are_translated() {
        for (python, rust) in [
            (r"a\Z", r"a\z"),
            (r"\<a\>", "<a>"),
            (r"a{2,}b{,3}c{x}", r"a{2,}b{0,3}c\{x\}"),
            (r"[][\]&&a-]", r"[\]\[\]\&\&a\-]"),
            (r"[\w\-.^_]", r"[\w\-.^_]"),
            (r"(?iu)x(?:y)(?i:z)(?#note)", r"(?i)x(?:y)(?i:z)"),
            (r"(?P<a>b)", r"(?P<a>b)"),
            (r"\/\'\%", r"\/\'\%"),
        ] {
            assert_eq!(to_rust(python).as_deref(), Ok(rust), "{python}");
            regex_syntax::parse(rust).unwrap();
        }
    }

    #[test]
    fn what_a_finite_automaton_cannot_do_is_named() {
        for (python, name) in [
            ("a(?!b)", "negative lookahead"),
            ("(?<=:):", "lookbehind"),
            ("(?P<q>['\"])x(?P=q)", "backreference"),
            (r"(a)\1", "backreference"),
            ("(a)?(?(1)b|c)", "conditional"),
        ] {
            assert_eq!(to_rust(python), Err(Problem::NotLinear(name)));
        }
    }

    #[test]
    fn a_broken_regex_is_an_error() {
        for python in ["a\\", "[abc", "(?Qx)", r"\y"] {
            assert!(matches!(to_rust(python), Err(Problem::Invalid(_))), "{python}");
        }
    }
}
