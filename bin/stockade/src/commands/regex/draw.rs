//! Addresses at debuggex.com, where a regex is drawn. Nothing is sent: whoever opens one shows a stranger the line.

use std::fmt::Write as _;

use stockade_filter::UseDns;
use stockade_filter::trial::expanded;

/// The address where a regex is drawn over a line.
pub(crate) fn address(line: &str, regex: &str, usedns: UseDns, several_lines: bool) -> String {
    let regex = expanded(regex, usedns);
    let flags = if several_lines { "&flags=m" } else { "" };
    format!("https://www.debuggex.com/?re={}&str={}&flavor=python{flags}", quoted(&regex), quoted(line))
}

/// A text as a form sends it.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            // Writing to a string cannot fail.
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_line_is_left_that_a_browser_takes_for_more() {
        let shown = address("a b&c=é", "^<F-USER>x</F-USER>$", UseDns::No, true);
        assert_eq!(
            shown,
            "https://www.debuggex.com/?re=%5E%28%3FP%3Cuser%3Ex%29%24&str=a+b%26c%3D%C3%A9&flavor=python&flags=m"
        );
    }
}
