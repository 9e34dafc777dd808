//! From a journal entry to a line of text, as syslog would have written it, and its time.

use stockade_core::Timestamp;

use super::export::{Entry, Parser};

/// The fields that a line is made of, asked for besides those of the matches. The numbers below are their places.
pub(super) const FIELDS: [&str; 11] = [
    "__CURSOR",
    "__REALTIME_TIMESTAMP",
    "__MONOTONIC_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "_SOURCE_MONOTONIC_TIMESTAMP",
    "_HOSTNAME",
    "SYSLOG_IDENTIFIER",
    "_COMM",
    "SYSLOG_PID",
    "_PID",
    "MESSAGE",
];

const CURSOR: usize = 0;
const REALTIME: usize = 1;
const MONOTONIC: usize = 2;
const SOURCE_REALTIME: usize = 3;
const SOURCE_MONOTONIC: usize = 4;
const HOSTNAME: usize = 5;
const IDENTIFIER: usize = 6;
const COMM: usize = 7;
const SYSLOG_PID: usize = 8;
const PID: usize = 9;
const MESSAGE: usize = 10;

/// The place of an entry in the journal.
pub(super) fn cursor(entry: &Entry) -> Option<&str> {
    entry.value(CURSOR).and_then(|cursor| std::str::from_utf8(cursor).ok())
}

/// When the entry says that it happened: the program's own time if the journal has it, else when it was received.
pub(super) fn time(entry: &Entry) -> Option<Timestamp> {
    micros(entry, SOURCE_REALTIME)
        .or_else(|| micros(entry, REALTIME))
        .map(|us| Timestamp::from_millis(us / 1000))
}

/// When the journal received it.
pub(super) fn received(entry: &Entry) -> Option<Timestamp> {
    micros(entry, REALTIME).map(|us| Timestamp::from_millis(us / 1000))
}

/// Whether an entry holds a field with a value.
pub(super) fn has(parser: &Parser, entry: &Entry, field: &str, value: &[u8]) -> bool {
    parser.number(field).is_some_and(|number| entry.values(number).any(|v| v == value))
}

/// Appends `HOST IDENT[PID]: MESSAGE` and a line end; a line end within becomes the two characters `\n`.
///
/// The shape is fail2ban's, so that its filters read journal and files alike: without an identifier the program's name
/// stands for it; what the kernel says has its monotonic time in front; several messages are joined by spaces.
pub(super) fn write_line(entry: &Entry, line: &mut Vec<u8>) {
    let start = line.len();
    if let Some(host) = entry.value(HOSTNAME) {
        write_text(host, line);
        line.push(b' ');
    }
    if let Some(identifier) = entry.value(IDENTIFIER).or_else(|| entry.value(COMM)) {
        write_text(identifier, line);
        let pid = entry.value(SYSLOG_PID).or_else(|| entry.value(PID));
        if let Some(pid) = pid {
            line.push(b'[');
            write_text(pid, line);
            line.push(b']');
        }
        line.extend_from_slice(b": ");
        let monotonic = micros(entry, SOURCE_MONOTONIC).or_else(|| micros(entry, MONOTONIC));
        if let (b"kernel", None, Some(us)) = (identifier, pid, monotonic) {
            let (seconds, fraction) = (us / 1_000_000, us % 1_000_000);
            line.extend_from_slice(format!("[{seconds:5}.{fraction:06}] ").as_bytes());
        }
    }
    for (at, message) in entry.values(MESSAGE).enumerate() {
        if at > 0 {
            line.push(b' ');
        }
        write_text(message, line);
    }
    debug_assert!(!line.get(start..).is_some_and(|line| line.contains(&b'\n')), "a record is one line");
    line.push(b'\n');
}

fn write_text(text: &[u8], line: &mut Vec<u8>) {
    for (at, part) in text.split(|byte| *byte == b'\n').enumerate() {
        if at > 0 {
            line.extend_from_slice(b"\\n");
        }
        line.extend_from_slice(part);
    }
}

fn micros(entry: &Entry, field: usize) -> Option<i64> {
    std::str::from_utf8(entry.value(field)?).ok()?.parse().ok().filter(|us| *us >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_entry(text: &str, check: impl Fn(&Parser, &Entry)) {
        let mut parser = Parser::new(FIELDS.map(str::to_owned).into());
        let mut entries = 0;
        parser.feed(text.as_bytes(), |parser, entry| {
            check(parser, entry);
            entries += 1;
        });
        assert_eq!(entries, 1);
    }

    fn line(fields: &str) -> String {
        let text = std::cell::RefCell::new(Vec::new());
        with_entry(&format!("{fields}\n\n"), |_, entry| write_line(entry, &mut text.borrow_mut()));
        String::from_utf8(text.into_inner()).unwrap()
    }

    #[test]
    fn lines_have_the_shape_that_filters_know() {
        for (fields, expected) in [
            ("_HOSTNAME=web\nSYSLOG_IDENTIFIER=sshd\n_PID=7\nMESSAGE=m", "web sshd[7]: m\n"),
            ("_HOSTNAME=web\nSYSLOG_IDENTIFIER=sshd\nSYSLOG_PID=8\n_PID=7\nMESSAGE=m", "web sshd[8]: m\n"),
            ("_HOSTNAME=web\nSYSLOG_IDENTIFIER=\n_COMM=su\nMESSAGE=m", "web su: m\n"),
            ("_HOSTNAME=web\n_PID=7\nMESSAGE=m", "web m\n"),
            ("MESSAGE=m\nMESSAGE=n", "m n\n"),
            ("_HOSTNAME=web\nSYSLOG_IDENTIFIER=x", "web x: \n"),
            (
                "SYSLOG_IDENTIFIER=kernel\n__MONOTONIC_TIMESTAMP=1234567\nMESSAGE=m",
                "kernel: [    1.234567] m\n",
            ),
            (
                "SYSLOG_IDENTIFIER=kernel\n_SOURCE_MONOTONIC_TIMESTAMP=123456000001\n__MONOTONIC_TIMESTAMP=1\nMESSAGE=m",
                "kernel: [123456.000001] m\n",
            ),
            ("SYSLOG_IDENTIFIER=kernel\n_PID=1\n__MONOTONIC_TIMESTAMP=1234567\nMESSAGE=m", "kernel[1]: m\n"),
        ] {
            assert_eq!(line(fields), expected, "{fields}");
        }
    }

    #[test]
    fn no_field_can_break_out_of_its_line() {
        let value = "a\nb\n";
        let fields = format!(
            "MESSAGE\n{}{value}\nSYSLOG_IDENTIFIER\n{}{value}",
            "\x04\0\0\0\0\0\0\0", "\x04\0\0\0\0\0\0\0"
        );
        assert_eq!(line(&fields), "a\\nb\\n: a\\nb\\n\n");
    }

    #[test]
    fn the_programs_own_time_comes_first_and_a_wrong_one_is_none() {
        let both = "_SOURCE_REALTIME_TIMESTAMP=1700000000123456\n__REALTIME_TIMESTAMP=1800000000000000\n\n";
        with_entry(both, |_, entry| {
            assert_eq!(time(entry), Some(Timestamp::from_millis(1_700_000_000_123)));
            assert_eq!(received(entry), Some(Timestamp::from_secs(1_800_000_000)));
        });
        with_entry("_SOURCE_REALTIME_TIMESTAMP=x\n__REALTIME_TIMESTAMP=5000\n\n", |_, entry| {
            assert_eq!(time(entry), Some(Timestamp::from_millis(5)));
        });
        with_entry("__REALTIME_TIMESTAMP=-1\n\n", |_, entry| assert_eq!(time(entry), None));
    }
}
