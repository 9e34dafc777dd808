//! A reader of tokens for patterns: strict JSON, one token at a time, so that the first error in reading order is told.
//!
//! What it says of text that is not JSON is what AWS says, which is what the JSON library behind EventBridge says.

use crate::error::{PatternError, PatternErrorKind, Position, source_reference};
use crate::json::unescape;
use crate::limits::MAX_PATTERN_DEPTH;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    /// A key; its colon was read as well.
    Key(Vec<u8>),
    String(Vec<u8>),
    /// As it is written.
    Number(String),
    True,
    False,
    Null,
}

/// Reads tokens.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Where the last token began.
    pub(crate) token_at: usize,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    object: bool,
    at: usize,
    /// Something was read in it: a comma must come before the next.
    begun: bool,
    /// A key was read, its value was not.
    keyed: bool,
}

const VALUE_EXPECTED: &str =
    "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, token_at: 0, open: Vec::new() }
    }

    /// An error at the last token.
    pub(crate) fn error(&self, kind: PatternErrorKind, reason: impl Into<String>) -> PatternError {
        PatternError::new(kind, reason, Position::of(self.text.as_bytes(), self.token_at))
    }

    /// Reads the next token. After the last one, asks for nothing to follow.
    pub(crate) fn next(&mut self) -> Result<Token, PatternError> {
        self.skip_space();
        self.token_at = self.at;
        let Some(byte) = self.peek() else { return Err(self.unexpected_end()) };
        let Some(open) = self.open.last_mut() else {
            return self.value();
        };
        if (byte == b'}' || byte == b']') && !open.keyed {
            return self.close(byte);
        }
        if open.keyed {
            open.keyed = false;
            return self.value();
        }
        let (object, begun) = (open.object, open.begun);
        open.begun = true;
        if begun {
            if byte != b',' {
                let of = if object { "Object" } else { "Array" };
                return Err(self.unexpected_char(&format!("was expecting comma to separate {of} entries")));
            }
            self.at += 1;
            self.skip_space();
            self.token_at = self.at;
            if self.peek().is_none() {
                return Err(self.end_between());
            }
        }
        if object { self.key() } else { self.value() }
    }

    /// Asks that nothing but space follows.
    pub(crate) fn finish(&mut self) -> Result<(), PatternError> {
        self.skip_space();
        self.token_at = self.at;
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.syntax("something follows the pattern's closing brace")),
        }
    }

    fn close(&mut self, byte: u8) -> Result<Token, PatternError> {
        let Some(open) = self.open.pop() else { return Err(self.unexpected_char(VALUE_EXPECTED)) };
        if open.object != (byte == b'}') {
            let (close, of) = if open.object { ('}', "Object") } else { (']', "Array") };
            let Position { line, column, .. } = Position::of(self.text.as_bytes(), open.at);
            let source = source_reference(self.text);
            return Err(self.syntax(format!(
                "Unexpected close marker '{}': expected '{close}' (for {of} starting at [Source: (String)\"{source}; line: {line}, column: {column}])",
                char::from(byte)
            )));
        }
        self.at += 1;
        Ok(if open.object { Token::ObjectEnd } else { Token::ArrayEnd })
    }

    fn key(&mut self) -> Result<Token, PatternError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected_char("was expecting double-quote to start field name"));
        }
        let key = self.string(" in field name")?;
        let key_at = self.token_at;
        self.skip_space();
        self.token_at = self.at;
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => {
                return Err(self.unexpected_char("was expecting a colon to separate field name and value"));
            }
            None => return Err(self.end_between()),
        }
        self.token_at = key_at;
        if let Some(open) = self.open.last_mut() {
            open.keyed = true;
        }
        Ok(Token::Key(key))
    }

    fn value(&mut self) -> Result<Token, PatternError> {
        let Some(byte) = self.peek() else { return Err(self.unexpected_end()) };
        match byte {
            b'{' | b'[' => {
                if self.open.len() >= MAX_PATTERN_DEPTH {
                    return Err(self.error(PatternErrorKind::Limit, format!("nested deeper than {MAX_PATTERN_DEPTH}")));
                }
                let object = byte == b'{';
                self.open.push(Open { object, at: self.at, begun: false, keyed: false });
                self.at += 1;
                Ok(if object { Token::ObjectStart } else { Token::ArrayStart })
            }
            b'"' => self.string(": was expecting closing quote for a string value").map(Token::String),
            b'-' | b'0'..=b'9' => self.number(),
            b'/' => Err(self.unexpected_char(
                "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)",
            )),
            _ if self.here().is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$') => self.word(),
            b'}' => Err(self.unexpected_char("expected a value")),
            _ => Err(self.unexpected_char(VALUE_EXPECTED)),
        }
    }

    fn word(&mut self) -> Result<Token, PatternError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        let token = match word {
            "true" => Token::True,
            "false" => Token::False,
            "null" => Token::Null,
            "NaN" | "Infinity" | "INF" => {
                let feature = "`JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS`";
                return Err(self.syntax(format!("Non-standard token '{word}': enable {feature} to allow")));
            }
            _ => {
                return Err(self.syntax(format!(
                    "Unrecognized token '{word}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
                )));
            }
        };
        self.at += end;
        Ok(token)
    }

    fn number(&mut self) -> Result<Token, PatternError> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => {
                self.at += 1;
                if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                    return Err(self.syntax("Invalid numeric value: Leading zeroes not allowed"));
                }
            }
            Some(b'1'..=b'9') => self.digits(),
            _ => {
                return Err(
                    self.in_number("expected digit (0-9) to follow minus sign, for valid numeric value")
                );
            }
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.in_number("Decimal point not followed by a digit"));
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.in_number("Exponent indicator not followed by a digit"));
            }
            self.digits();
        }
        if !matches!(self.peek(), None | Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b'}' | b']'))
            && self.open.is_empty()
        {
            return Err(self.unexpected_char("Expected space separating root-level values"));
        }
        Ok(Token::Number(self.text.get(start..self.at).unwrap_or_default().to_owned()))
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn string(&mut self, unclosed: &str) -> Result<Vec<u8>, PatternError> {
        let start = self.at + 1;
        self.at = start;
        loop {
            match self.peek() {
                None => {
                    self.token_at = self.at;
                    return Err(self.syntax(format!("Unexpected end-of-input{unclosed}")));
                }
                Some(b'"') => break,
                Some(byte @ 0..0x20) => {
                    self.token_at = self.at;
                    return Err(self.syntax(format!(
                        "Illegal unquoted character ((CTRL-CHAR, code {byte})): has to be escaped using backslash to be included in string value"
                    )));
                }
                Some(b'\\') => self.escape()?,
                Some(_) => self.at += 1,
            }
        }
        let mut out = Vec::new();
        unescape(self.text.as_bytes().get(start..self.at).unwrap_or_default(), &mut out);
        self.at += 1;
        Ok(out)
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                for _ in 0..4 {
                    self.at += 1;
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        self.token_at = self.at;
                        return Err(match self.peek() {
                            Some(_) => {
                                self.unexpected_char("expected a hex-digit for character escape sequence")
                            }
                            None => self.syntax("Unexpected end-of-input in character escape sequence"),
                        });
                    }
                }
                self.at += 1;
            }
            Some(_) => {
                self.token_at = self.at;
                return Err(self.syntax(format!("Unrecognized character escape {}", self.char_named())));
            }
            None => {
                self.token_at = self.at;
                return Err(self.syntax("Unexpected end-of-input in character escape sequence"));
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn syntax(&self, reason: impl Into<String>) -> PatternError {
        self.error(PatternErrorKind::Syntax, reason)
    }

    fn unexpected_end(&self) -> PatternError {
        let Some(open) = self.open.last() else { return self.syntax("Filter is not an object") };
        if open.keyed {
            return self.end_between();
        }
        let of = if open.object { "Object" } else { "Array" };
        let Position { line, column, .. } = Position::of(self.text.as_bytes(), open.at);
        let source = source_reference(self.text);
        self.syntax(format!(
            "Unexpected end-of-input: expected close marker for {of} (start marker at [Source: (String)\"{source}; line: {line}, column: {column}])"
        ))
    }

    /// The text ends after a comma or a key.
    fn end_between(&self) -> PatternError {
        let of = if self.open.last().is_some_and(|open| open.object) { "Object" } else { "Array" };
        self.syntax(format!("Unexpected end-of-input within/between {of} entries"))
    }

    fn unexpected_char(&self, expected: &str) -> PatternError {
        if let Some(byte @ 0..0x20) = self.peek() {
            return self.syntax(format!(
                "Illegal character ((CTRL-CHAR, code {byte})): only regular white space (\\r, \\n, \\t) is allowed between tokens"
            ));
        }
        self.syntax(format!("Unexpected character ({}): {expected}", self.char_named()))
    }

    fn in_number(&mut self, reason: &str) -> PatternError {
        self.token_at = self.at;
        if self.peek().is_none() {
            return self.unexpected_end();
        }
        self.syntax(format!("Unexpected character ({}) in numeric value: {reason}", self.char_named()))
    }

    fn here(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn char_named(&self) -> String {
        let found = self.here().unwrap_or('\0');
        match u32::from(found) {
            code if found.is_control() => format!("(CTRL-CHAR, code {code})"),
            code @ 0..=0xFF => format!("'{found}' (code {code})"),
            code => format!("'{found}' (code {code} / 0x{code:x})"),
        }
    }
}
