//! What the tags stand for.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use stockade_core::action::Family;
use stockade_core::ports::Evidence;
use stockade_core::{Key, Match, Timestamp};

use super::host;
use super::template::Tag;

/// How much of one value is passed on, in bytes; of more lines the newest. The kernel takes 128 KiB.
const MAX_VALUE_BYTES: usize = 32 * 1024;

/// Whom a command is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'s> {
    pub(super) jail: &'s str,
    /// `None` for a command about nobody in particular, such as `actionstart`.
    pub(super) key: Option<&'s Key>,
    pub(super) family: Option<Family>,
    /// The seconds of the ban, -1 for ever.
    pub(super) bantime: i64,
    pub(super) evidence: &'s Evidence,
    /// Whether the ban was in force before the daemon started.
    pub(super) restored: bool,
    pub(super) timeout: Duration,
}

/// What stands in place of a tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Text that Stockade made itself and that means nothing to a shell: addresses, numbers.
    Plain(String),
    /// Text that somebody else wrote: it goes into a variable of this name.
    Foreign { variable: String, text: String },
}

/// The seconds from a ban's beginning to its end, -1 for ever.
pub(super) fn seconds(since: Timestamp, until: Timestamp) -> i64 {
    if until == Timestamp::MAX {
        return -1;
    }
    i64::try_from(until.since(since).as_millis().div_ceil(1_000)).unwrap_or(i64::MAX)
}

impl Subject<'_> {
    pub(super) fn value(&self, tag: &Tag) -> Value {
        let Evidence { since, nth, failures, counts, .. } = self.evidence;
        let number = |number: u64| Value::Plain(number.to_string());
        match tag {
            Tag::Ip => self.key("f2bV_ip"),
            Tag::Fid => self.key("f2bV_fid"),
            Tag::IpRev => Value::Plain(self.addr().map(reversed).unwrap_or_default()),
            Tag::IpHost => {
                let name = self.addr().map(|addr| host::name_of(addr).unwrap_or_else(|| "None".to_owned()));
                foreign("f2bV_ip_host", &name.unwrap_or_default())
            }
            Tag::Family => Value::Plain(self.family.map_or("", Family::name).to_owned()),
            Tag::Failures => number(u64::from(*failures)),
            Tag::Time => Value::Plain(since.as_secs().to_string()),
            Tag::BanTime => Value::Plain(self.bantime.to_string()),
            Tag::BanCount => number(u64::from(*nth)),
            Tag::Restored => number(u64::from(self.restored)),
            Tag::Matches => foreign("f2bV_matches", &lines(self.of_this_ban())),
            Tag::IpMatches => foreign("f2bV_ipmatches", &lines(&self.evidence.matches)),
            Tag::IpJailMatches => foreign("f2bV_ipjailmatches", &lines(self.of_this_jail())),
            Tag::IpFailures => number(total(&self.evidence.matches).max(u64::from(*failures))),
            Tag::IpJailFailures => number(total(self.of_this_jail()).max(u64::from(*failures))),
            Tag::RawTicket => foreign("f2bV_raw_ticket", &self.in_words()),
            Tag::JailName => own("f2bV_jail_name", self.jail),
            Tag::JailBanned => number(counts.banned),
            Tag::JailBannedTotal => number(counts.banned_total),
            Tag::JailFound => number(counts.found),
            Tag::JailFoundTotal => number(counts.found_total),
            Tag::FqHostname => own("f2bV_fq_hostname", host::full()),
            Tag::ShHostname => own("f2bV_sh_hostname", host::short()),
            Tag::LineBreak => Value::Plain("\n".to_owned()),
            Tag::Space => Value::Plain(" ".to_owned()),
            Tag::Timeout => number(self.timeout.as_secs()),
            Tag::Field(name) => {
                let variable: String =
                    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
                foreign(&format!("f2bV_F_{variable}"), &self.field(name))
            }
        }
    }

    /// The address or network as Stockade writes it; a name as a variable.
    fn key(&self, variable: &str) -> Value {
        match self.key {
            None => Value::Plain(String::new()),
            Some(Key::Name(name)) => foreign(variable, name),
            Some(key) => Value::Plain(key.to_string()),
        }
    }

    fn addr(&self) -> Option<IpAddr> {
        Some(self.key?.to_net()?.addr())
    }

    /// The matches that led to this ban: the jail's newest before it, as many as it counted. A jail that counts bans
    /// has none of its own; those of the others are what it is about.
    fn of_this_ban(&self) -> Vec<&Match> {
        let before = |found: &&Match| found.time <= self.evidence.since;
        let mut found: Vec<&Match> = self.of_this_jail().filter(before).collect();
        if found.is_empty() {
            found = self.evidence.matches.iter().collect();
        }
        let wanted = usize::try_from(self.evidence.failures).unwrap_or(usize::MAX).max(1);
        let surplus = found.len().saturating_sub(wanted);
        found.split_off(surplus)
    }

    fn of_this_jail(&self) -> impl Iterator<Item = &Match> + Clone {
        self.evidence.matches.iter().filter(|found| &*found.jail == self.jail)
    }

    /// What a group of the filter captured in the first of the matches.
    fn field(&self, name: &str) -> String {
        let user = || self.of_this_ban().iter().find_map(|found| found.user.as_deref()).map(str::to_owned);
        let captured = self.evidence.fields.iter().find(|(known, _)| &**known == name);
        let captured = captured.map(|(_, text)| text.to_string());
        let captured = if name == "user" { user().or(captured) } else { captured };
        let id = || self.key.filter(|_| name == "fid").map(ToString::to_string);
        captured.or_else(id).unwrap_or_default()
    }

    fn in_words(&self) -> String {
        let Evidence { since, nth, failures, .. } = self.evidence;
        let key = self.key.map(ToString::to_string).unwrap_or_default();
        let (since, matches) = (since.as_secs(), lines(self.of_this_ban()));
        format!("{key} time={since} bantime={} bancount={nth} failures={failures}\n{matches}", self.bantime)
    }
}

/// A name of our own making or of this machine's: as text if it has only characters that mean nothing to a shell.
fn own(variable: &str, text: &str) -> Value {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if text.chars().all(harmless) { Value::Plain(text.to_owned()) } else { foreign(variable, text) }
}

/// No variable can hold a NUL. Nothing is nothing also where a variable would not be read.
fn foreign(variable: &str, text: &str) -> Value {
    if text.is_empty() {
        return Value::Plain(String::new());
    }
    let mut start = text.len().saturating_sub(MAX_VALUE_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let text = text.get(start..).unwrap_or_default().replace('\0', "\u{fffd}");
    Value::Foreign { variable: variable.to_owned(), text }
}

fn lines<'m>(matches: impl IntoIterator<Item = &'m Match>) -> String {
    matches.into_iter().map(|found| &*found.line).collect::<Vec<_>>().join("\n")
}

fn total<'m>(matches: impl IntoIterator<Item = &'m Match>) -> u64 {
    matches.into_iter().map(|found| u64::from(found.count)).sum()
}

/// An address as the name servers want it, without the zone: `1.2.0.192.`.
fn reversed(addr: IpAddr) -> String {
    let mut text = String::new();
    match addr {
        IpAddr::V4(addr) => {
            for octet in addr.octets().iter().rev() {
                let _ = write!(text, "{octet}.");
            }
        }
        IpAddr::V6(addr) => {
            for octet in addr.octets().iter().rev() {
                let _ = write!(text, "{:x}.{:x}.", octet & 15, octet >> 4);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_the_other_way_round() {
        assert_eq!(reversed("203.0.113.5".parse().unwrap()), "5.113.0.203.");
        assert_eq!(
            reversed("2001:db8::7".parse().unwrap()),
            "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
        );
    }

    #[test]
    fn how_long_a_ban_lasts() {
        let since = Timestamp::from_millis(1_500);
        assert_eq!(seconds(since, since.plus(Duration::from_secs(600))), 600);
        assert_eq!(seconds(since, Timestamp::from_secs(3)), 2, "rather longer than shorter");
        assert_eq!(seconds(since, Timestamp::MAX), -1);
        assert_eq!(seconds(since, Timestamp::MIN), 0);
    }

    #[test]
    fn a_long_value_keeps_its_end_and_a_nul_is_replaced() {
        let Value::Foreign { text, .. } = foreign("x", &("é".repeat(MAX_VALUE_BYTES) + "end\0")) else {
            panic!("foreign")
        };
        assert!(text.len() <= MAX_VALUE_BYTES + 2 && text.ends_with("éend\u{fffd}"));
    }
}
