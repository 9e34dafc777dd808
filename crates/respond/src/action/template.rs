//! A command with tags: `ip route add unreachable <ip>`.

use std::fmt::Write as _;

use stockade_core::ports::Wants;

use super::values::{Subject, Value};

/// A command whose tags are found, so that it is read once and put together for every ban.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// As the configuration has it. What looks like a tag and is none stays here.
    Text(String),
    Tag(Tag),
}

/// What is only known when a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Ip,
    IpRev,
    IpHost,
    Fid,
    Family,
    Failures,
    Time,
    BanTime,
    BanCount,
    Restored,
    Matches,
    IpMatches,
    IpJailMatches,
    IpFailures,
    IpJailFailures,
    RawTicket,
    JailName,
    JailBanned,
    JailBannedTotal,
    JailFound,
    JailFoundTotal,
    FqHostname,
    ShHostname,
    LineBreak,
    Space,
    Timeout,
    /// `<F-USER>`: a group of the filter, by its name in the regex.
    Field(String),
}

/// A command ready for the shell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) text: String,
    /// The variables that its text refers to.
    pub(super) variables: Vec<(String, String)>,
}

impl Template {
    pub(super) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = next_tag(rest) {
            plain.push_str(before);
            match Tag::named(name) {
                Some(tag) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Tag(tag));
                }
                None => {
                    plain.push('<');
                    plain.push_str(name);
                    plain.push('>');
                }
            }
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Self { pieces }
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Text(text) if text.trim().is_empty()))
    }

    /// Which evidence its tags need.
    pub(super) fn wants(&self) -> Wants {
        let mut wants = Wants::default();
        for piece in &self.pieces {
            match piece {
                Piece::Tag(
                    Tag::Matches
                    | Tag::IpMatches
                    | Tag::IpJailMatches
                    | Tag::IpFailures
                    | Tag::IpJailFailures
                    | Tag::RawTicket,
                ) => wants.matches = true,
                // The user is kept with each match; other groups have to be found again in its line.
                Piece::Tag(Tag::Field(name)) => {
                    wants.matches = true;
                    wants.fields |= name != "user";
                }
                Piece::Tag(Tag::JailBanned | Tag::JailBannedTotal | Tag::JailFound | Tag::JailFoundTotal) => {
                    wants.counts = true;
                }
                Piece::Tag(_) | Piece::Text(_) => {}
            }
        }
        wants
    }

    /// Puts values in place of the tags: what Stockade made itself as text, everything else as a reference to a
    /// variable. Values are not searched for tags again.
    pub(super) fn script(&self, subject: &Subject<'_>) -> Script {
        let mut script = Script::default();
        for piece in &self.pieces {
            let tag = match piece {
                Piece::Text(text) => {
                    script.text.push_str(text);
                    continue;
                }
                Piece::Tag(tag) => tag,
            };
            match subject.value(tag) {
                Value::Plain(text) => script.text.push_str(&text),
                Value::Foreign { variable, text } => {
                    // In braces, so that a letter behind the tag does not become a part of the name.
                    let _ = write!(script.text, "${{{variable}}}");
                    if !script.variables.iter().any(|(known, _)| *known == variable) {
                        script.variables.push((variable, text));
                    }
                }
            }
        }
        script
    }
}

impl Tag {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ip" => Self::Ip,
            "ip-rev" => Self::IpRev,
            "ip-host" => Self::IpHost,
            "fid" => Self::Fid,
            "family" => Self::Family,
            "failures" => Self::Failures,
            "time" => Self::Time,
            "bantime" => Self::BanTime,
            "bancount" => Self::BanCount,
            "restored" => Self::Restored,
            "matches" => Self::Matches,
            "ipmatches" => Self::IpMatches,
            "ipjailmatches" => Self::IpJailMatches,
            "ipfailures" => Self::IpFailures,
            "ipjailfailures" => Self::IpJailFailures,
            "raw-ticket" => Self::RawTicket,
            "jail.name" => Self::JailName,
            "jail.banned" => Self::JailBanned,
            "jail.banned_total" => Self::JailBannedTotal,
            "jail.found" => Self::JailFound,
            "jail.found_total" => Self::JailFoundTotal,
            "fq-hostname" => Self::FqHostname,
            "sh-hostname" => Self::ShHostname,
            "br" => Self::LineBreak,
            "sp" => Self::Space,
            "timeout" => Self::Timeout,
            other => return field(other),
        })
    }
}

/// `F-USER`: upper case only, as in fail2ban, so that a lower-case one stays as it is.
fn field(name: &str) -> Option<Tag> {
    let name = name.strip_prefix("F-")?;
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(allowed) {
        return None;
    }
    Some(Tag::Field(match name {
        "ID" => "fid".to_owned(),
        "PORT" => "fport".to_owned(),
        other => other.to_lowercase(),
    }))
}

/// The first tag: what stands before it, its name, and what stands behind it.
fn next_tag(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let (head, tail) = text.split_at_checked(from)?;
        let close = tail.find('>')?;
        let (inner, after) = tail.split_at_checked(close)?;
        let open = inner.rfind(['<', ' ']).filter(|&at| inner.get(at..).is_some_and(|t| t.starts_with('<')));
        match open.and_then(|at| Some((at, inner.get(at + 1..)?))) {
            Some((at, name)) if !name.is_empty() => {
                let before = text.get(..head.len() + at)?;
                return Some((before, name, after.get(1..)?));
            }
            _ => from += close + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_what_stands_between_brackets_without_blanks() {
        assert_eq!(next_tag("a <ip> b"), Some(("a ", "ip", " b")));
        assert_eq!(next_tag("a < b > c <ip>"), Some(("a < b > c ", "ip", "")));
        assert_eq!(next_tag("x << <<ip>"), Some(("x << <", "ip", "")));
        assert_eq!(next_tag("<> 2>&1 <ü>"), Some(("<> 2>&1 ", "ü", "")));
        assert_eq!(next_tag("a > b < c"), None);
    }

    #[test]
    fn what_means_nothing_stays() {
        let template = Template::parse("cat <<EOF >x\n<unknown> </F-ID> <F-user> <F-> EOF");
        let text = "cat <<EOF >x\n<unknown> </F-ID> <F-user> <F-> EOF";
        assert_eq!(template.pieces, [Piece::Text(text.to_owned())]);
        assert_eq!(Template::parse("").pieces, []);
        assert!(Template::parse(" \n").is_empty() && !Template::parse(" <ip>").is_empty());
    }

    #[test]
    fn evidence_is_wanted_only_where_it_is_used() {
        let wants = |text: &str| {
            let Wants { matches, fields, counts } = Template::parse(text).wants();
            (matches, fields, counts)
        };
        assert_eq!(wants("ban <ip> <failures> <time> <bancount>"), (false, false, false));
        assert_eq!(wants("<F-USER>"), (true, false, false));
        assert_eq!(wants("<F-PORT> <jail.found>"), (true, true, true));
        assert_eq!(wants("<ipjailfailures>"), (true, false, false));
    }
}
