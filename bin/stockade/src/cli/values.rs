//! Readers of single values, each with an error that says what would be right.

use std::num::NonZeroU32;
use std::time::Duration;

use stockade_core::{BanTime, Key};
use stockade_filter::conf::value::{TimeSpan, parse_time};

/// How many lines of evidence can be asked for at most.
const MAX_LINES: usize = 10_000;

/// How many matches ban.
pub(crate) fn maxretry(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "expected a number from 1 on".to_owned())
}

/// A length of time, in fail2ban's writing.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match span(text)? {
        TimeSpan::Seconds(_) => Ok(span(text)?.duration().unwrap_or(Duration::MAX)),
        TimeSpan::Forever => Err("it must not be negative".to_owned()),
    }
}

/// How long a ban holds; -1 is for ever.
pub(crate) fn bantime(text: &str) -> Result<BanTime, String> {
    Ok(span(text)?.duration().map_or(BanTime::Forever, BanTime::For))
}

fn span(text: &str) -> Result<TimeSpan, String> {
    parse_time(text).map_err(|error| format!("{error}; write 600, 10m, 2h or 1d12h"))
}

/// An address or a network, or a hint at what would be one. A name is none: whoever answers for it could have anybody
/// banned.
pub(crate) fn address(text: &str) -> Result<Key, &'static str> {
    if let Some(key) = Key::parse_addr_or_net(text) {
        return Ok(key);
    }
    Err(match text.split_once('/') {
        Some((addr, _)) if Key::parse_addr_or_net(addr).is_some() => {
            "the prefix of a network is at most 32 for IPv4 and 128 for IPv6, as in 198.51.100.0/24"
        }
        _ if text.contains('%') => "leave out the zone behind `%`",
        _ if text.contains(':') => "write an IPv6 address as 2001:db8::1, without brackets and port",
        _ if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
            "an IPv4 address has four numbers from 0 to 255, without leading zeros"
        }
        _ => {
            "names are not looked up: write an address, as in 203.0.113.9, or a network, as in 198.51.100.0/24"
        }
    })
}

/// How many lines of evidence to show.
pub(crate) fn line_count(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| format!("expected a number from 1 to {MAX_LINES}"))?;
    if (1..=MAX_LINES).contains(&number) {
        Ok(number)
    } else {
        Err(format!("expected a number from 1 to {MAX_LINES}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_fail2ban_does() {
        assert_eq!(duration("1d12h"), Ok(Duration::from_secs(129_600)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(bantime("-1"), Ok(BanTime::Forever));
        assert!(duration("-1").is_err() && bantime("-2").is_err());
        assert!(duration("soon").unwrap_err().contains("10m"));
        assert_eq!(duration("99999999999999999999y"), Ok(Duration::MAX));
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_hint() {
        assert_eq!(address("::ffff:192.0.2.1"), Ok("192.0.2.1".parse().unwrap()));
        for (text, hint) in [
            ("192.0.2.1/33", "at most 32"),
            ("192.0.2.300", "four numbers"),
            ("192.0.2", "four numbers"),
            ("fe80::1%eth0", "zone"),
            ("[2001:db8::1]:22", "brackets"),
            ("example.org", "not looked up"),
            ("", "not looked up"),
        ] {
            assert!(address(text).unwrap_err().contains(hint), "{text}");
        }
    }
}
