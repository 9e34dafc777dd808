//! The tags of a failregex: `<HOST>`, `<ADDR>`, `<F-USER>…</F-USER>` become groups.

use crate::spec::UseDns;

/// Four numbers; their range is checked when the text is parsed to an address.
const IP4: &str = r"(?P<ip4>(?:[0-9]{1,3}\.){3}[0-9]{1,3})";
/// Hexadecimal groups with single or double colons; whether it is an address is checked when it is parsed.
const IP6: &str = r"(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|:))";
const DNS: &str = r"(?P<dns>[\w\-.^_]*\w)";
const CIDR: &str = r"(?P<cidr>[0-9]{1,3})";

/// A regex with its tags written out.
#[derive(Debug)]
pub(crate) struct Expanded {
    pub(crate) text: String,
    /// Where each piece begins, in characters: in the text, and in the regex before.
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    written: usize,
    origin: usize,
    is_tag: bool,
}

impl Expanded {
    /// The character of the regex before that the character `at` of the text comes from, both counted from 1.
    pub(crate) fn place(&self, at: usize) -> usize {
        let at = at.saturating_sub(1);
        let piece = self.pieces.iter().rev().find(|piece| piece.written <= at);
        let offset = |piece: &Piece| if piece.is_tag { 0 } else { at - piece.written };
        piece.map_or(at, |piece| piece.origin + offset(piece)) + 1
    }
}

/// Replaces every tag. A tag that fail2ban does not know stays as it is, to be taken literally, as there.
///
/// The groups' meaning is fail2ban's, their regexes are ours: digits are ASCII, and a text only counts if it is an
/// address in range, which [`crate::fields`] decides.
pub(crate) fn expand_tags(pattern: &str, usedns: UseDns) -> Expanded {
    let mut out = Expanded { text: String::with_capacity(pattern.len() + 128), pieces: Vec::new() };
    let (mut written, mut origin) = (0, 0);
    let mut push = |text: &str, of: &str, is_tag: bool| {
        if of.is_empty() {
            return;
        }
        out.pieces.push(Piece { written, origin, is_tag });
        out.text.push_str(text);
        written += text.chars().count();
        origin += of.chars().count();
    };
    let mut tags = Tags { usedns, open: Vec::new(), skips: 0 };
    let mut rest = pattern;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        push(before, before, false);
        let tag = from.find('>').and_then(|end| from.get(1..end));
        // `(?P<name>` and an escaped `\<` are not tags.
        let backslashes = before.bytes().rev().take_while(|&byte| byte == b'\\').count();
        let other = backslashes % 2 == 1 || before.ends_with("(?P") || before.ends_with("(?");
        let text = tag.filter(|_| !other).and_then(|tag| tags.replacement(tag));
        let length = if text.is_some() { tag.map_or(0, str::len) + 2 } else { 1 };
        let (of, after) = from.split_at_checked(length).unwrap_or((from, ""));
        push(text.as_deref().unwrap_or(of), of, text.is_some());
        rest = after;
    }
    push(rest, rest, false);
    out
}

/// What was met on the way.
struct Tags {
    usedns: UseDns,
    /// The groups that were opened.
    open: Vec<String>,
    /// How often lines were skipped.
    skips: usize,
}

impl Tags {
    fn replacement(&mut self, tag: &str) -> Option<String> {
        let address = format!(r"(?:::f{{4,6}}:)?{IP4}|{IP6}");
        let plain = match tag {
            "HOST" if self.usedns != UseDns::No => format!(r"(?:\[?(?:{address})\]?|{DNS})"),
            "HOST" | "ADDR" | "F-ADDR/" => format!(r"\[?(?:{address})\]?"),
            "IP4" | "F-IP4/" => format!(r"(?:::f{{4,6}}:)?{IP4}"),
            "IP6" | "F-IP6/" => format!(r"\[?{IP6}\]?"),
            "DNS" | "F-DNS/" => DNS.to_owned(),
            "CIDR" | "F-CIDR/" => CIDR.to_owned(),
            "SUBNET" | "F-SUBNET/" => format!(r"\[?(?:{address})(?:/{CIDR})?\]?"),
            "F-ID/" => r"(?P<fid>\S+)".to_owned(),
            "F-PORT/" => r"(?P<fport>\w+)".to_owned(),
            "SKIPLINES" => {
                self.skips += 1;
                format!(r"\n(?P<skiplines{}>(?:[^\n]*\n)*?)", self.skips - 1)
            }
            _ => return self.group(tag),
        };
        Some(plain)
    }

    /// `<F-NAME>` opens a group and `</F-NAME>` closes it; a close tag of what was never opened is literal text.
    fn group(&mut self, tag: &str) -> Option<String> {
        if let Some(name) = tag.strip_prefix("/F-") {
            return self.open.iter().any(|opened| opened == name).then(|| ")".to_owned());
        }
        let name = tag.strip_prefix("F-")?;
        let of_a_name =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if name.is_empty() || !name.bytes().all(of_a_name) {
            return None;
        }
        self.open.push(name.to_owned());
        let group = match name {
            "ID" => "fid".to_owned(),
            "PORT" => "fport".to_owned(),
            other => other.to_ascii_lowercase(),
        };
        Some(format!("(?P<{group}>"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(pattern: &str, usedns: UseDns) -> String {
        expand_tags(pattern, usedns).text
    }

    #[test]
    fn groups_open_and_close_by_name() {
        assert_eq!(expand("a<F-USER>\\S+</F-USER>b</F-ID>", UseDns::No), "a(?P<user>\\S+)b</F-ID>");
        assert_eq!(expand("<F-ID>x</F-ID>", UseDns::No), "(?P<fid>x)");
        assert_eq!(
            expand("<F-NOFAIL><F-MLFFORGET>x</F-MLFFORGET></F-NOFAIL>", UseDns::No),
            "(?P<nofail>(?P<mlfforget>x))"
        );
    }

    #[test]
    fn what_is_no_tag_stays() {
        for text in ["<unknown>", "(?P<name>x)", "a<b", "\\<HOST\\>", "<", "<F->x", "<F-user>", "<F-USER/>"] {
            assert_eq!(expand(text, UseDns::No), text);
        }
    }

    #[test]
    fn lines_between_are_skipped_by_numbered_groups() {
        let expanded = expand("^a<SKIPLINES>b<SKIPLINES>c$", UseDns::No);
        let wanted = r"^a\n(?P<skiplines0>(?:[^\n]*\n)*?)b\n(?P<skiplines1>(?:[^\n]*\n)*?)c$";
        assert_eq!(expanded, wanted);
    }

    #[test]
    fn a_place_is_found_again() {
        let expanded = expand_tags(r"é<HOST>\\<F-ID/>x", UseDns::No);
        assert!(expanded.text.ends_with(r"\\(?P<fid>\S+)x"));
        let last = expanded.text.chars().count();
        assert_eq!([1, 2, 30, last, last + 1].map(|at| expanded.place(at)), [1, 2, 2, 17, 18]);
    }

    #[test]
    fn names_are_taken_only_where_they_are_wanted() {
        assert!(!expand("<HOST>", UseDns::No).contains("dns"));
        assert!(expand("<HOST>", UseDns::Yes).contains("dns"));
    }
}
