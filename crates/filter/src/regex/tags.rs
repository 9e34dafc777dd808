//! The tags of a failregex: `<HOST>`, `<ADDR>`, `<F-USER>…</F-USER>` become groups.

use crate::spec::UseDns;

/// Four numbers; their range is checked when the text is parsed to an address.
const IP4: &str = r"(?P<ip4>(?:[0-9]{1,3}\.){3}[0-9]{1,3})";
/// Hexadecimal groups with single or double colons; whether it is an address is checked when it is parsed.
const IP6: &str = r"(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|:))";
const DNS: &str = r"(?P<dns>[\w\-.^_]*\w)";
const CIDR: &str = r"(?P<cidr>[0-9]{1,3})";

/// Replaces every tag. A tag that fail2ban does not know stays as it is, to be taken literally, as there.
///
/// The groups' meaning is fail2ban's, their regexes are ours: digits are ASCII, and a text only counts if it is an
/// address in range, which [`crate::fields`] decides.
pub(crate) fn expand_tags(pattern: &str, usedns: UseDns) -> String {
    let mut out = String::with_capacity(pattern.len() + 128);
    let mut rest = pattern;
    let mut open: Vec<String> = Vec::new();
    let mut skips = 0;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let tag = from.find('>').and_then(|end| from.get(1..end));
        // `(?P<name>` and an escaped `\<` are not tags.
        let escaped = before.ends_with('\\') || before.ends_with("(?P") || before.ends_with("(?");
        let text = match tag.filter(|_| !escaped) {
            Some("SKIPLINES") => {
                skips += 1;
                Some(format!(r"\n(?P<skiplines{}>(?:[^\n]*\n)*?)", skips - 1))
            }
            Some(tag) => replacement(tag, usedns, &mut open),
            None => None,
        };
        match text {
            Some(text) => {
                out.push_str(&text);
                rest = from.get(tag.map_or(0, str::len) + 2..).unwrap_or_default();
            }
            None => {
                out.push('<');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn replacement(tag: &str, usedns: UseDns, open: &mut Vec<String>) -> Option<String> {
    let address = format!(r"(?:::f{{4,6}}:)?{IP4}|{IP6}");
    let plain = match tag {
        "HOST" if usedns != UseDns::No => format!(r"(?:\[?(?:{address})\]?|{DNS})"),
        "HOST" | "ADDR" | "F-ADDR/" => format!(r"\[?(?:{address})\]?"),
        "IP4" | "F-IP4/" => format!(r"(?:::f{{4,6}}:)?{IP4}"),
        "IP6" | "F-IP6/" => format!(r"\[?{IP6}\]?"),
        "DNS" | "F-DNS/" => DNS.to_owned(),
        "CIDR" | "F-CIDR/" => CIDR.to_owned(),
        "SUBNET" | "F-SUBNET/" => format!(r"\[?(?:{address})(?:/{CIDR})?\]?"),
        "F-ID/" => r"(?P<fid>\S+)".to_owned(),
        "F-PORT/" => r"(?P<fport>\w+)".to_owned(),
        _ => return group_tag(tag, open),
    };
    Some(plain)
}

/// `<F-NAME>` opens a group and `</F-NAME>` closes it; a close tag that nothing opened is literal text.
fn group_tag(tag: &str, open: &mut Vec<String>) -> Option<String> {
    if let Some(name) = tag.strip_prefix("/F-") {
        let at = open.iter().rposition(|opened| opened == name)?;
        open.remove(at);
        return Some(")".to_owned());
    }
    let name = tag.strip_prefix("F-")?;
    let valid = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !name.is_empty();
    if !valid {
        return None;
    }
    open.push(name.to_owned());
    let group = match name {
        "ID" => "fid".to_owned(),
        "PORT" => "fport".to_owned(),
        other => other.to_ascii_lowercase(),
    };
    Some(format!("(?P<{group}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_open_and_close_by_name() {
        assert_eq!(expand_tags("a<F-USER>\\S+</F-USER>b</F-USER>", UseDns::No), "a(?P<user>\\S+)b</F-USER>");
        assert_eq!(expand_tags("<F-ID>x</F-ID>", UseDns::No), "(?P<fid>x)");
        assert_eq!(
            expand_tags("<F-NOFAIL><F-MLFFORGET>x</F-MLFFORGET></F-NOFAIL>", UseDns::No),
            "(?P<nofail>(?P<mlfforget>x))"
        );
    }

    #[test]
    fn what_is_no_tag_stays() {
        for text in ["<unknown>", "(?P<name>x)", "a<b", "\\<HOST\\>", "<", "<F->x"] {
            assert_eq!(expand_tags(text, UseDns::No), text);
        }
    }

    #[test]
    fn lines_between_are_skipped_by_numbered_groups() {
        let expanded = expand_tags("^a<SKIPLINES>b<SKIPLINES>c$", UseDns::No);
        let wanted = r"^a\n(?P<skiplines0>(?:[^\n]*\n)*?)b\n(?P<skiplines1>(?:[^\n]*\n)*?)c$";
        assert_eq!(expanded, wanted);
    }

    #[test]
    fn names_are_taken_only_where_they_are_wanted() {
        assert!(!expand_tags("<HOST>", UseDns::No).contains("dns"));
        assert!(expand_tags("<HOST>", UseDns::Yes).contains("dns"));
    }
}
