//! `port` and `protocol`: which packets a jail's bans keep out.

use stockade_core::ports::{Protocol, Scope};
use stockade_filter::conf::Value;

use super::options::Options;
use super::services::Services;
use crate::limits::MAX_PORT_RANGES;
use crate::problem::ProblemKind;
use stockade_core::nearest::nearest;

/// What the `port` and `protocol` of a jail or of one of its actions say.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'v> {
    pub(super) port: Option<&'v Value>,
    pub(super) protocol: Option<&'v Value>,
}

/// The packets of all of `wanted` together; all packets if there is nothing in it, or one with no `port`.
pub(super) fn scope(options: &mut Options<'_>, wanted: &[Wanted<'_>], services: &Services) -> Scope {
    let mut all = wanted.is_empty();
    let (mut ports, mut protocols) = (Vec::new(), Vec::new());
    for Wanted { port, protocol } in wanted {
        let of_this = protocol.map_or_else(|| vec![Protocol::Tcp], |value| parse_protocols(options, value));
        match port.map(|value| parse_ports(options, value, &of_this, services)) {
            None | Some(Ports::All) => all = true,
            Some(Ports::Ranges(ranges)) => ports.extend(ranges),
        }
        protocols.extend(
            of_this.iter().filter(|protocol| !protocols.contains(*protocol)).copied().collect::<Vec<_>>(),
        );
    }
    if all {
        (ports, protocols) = Default::default();
    }
    let ports = merged(ports);
    if ports.len() > MAX_PORT_RANGES {
        let expected = format!("at most {MAX_PORT_RANGES} ranges of ports");
        options.jail_error(ProblemKind::bad_value(expected, &ports.len().to_string()));
    }
    Scope { jail: options.jail.name.as_str().into(), ports, protocols }
}

enum Ports {
    All,
    Ranges(Vec<(u16, u16)>),
}

fn parse_ports(
    options: &mut Options<'_>,
    value: &Value,
    protocols: &[Protocol],
    services: &Services,
) -> Ports {
    let mut ranges = Vec::new();
    for word in words(value.text()) {
        match parse_range(word) {
            _ if is_all(word) => return Ports::All,
            // Port 0 carries no packets.
            Some((0 | 1, u16::MAX)) => return Ports::All,
            Some(range) => ranges.push(range),
            None => {
                let found = services.ports(word, protocols);
                if found.is_empty() {
                    options.error("port", value, unknown_port(word, services, options.problems.is_full()));
                }
                ranges.extend(found.into_iter().map(|port| (port, port)));
            }
        }
    }
    Ports::Ranges(ranges)
}

/// A `word` that is no port; `quick` leaves out the search for what was meant.
fn unknown_port(word: &str, services: &Services, quick: bool) -> ProblemKind {
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return ProblemKind::bad_value("a port, a range such as `80:90`, a service or `all`", word);
    }
    let nearest = nearest(word, services.names().filter(|_| !quick));
    ProblemKind::Unknown { what: "service", name: word.to_owned(), nearest, known: Vec::new() }
}

fn parse_protocols(options: &mut Options<'_>, value: &Value) -> Vec<Protocol> {
    let mut protocols = Vec::new();
    let mut add = |protocol| {
        if !protocols.contains(&protocol) {
            protocols.push(protocol);
        }
    };
    for word in words(value.text()) {
        match word.to_lowercase().as_str() {
            "tcp" => add(Protocol::Tcp),
            "udp" => add(Protocol::Udp),
            word if is_all(word) => [Protocol::Tcp, Protocol::Udp].into_iter().for_each(&mut add),
            _ => options.error("protocol", value, ProblemKind::bad_value("`tcp`, `udp` or `all`", word)),
        }
    }
    protocols
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty())
}

fn is_all(word: &str) -> bool {
    ["all", "any"].iter().any(|all| word.eq_ignore_ascii_case(all))
}

/// `22`, `80:90` or `80-90`.
fn parse_range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once([':', '-']).unwrap_or((word, word));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// The same ports as few ascending ranges.
fn merged(mut ranges: Vec<(u16, u16)>) -> Vec<(u16, u16)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_and_what_is_none() {
        assert_eq!(parse_range("22"), Some((22, 22)));
        assert_eq!(parse_range("80:90"), Some((80, 90)));
        assert_eq!(parse_range("6000-6007"), Some((6000, 6007)));
        for word in ["", ":", "90:80", "65536", "-1", "ssh", "1:2:3", "80:http"] {
            assert_eq!(parse_range(word), None, "{word}");
        }
    }

    proptest! {
        #[test]
        fn merging_keeps_the_ports_and_leaves_gaps(
            ranges in prop::collection::vec((0_u16..200, 0_u16..20), 0..20), high in any::<bool>(),
        ) {
            let base = if high { u16::MAX - 219 } else { 0 };
            let ranges: Vec<_> = ranges.into_iter().map(|(first, more)| (base + first, base + first + more)).collect();
            let holds = |ranges: &[(u16, u16)], port: u16| ranges.iter().any(|(a, b)| (*a..=*b).contains(&port));
            let merged = merged(ranges.clone());
            for port in base..=base + 219 {
                prop_assert_eq!(holds(&ranges, port), holds(&merged, port), "{}", port);
            }
            for pair in merged.windows(2) {
                prop_assert!(u32::from(pair[0].1) + 1 < u32::from(pair[1].0));
            }
        }
    }
}
