//! JSON that AWS may send and `serde_json` does not read.
//!
//! Patterns match such an event, so the repair must not refuse it: whoever calls an API chooses what stands in his user
//! agent, and where it is cut.

use serde_json::Value;

/// Reads JSON. Half of a surrogate pair becomes U+FFFD, what is no UTF-8 likewise, and a number that no double holds
/// becomes the text that it is.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes)
        .or_else(|error| serde_json::from_str(&mended(&String::from_utf8_lossy(bytes))).map_err(|_| error))
}

/// The text with what is odd in it replaced. What is no JSON stays none.
fn mended(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    let mut inside = false;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => {
                inside = !inside;
                1
            }
            '\\' if inside => match surrogates(rest) {
                Surrogates::None => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
                Surrogates::Pair => 12,
                Surrogates::Half => {
                    mended.push_str("\\ufffd");
                    rest = rest.get(6..).unwrap_or_default();
                    continue;
                }
            },
            '-' | '0'..='9' if !inside => {
                let in_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
                let end = rest.find(|c: char| !in_number(c)).unwrap_or(rest.len());
                let number = rest.get(..end).unwrap_or(rest);
                if number.parse::<f64>().is_ok_and(f64::is_infinite) {
                    mended.push('"');
                    mended.push_str(number);
                    mended.push('"');
                    rest = rest.get(end..).unwrap_or_default();
                    continue;
                }
                end
            }
            c => c.len_utf8(),
        };
        let (part, next) = rest.split_at_checked(length).unwrap_or((rest, ""));
        mended.push_str(part);
        rest = next;
    }
    mended
}

enum Surrogates {
    None,
    Pair,
    Half,
}

/// What an escape says of surrogates.
fn surrogates(escape: &str) -> Surrogates {
    let code = |at: usize| {
        let digits = escape.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    match (code(0), code(6)) {
        (Some(0xD800..0xDC00), Some(0xDC00..0xE000)) => Surrogates::Pair,
        (Some(0xD800..0xE000), _) => Surrogates::Half,
        _ => Surrogates::None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_odd_is_read_and_the_rest_stays() {
        let odd = r#"{"a\ud800": "\udc00\ud83d\ude00\\ud800\"\ud83d", "n": [1e999, -2.5, 12345678901234567890], "é": "1e999"}"#;
        let read = read(odd.as_bytes()).unwrap();
        assert_eq!(read["a\u{fffd}"], "\u{fffd}😀\\ud800\"\u{fffd}");
        assert_eq!(read["n"][0], "1e999");
        assert_eq!((read["n"][1].as_f64(), &read["é"]), (Some(-2.5), &Value::from("1e999")));
        assert!(super::read(b"{\"a\": \"\xff\"}").is_ok());
        for none in [&b"{"[..], b"{\"a\": \"\\ud83\"}", b"[1e999", b"{\"a\": \"\\x\"}", b"\\ud800"] {
            assert!(super::read(none).is_err(), "{none:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_even_is_left_alone(text in "[\\\\ud83e\"{}1-9. é😀]{0,40}") {
            let json = Value::from(text).to_string();
            prop_assert_eq!(mended(&json), json);
        }
    }
}
