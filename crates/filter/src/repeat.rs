//! `message repeated N times: [ … ]`: syslog's way of writing a line once that came N times.

use stockade_core::limits::MAX_REPEATS;

/// A line that stands for several.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeated<'l> {
    /// What stands before the wrapper: host, program and pid.
    pub(crate) head: &'l [u8],
    /// The message that was repeated.
    pub(crate) message: &'l [u8],
    /// How many times, from 1 to [`MAX_REPEATS`].
    pub(crate) times: u32,
}

const MARK: &[u8] = b"message repeated ";

/// Unwraps a line whose date was cut off.
///
/// The wrapper counts only where syslog puts it, directly after the first `: `. Anywhere else somebody else wrote it:
/// a user name may say what it likes.
pub(crate) fn unwrap(line: &[u8]) -> Option<Repeated<'_>> {
    let inner = line.strip_suffix(b"]")?;
    let colon = memchr::memchr_iter(b':', inner).find(|at| inner.get(at + 1) == Some(&b' '))?;
    let (head, rest) = inner.split_at_checked(colon + 2)?;
    let rest = rest.strip_prefix(MARK)?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = rest.split_at_checked(digits)?;
    let message = rest.strip_prefix(b" times: [")?;
    let message = message.strip_prefix(b" ").unwrap_or(message);
    let times = std::str::from_utf8(number).ok().filter(|n| !n.is_empty())?;
    // A number too long for its type is larger than the limit.
    let times = times.parse().unwrap_or(MAX_REPEATS).clamp(1, MAX_REPEATS);
    Some(Repeated { head, message, times })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(line: &str) -> Option<(u32, &str)> {
        unwrap(line.as_bytes()).map(|r| (r.times, std::str::from_utf8(r.message).unwrap()))
    }

    #[test]
    fn the_wrapper_is_taken_off() {
        let line =
            " host sshd[7]: message repeated 3 times: [ Failed password for root from 192.0.2.1 port 1 ssh2]";
        assert_eq!(times(line), Some((3, "Failed password for root from 192.0.2.1 port 1 ssh2")));
    }

    #[test]
    fn a_wrapper_that_somebody_typed_is_text() {
        for line in [
            " host sshd[7]: Invalid user message repeated 9 times: [ x from 192.0.2.1 port 1]",
            " host sshd[7]: Invalid user : message repeated 9 times: [ Failed from 192.0.2.1]",
            " host sshd[7]: message repeated 9 times: [ x",
            " host sshd[7]: message repeated many times: [ x]",
            "message repeated 9 times: [ x]",
        ] {
            assert_eq!(times(line), None, "{line}");
        }
    }

    #[test]
    fn the_count_is_bounded() {
        assert_eq!(times(" h s: message repeated 0 times: [ x]"), Some((1, "x")));
        assert_eq!(times(" h s: message repeated 99999999999999 times: [ x]"), Some((MAX_REPEATS, "x")));
    }
}
