//! Reads the text of a datepattern: Python's regex dialect with `%` tokens.

use super::error::DatePatternError;
use super::node::Node;
use super::token::{self, Token};

/// A parsed pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) root: Node,
    /// Flags of the whole pattern: `(?i)`.
    pub(super) flags: String,
    /// Whether it has a plain `(…)`: then the first group, not the whole match, is what is cut.
    pub(super) grouped: bool,
}

/// Groups may be nested this deep.
const MAX_DEPTH: usize = 64;

/// Reads a pattern without its marks (`{^LN-BEG}`, `**`, …).
pub(super) fn parse(pattern: &str) -> Result<Parsed, DatePatternError> {
    let mut parser =
        Parser { pattern, rest: pattern, flags: String::new(), grouped: false, captures: 0, depth: 0 };
    let root = parser.alternatives()?;
    if !parser.rest.is_empty() {
        return Err(parser.syntax("unbalanced parenthesis"));
    }
    Ok(Parsed { root, flags: parser.flags, grouped: parser.grouped })
}

struct Parser<'p> {
    pattern: &'p str,
    rest: &'p str,
    flags: String,
    grouped: bool,
    captures: usize,
    depth: usize,
}

impl<'p> Parser<'p> {
    fn alternatives(&mut self) -> Result<Node, DatePatternError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(DatePatternError::TooLarge { what: "the nesting of groups", limit: MAX_DEPTH });
        }
        let mut arms = vec![self.sequence()?];
        while self.take("|") {
            arms.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(if arms.len() == 1 { arms.swap_remove(0) } else { Node::Alternate(arms) })
    }

    fn sequence(&mut self) -> Result<Node, DatePatternError> {
        let mut parts = Vec::new();
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
            let Some(atom) = self.atom()? else { continue };
            parts.push(match self.quantifier() {
                "" => atom,
                operator => Node::Repeat { body: Box::new(atom), operator: operator.to_owned() },
            });
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Node::Concat(parts) })
    }

    /// One atom; `None` for something that stands for nothing: flags, a comment.
    fn atom(&mut self) -> Result<Option<Node>, DatePatternError> {
        if self.take("(") {
            return self.group();
        }
        if self.take("%") {
            return self.percent().map(Some);
        }
        if self.rest.starts_with('{')
            && let Some(end) = self.rest.find('}')
            && let Some(token) = self.rest.get(1..end).and_then(token::braced)
        {
            self.advance(end + 1);
            return Ok(Some(self.token(token)));
        }
        if self.rest.starts_with('[') {
            return self.class().map(Some);
        }
        if self.rest.starts_with('\\') {
            return self.escape().map(Some);
        }
        if !self.quantifier().is_empty() {
            return Err(self.syntax("nothing to repeat"));
        }
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        Ok(Some(Node::Text(self.advance(first).to_owned())))
    }

    fn group(&mut self) -> Result<Option<Node>, DatePatternError> {
        if !self.rest.starts_with('?') {
            self.grouped = true;
            return self.capture(None).map(Some);
        }
        if self.take("?P<") {
            let Some(end) = self.rest.find('>') else { return Err(self.syntax("unclosed group name")) };
            let name = self.advance(end).to_owned();
            self.advance(1);
            return self.capture(Some(name)).map(Some);
        }
        if self.take("?P=") {
            let Some(end) = self.rest.find(')') else { return Err(self.syntax("unclosed backreference")) };
            let name = self.advance(end).to_owned();
            self.advance(1);
            return Ok(Some(Node::Backref(name)));
        }
        if self.take("?#") {
            let end = self.rest.find(')').map_or(self.rest.len(), |end| end + 1);
            self.advance(end);
            return Ok(None);
        }
        for (start, construct) in NOT_LINEAR {
            if self.rest.starts_with(start) {
                return Err(DatePatternError::NotLinear { construct, pattern: self.pattern.to_owned() });
            }
        }
        self.advance(1);
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic() && c != '-').unwrap_or(self.rest.len());
        let flags = self.advance(end).to_owned();
        if flags.contains('x') {
            return Err(self.syntax("the flag x is not supported"));
        }
        if self.take(")") {
            self.flags.push_str(&flags);
            return Ok(None);
        }
        if !self.take(":") {
            return Err(self.syntax("unknown group after `(?`"));
        }
        let body = Box::new(self.alternatives()?);
        self.close()?;
        Ok(Some(Node::Group { flags, body }))
    }

    fn capture(&mut self, name: Option<String>) -> Result<Node, DatePatternError> {
        self.captures += 1;
        let number = self.captures;
        let body = Box::new(self.alternatives()?);
        self.close()?;
        Ok(Node::Capture { name, number, body })
    }

    fn close(&mut self) -> Result<(), DatePatternError> {
        if self.take(")") { Ok(()) } else { Err(self.syntax("missing `)`")) }
    }

    fn percent(&mut self) -> Result<Node, DatePatternError> {
        if self.take("%") {
            return Ok(Node::Text("%".to_owned()));
        }
        for (name, expansion) in token::COMPOSITE {
            if self.rest.starts_with(*name) {
                self.advance(1);
                let after = std::mem::replace(&mut self.rest, expansion);
                let body = Box::new(self.sequence()?);
                self.rest = after;
                return Ok(Node::Group { flags: String::new(), body });
            }
        }
        let Some(token) = token::percent(self.rest) else {
            let length = if self.rest.starts_with("Ex") { 3 } else { 1 };
            let token = format!("%{}", self.rest.chars().take(length).collect::<String>());
            return Err(DatePatternError::UnknownToken { token, pattern: self.pattern.to_owned() });
        };
        self.advance(token.name.len());
        Ok(self.token(token))
    }

    fn token(&mut self, token: &'static Token) -> Node {
        self.captures += 1;
        Node::Token { token, number: self.captures }
    }

    fn class(&mut self) -> Result<Node, DatePatternError> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => {
                    text.push(c);
                    text.extend(chars.next().map(|(_, escaped)| escaped));
                }
                ']' if !matches!(text.as_str(), "[" | "[^") => {
                    text.push(c);
                    self.advance(at + 1);
                    return Ok(Node::Text(text));
                }
                '%' => {
                    if chars.next_if(|(_, next)| *next == '%').is_none() {
                        return Err(self.syntax("a token cannot stand in `[…]`; write %% for a percent sign"));
                    }
                    text.push(c);
                }
                c => text.push(c),
            }
        }
        Err(self.syntax("unclosed `[`"))
    }

    fn escape(&mut self) -> Result<Node, DatePatternError> {
        let digits = self.rest.bytes().skip(1).take(2).take_while(u8::is_ascii_digit).count();
        if digits > 0 && !self.rest.starts_with("\\0") {
            let text = self.advance(1 + digits);
            return Ok(Node::Backref(text.trim_start_matches('\\').to_owned()));
        }
        let Some(escaped) = self.rest.chars().nth(1) else {
            return Err(self.syntax("a lone backslash at the end"));
        };
        let length = match escaped {
            'x' => 4,
            'u' => 6,
            'U' => 10,
            c => 1 + c.len_utf8(),
        };
        if self.rest.get(..length).is_none() {
            return Err(self.syntax("an incomplete escape"));
        }
        Ok(Node::Text(self.advance(length).to_owned()))
    }

    /// Takes the repetition operator that stands here, `""` if there is none.
    fn quantifier(&mut self) -> &'p str {
        let length = match self.rest.bytes().next() {
            Some(b'*' | b'+' | b'?') => 1,
            Some(b'{') => match self.rest.find('}') {
                Some(end) if self.rest.get(1..end).is_some_and(is_count) => end + 1,
                _ => return "",
            },
            _ => return "",
        };
        let lazy = self.rest.get(length..).is_some_and(|rest| rest.starts_with('?'));
        self.advance(length + usize::from(lazy))
    }

    fn take(&mut self, text: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(text) else { return false };
        self.rest = rest;
        true
    }

    fn advance(&mut self, bytes: usize) -> &'p str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn syntax(&self, reason: &str) -> DatePatternError {
        DatePatternError::Syntax { reason: reason.to_owned(), pattern: self.pattern.to_owned() }
    }
}

const NOT_LINEAR: [(&str, &str); 6] = [
    ("?=", "lookahead"),
    ("?!", "negative lookahead"),
    ("?<=", "lookbehind"),
    ("?<!", "negative lookbehind"),
    ("?(", "conditional"),
    ("?>", "atomic group"),
];

/// Whether the text between braces counts repetitions: `2`, `2,`, `,3`, `2,3`.
fn is_count(text: &str) -> bool {
    let (low, high) = text.split_once(',').unwrap_or((text, ""));
    text.bytes().any(|byte| byte.is_ascii_digit())
        && (low.bytes().chain(high.bytes())).all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Node {
        Node::Text(text.to_owned())
    }

    #[test]
    fn takes_apart_what_dates_need() {
        let Parsed { root, flags, grouped } = parse(r"(?iu)^[^]a%%]\[(%d){2,3}?|(?P<s>x)(?P=s)").unwrap();
        assert_eq!((flags.as_str(), grouped), ("iu", true));
        let day = Node::Token { token: token::percent("d").unwrap(), number: 2 };
        let group = Node::Capture { name: None, number: 1, body: Box::new(day) };
        let repeat = Node::Repeat { body: Box::new(group), operator: "{2,3}?".to_owned() };
        let first = Node::Concat(vec![text("^"), text("[^]a%]"), text(r"\["), repeat]);
        let named = Node::Capture { name: Some("s".to_owned()), number: 3, body: Box::new(text("x")) };
        let second = Node::Concat(vec![named, Node::Backref("s".to_owned())]);
        assert_eq!(root, Node::Alternate(vec![first, second]));
    }

    #[test]
    fn a_named_group_is_no_plain_group() {
        assert!(!parse("(?P<Y>x)(?:y)").unwrap().grouped);
        assert!(!parse(r"\(x\)").unwrap().grouped);
        assert!(parse("(?:(x))").unwrap().grouped);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (pattern, start) in [
            ("%Q", "unknown token `%Q`"),
            ("%Ex?", "unknown token `%Ex?`"),
            ("x%", "unknown token `%`"),
            ("a(?=b)", "datepattern `a(?=b)` uses a lookahead"),
            ("a(?<!b)", "datepattern `a(?<!b)` uses a negative lookbehind"),
            ("[%d]", "datepattern `[%d]` is not a regex: a token cannot stand"),
            ("(a", "datepattern `(a` is not a regex: missing `)`"),
            ("a)", "datepattern `a)` is not a regex: unbalanced"),
            ("a**", "datepattern `a**` is not a regex: nothing to repeat"),
            ("[a", "datepattern `[a` is not a regex: unclosed `[`"),
            ("a\\", "datepattern `a\\` is not a regex: a lone backslash"),
            ("\\x1", "datepattern `\\x1` is not a regex: an incomplete escape"),
        ] {
            let error = parse(pattern).unwrap_err().to_string();
            assert!(error.starts_with(start), "{pattern}: {error}");
        }
        assert!(matches!(parse(&"(".repeat(70)), Err(DatePatternError::TooLarge { .. })));
    }
}
