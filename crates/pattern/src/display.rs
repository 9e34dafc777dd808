//! Conditions and values as text, for people: as they would stand in a pattern.

use std::fmt::{self, Display, Formatter, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::address::{Address, Cidr};
use crate::condition::{Condition, Excluded, Literal, Relation, Value};
use crate::number::Range;
use crate::wildcard::Wildcard;

/// A text as JSON; a surrogate alone is shown as U+FFFD, control characters as escapes.
pub(crate) struct Quoted<'a>(pub(crate) &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in String::from_utf8_lossy(self.0).chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                // Also those that turn text around or hide it: terminals are not to be trusted with them.
                character
                    if character.is_control()
                        || matches!(u32::from(character), 0x200B..=0x200F | 0x2028..=0x202E | 0x2066..=0x2069) =>
                {
                    write!(f, "\\u{:04x}", u32::from(character))?;
                }
                character => f.write_char(character)?,
            }
        }
        f.write_char('"')
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "true",
            Self::False => "false",
            Self::Null => "null",
        })
    }
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => Quoted(text).fmt(f),
            Self::Number(lexeme) => f.write_str(&String::from_utf8_lossy(lexeme)),
            Self::Literal(literal) => literal.fmt(f),
        }
    }
}

impl Display for Cidr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bits = self.bits;
        match self.base {
            Address::V4(base) if bits == 32 => write!(f, "\"{}\"", Ipv4Addr::from(base)),
            Address::V6(base) if bits == 128 => write!(f, "\"{}\"", Ipv6Addr::from(base)),
            Address::V4(base) => write!(f, "{{\"cidr\": \"{}/{bits}\"}}", Ipv4Addr::from(base)),
            Address::V6(base) => write!(f, "{{\"cidr\": \"{}/{bits}\"}}", Ipv6Addr::from(base)),
        }
    }
}

impl Display for Range {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let (Some(low), Some(high)) = (&self.low, &self.high)
            && low.number == high.number
        {
            return write!(f, "{{\"numeric\": [\"=\", {}]}}", low.number.lexeme);
        }
        let mut terms = Vec::new();
        if let Some(low) = &self.low {
            terms.push(format!("\"{}\", {}", if low.inclusive { ">=" } else { ">" }, low.number.lexeme));
        }
        if let Some(high) = &self.high {
            terms.push(format!("\"{}\", {}", if high.inclusive { "<=" } else { "<" }, high.number.lexeme));
        }
        write!(f, "{{\"numeric\": [{}]}}", terms.join(", "))
    }
}

impl Display for Wildcard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Quoted(&self.written()).fmt(f)
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => Quoted(text).fmt(f),
            Self::Number(number) => f.write_str(&number.lexeme),
            Self::Literal(literal) => literal.fmt(f),
            Self::Prefix(text) => write!(f, "{{\"prefix\": {}}}", Quoted(text)),
            Self::Suffix(text) => write!(f, "{{\"suffix\": {}}}", Quoted(text)),
            Self::PrefixIgnoreCase(text) => {
                write!(f, "{{\"prefix\": {{\"equals-ignore-case\": {}}}}}", Quoted(&text.text))
            }
            Self::SuffixIgnoreCase(text) => {
                write!(f, "{{\"suffix\": {{\"equals-ignore-case\": {}}}}}", Quoted(&text.text))
            }
            Self::EqualsIgnoreCase(text) => write!(f, "{{\"equals-ignore-case\": {}}}", Quoted(&text.text)),
            Self::Wildcard(wildcard) => write!(f, "{{\"wildcard\": {wildcard}}}"),
            Self::Range(range) => range.fmt(f),
            Self::Cidr(cidr) => cidr.fmt(f),
            Self::Exists => f.write_str("{\"exists\": true}"),
            Self::Absent => f.write_str("{\"exists\": false}"),
            Self::AnythingBut(excluded) => write!(f, "{{\"anything-but\": {excluded}}}"),
            Self::Compare(compare) => {
                let name = Relation::ALL
                    .iter()
                    .find(|(_, relation)| *relation == compare.relation)
                    .map_or("", |(name, _)| name);
                write!(f, "{{\"compare\": {{\"{name}\": {}}}}}", Quoted(&compare.other))
            }
            Self::Json(_) => f.write_str("{\"json\": {…}}"),
        }
    }
}

impl Display for Excluded {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let texts = |texts: &[Box<[u8]>]| {
            texts.iter().map(|text| Quoted(text).to_string()).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Strings(list) => write!(f, "[{}]", texts(list)),
            Self::Numbers(list) => {
                let numbers: Vec<&str> = list.iter().map(|number| &*number.lexeme).collect();
                write!(f, "[{}]", numbers.join(", "))
            }
            Self::Prefixes(list) => write!(f, "{{\"prefix\": [{}]}}", texts(list)),
            Self::Suffixes(list) => write!(f, "{{\"suffix\": [{}]}}", texts(list)),
            Self::Wildcards(list) => {
                let list: Vec<String> = list.iter().map(ToString::to_string).collect();
                write!(f, "{{\"wildcard\": [{}]}}", list.join(", "))
            }
            Self::IgnoreCase(list) => {
                let list: Vec<String> = list.iter().map(|text| Quoted(&text.text).to_string()).collect();
                write!(f, "{{\"equals-ignore-case\": [{}]}}", list.join(", "))
            }
        }
    }
}
