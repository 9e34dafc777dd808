//! JSON strings.

/// Appends what a JSON string means; escapes that are none stay as they are.
///
/// Two escapes that form a surrogate pair are one character; a surrogate alone becomes its three bytes, which no UTF-8 text
/// holds, so it equals nothing but itself.
pub(crate) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let (bytes, used) = match escape.get(1) {
            Some(b'u') => {
                let (code, used) = code_point(escape);
                push_code_point(code, out);
                rest = escape.get(used..).unwrap_or_default();
                continue;
            }
            Some(b'b') => (8, 2),
            Some(b'f') => (12, 2),
            Some(b'n') => (b'\n', 2),
            Some(b'r') => (b'\r', 2),
            Some(b't') => (b'\t', 2),
            Some(other) => (*other, 2),
            None => (b'\\', 1),
        };
        out.push(bytes);
        rest = escape.get(used..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The code point of `\uXXXX` or of a pair of them, and how many bytes it takes.
fn code_point(escape: &[u8]) -> (u32, usize) {
    let high = hex4(escape, 2);
    if (0xD800..0xDC00).contains(&high) && escape.get(6..8) == Some(b"\\u") {
        let low = hex4(escape, 8);
        if (0xDC00..0xE000).contains(&low) {
            return (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12);
        }
    }
    (high, 6)
}

fn hex4(bytes: &[u8], at: usize) -> u32 {
    let digits = bytes.get(at..at + 4).unwrap_or_default();
    digits.iter().fold(0, |code, byte| code << 4 | char::from(*byte).to_digit(16).unwrap_or(0))
}

fn push_code_point(code: u32, out: &mut Vec<u8>) {
    if let Some(character) = char::from_u32(code) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let [_, _, high, low] = code.to_be_bytes();
        out.extend_from_slice(&[0xE0 | high >> 4, 0x80 | (high & 0x0F) << 2 | low >> 6, 0x80 | low & 0x3F]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let read = |raw: &str| {
            let mut out = Vec::new();
            unescape(raw.as_bytes(), &mut out);
            out
        };
        assert_eq!(read(r"x\/y\n\u00e9\ud83d\ude00\\"), "x/y\né😀\\".as_bytes());
        assert_eq!(read(r"\ud83d"), [0xED, 0xA0, 0xBD]);
        assert_eq!(read(r"\ud83dA"), [0xED, 0xA0, 0xBD, b'A']);
        assert_eq!(read(r"\ud83d\ud83d\ude00"), [&[0xED, 0xA0, 0xBD][..], "😀".as_bytes()].concat());
    }
}
