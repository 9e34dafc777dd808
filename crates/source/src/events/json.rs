//! Where JSON values end. Structure is checked, numbers and escapes are not: who reads an event will look at those.
//!
//! Nothing here recurses, and a value that is nested deep costs one bit a level.

use memchr::memchr3;

use super::limits::MAX_EVENT_DEPTH;

/// Why the end of a value was not found, and at which byte of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) at: usize,
    pub(crate) why: Why,
}

/// What is wrong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The text ends.
    End,
    /// A byte stands where JSON has no place for it.
    Unexpected,
    /// A string goes over the end of the line.
    OpenString,
    /// Too many levels.
    Deep,
}

impl Why {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::End => "the text ends within it",
            Self::Unexpected => "unexpected byte",
            Self::OpenString => "a string is not closed",
            Self::Deep => "nested too deep",
        }
    }
}

/// What is open around a place: one bit a level, set for objects.
#[derive(Default)]
struct Nest {
    bits: u64,
    depth: usize,
    /// Whole words of the levels further out; empty up to 64 levels.
    outer: Vec<u64>,
}

impl Nest {
    fn push(&mut self, object: bool) {
        if self.depth.is_multiple_of(64) && self.depth > 0 {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth -= 1;
        if self.depth.is_multiple_of(64) && self.depth > 0 {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    fn in_object(&self) -> bool {
        self.bits & 1 == 1
    }
}

/// Returns the byte after the value that begins at `at`.
pub(crate) fn value_end(text: &[u8], mut at: usize) -> Result<usize, Broken> {
    let mut nest = Nest::default();
    loop {
        at = match text.get(at) {
            Some(b'"') => string_end(text, at)?,
            Some(open @ (b'{' | b'[')) => {
                let object = *open == b'{';
                let inner = space(text, at + 1);
                if text.get(inner) == Some(if object { &b'}' } else { &b']' }) {
                    inner + 1
                } else if nest.depth == MAX_EVENT_DEPTH {
                    return Err(Broken { at, why: Why::Deep });
                } else {
                    nest.push(object);
                    at = if object { key(text, inner)?.1 } else { inner };
                    continue;
                }
            }
            _ => scalar_end(text, at)?,
        };
        loop {
            if nest.depth == 0 {
                return Ok(at);
            }
            at = space(text, at);
            match (text.get(at), nest.in_object()) {
                (Some(b','), true) => {
                    at = key(text, space(text, at + 1))?.1;
                    break;
                }
                (Some(b','), false) => {
                    at = space(text, at + 1);
                    break;
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    nest.pop();
                    at += 1;
                }
                _ => return Err(unexpected(text, at)),
            }
        }
    }
}

/// The fields of an object, one by one, as they are written.
pub(crate) struct Fields<'t> {
    text: &'t [u8],
    at: usize,
    state: State,
}

enum State {
    First,
    Later,
    Closed,
}

/// One field: its key between the quotes, and where its value begins.
pub(crate) struct Field<'t> {
    pub(crate) key: &'t [u8],
    pub(crate) value: usize,
}

impl<'t> Fields<'t> {
    /// Of the object whose `{` is at `at`.
    pub(crate) fn of(text: &'t [u8], at: usize) -> Self {
        let first = text.get(at) == Some(&b'{');
        Self { text, at: at + 1, state: if first { State::First } else { State::Closed } }
    }

    /// The next field; its value is not looked at. `None` behind the last one, and behind an error.
    pub(crate) fn next(&mut self) -> Result<Option<Field<'t>>, Broken> {
        let found = self.find();
        if found.is_err() {
            self.state = State::Closed;
        }
        found
    }

    fn find(&mut self) -> Result<Option<Field<'t>>, Broken> {
        match self.state {
            State::Closed => return Ok(None),
            State::First => self.at = space(self.text, self.at),
            State::Later => {
                // The value of the field before.
                self.at = space(self.text, value_end(self.text, self.at)?);
            }
        }
        let first = matches!(self.state, State::First);
        match self.text.get(self.at) {
            Some(b'}') => {
                self.at += 1;
                self.state = State::Closed;
                return Ok(None);
            }
            Some(b',') if !first => self.at = space(self.text, self.at + 1),
            _ if first => {}
            _ => return Err(unexpected(self.text, self.at)),
        }
        let (name, value) = key(self.text, self.at)?;
        self.at = value;
        self.state = State::Later;
        Ok(Some(Field { key: name, value }))
    }

    /// Once there is no further field: the byte after the object.
    #[cfg(any(feature = "aws", test))]
    pub(crate) fn end(&self) -> usize {
        self.at
    }
}

/// The values of the list whose `[` is at `at`, as they are written. An error ends them.
#[cfg(any(feature = "aws", test))]
pub(crate) fn items(text: &[u8], at: usize) -> impl Iterator<Item = Result<&[u8], Broken>> {
    let mut next = (text.get(at) == Some(&b'[')).then(|| space(text, at + 1));
    let mut first = true;
    std::iter::from_fn(move || {
        let mut at = next.take()?;
        if !std::mem::take(&mut first) {
            match text.get(at) {
                Some(b',') => at = space(text, at + 1),
                Some(b']') => return None,
                _ => return Some(Err(unexpected(text, at))),
            }
        } else if text.get(at) == Some(&b']') {
            return None;
        }
        Some(value_end(text, at).map(|end| {
            next = Some(space(text, end));
            text.get(at..end).unwrap_or_default()
        }))
    })
}

/// The text of a string without its quotes, or `None` if there is something else.
pub(crate) fn string(text: &[u8], at: usize) -> Option<&[u8]> {
    (text.get(at) == Some(&b'"')).then_some(())?;
    let end = string_end(text, at).ok()?;
    text.get(at + 1..end - 1)
}

/// Returns the first byte from `at` on that is no space.
#[inline]
pub(crate) fn space(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(byte) if *byte > b' ' => at,
        _ => long_space(text, at),
    }
}

#[cold]
fn long_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).unwrap_or(rest.len())
}

/// The key that begins at `at`, and where its value begins.
#[inline]
pub(crate) fn key(text: &[u8], at: usize) -> Result<(&[u8], usize), Broken> {
    if text.get(at) != Some(&b'"') {
        return Err(unexpected(text, at));
    }
    let end = string_end(text, at)?;
    let colon = space(text, end);
    if text.get(colon) != Some(&b':') {
        return Err(unexpected(text, colon));
    }
    Ok((text.get(at + 1..end - 1).unwrap_or_default(), space(text, colon + 1)))
}

/// Returns the byte after the string whose opening quote is at `at`.
#[inline]
fn string_end(text: &[u8], at: usize) -> Result<usize, Broken> {
    let mut at = at + 1;
    loop {
        let found = text.get(at..).and_then(|rest| memchr3(b'"', b'\\', b'\n', rest));
        let Some(found) = found else { return Err(Broken { at: text.len(), why: Why::End }) };
        at += found;
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => match text.get(at + 1) {
                // Not even an escaped one goes over a line's end.
                Some(b'\n') => at += 1,
                Some(_) => at += 2,
                None => return Err(Broken { at: text.len(), why: Why::End }),
            },
            _ => return Err(Broken { at, why: Why::OpenString }),
        }
    }
}

/// Returns the byte after a number or a word such as `true`.
fn scalar_end(text: &[u8], at: usize) -> Result<usize, Broken> {
    let rest = text.get(at..).unwrap_or_default();
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    match rest.iter().position(|byte| !part(byte)) {
        Some(0) => Err(unexpected(text, at)),
        Some(length) => Ok(at + length),
        None if rest.is_empty() => Err(unexpected(text, at)),
        None => Ok(text.len()),
    }
}

fn unexpected(text: &[u8], at: usize) -> Broken {
    if at < text.len() {
        Broken { at, why: Why::Unexpected }
    } else {
        Broken { at: text.len(), why: Why::End }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Result<usize, (usize, Why)> {
        value_end(text.as_bytes(), 0).map_err(|broken| (broken.at, broken.why))
    }

    #[test]
    fn ends_of_values() {
        for text in
            ["{}", "[ ]", r#""""#, r#""a\"\\""#, "1e5", "null", r#"{"a" : [1,{"b":{}},"]}"], "c":-1.5}"#]
        {
            assert_eq!(end(text), Ok(text.len()), "{text}");
            assert_eq!(end(&format!("{text},1")), Ok(text.len()), "{text}");
        }
        assert_eq!(end("{\"a\":1\n{\"b\":2}"), Err((7, Why::Unexpected)));
        assert_eq!(end("{\"a\":\"b\n\"}"), Err((7, Why::OpenString)));
        assert_eq!(end("\"b\\\n\""), Err((3, Why::OpenString)));
        assert_eq!(end(r#"{"a":"b\"#), Err((8, Why::End)));
        for text in ["{", "[1,", r#"{"a""#, r#"{"a":"#, "\"", ""] {
            assert_eq!(end(text), Err((text.len(), Why::End)), "{text}");
        }
        for text in ["{1:2}", "[}", r#"{"a"}"#, "[1 2]", "}", "[,]", r#"{"a":1,}"#] {
            assert_eq!(end(text).unwrap_err().1, Why::Unexpected, "{text}");
        }
    }

    #[test]
    fn deep_values_cost_a_bit_a_level() {
        for depth in [1, 63, 64, 65, 128, 129, 10_000, MAX_EVENT_DEPTH] {
            let text = format!("{}1{}", "[{\"a\":".repeat(depth / 2), "}]".repeat(depth / 2));
            assert_eq!(end(&text), Ok(text.len()), "{depth}");
        }
        let deep = "[".repeat(MAX_EVENT_DEPTH + 2);
        assert_eq!(end(&deep), Err((MAX_EVENT_DEPTH, Why::Deep)));
    }

    #[test]
    fn fields_come_one_by_one() {
        let text = br#" { "a" : {"x":[1]} , "b":2 }rest"#;
        let mut fields = Fields::of(text, 1);
        let first = fields.next().unwrap().unwrap();
        assert_eq!((first.key, text[first.value]), (&b"a"[..], b'{'));
        assert_eq!(fields.next().unwrap().unwrap().key, b"b");
        assert!(fields.next().unwrap().is_none() && fields.next().unwrap().is_none());
        assert_eq!(&text[fields.end()..], b"rest");
        assert!(Fields::of(b"{}", 0).next().unwrap().is_none());
        for broken in [&b"{,}"[..], b"{", br#"{"a":1"#, br#"{"a":1 "b":2}"#] {
            let mut fields = Fields::of(broken, 0);
            let found = std::iter::from_fn(|| fields.next().transpose()).last();
            assert!(matches!(found, Some(Err(_))), "{}", String::from_utf8_lossy(broken));
        }
    }

    #[test]
    fn items_come_one_by_one() {
        let all = |text: &str| {
            let found: Vec<_> = items(text.as_bytes(), 0).map(|item| item.map(<[u8]>::len).ok()).collect();
            found
        };
        assert_eq!(all(" []"), []);
        assert_eq!(all("[ ]"), []);
        assert_eq!(all(r#"[ {"a":[]} , "],",1]"#), [Some(8), Some(4), Some(1)]);
        assert_eq!(all("[1 2]"), [Some(1), None]);
        assert_eq!(all("[1,]"), [Some(1), None]);
        assert_eq!(all("[1"), [Some(1), None]);
    }
}
