//! `--out`: nothing but some of each failure.

use std::net::IpAddr;

use stockade_core::Timestamp;
use stockade_filter::trial::{Failure as Accusation, FieldValue, TrialDate, TrialResult};

use super::python;

/// What to print of each failure.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    /// Whom it is about.
    Id,
    /// The address, or whom it is about if that is another.
    Ip,
    /// Its lines.
    Lines,
    /// All of it, in the notation of Python.
    Row,
    /// One field.
    Field(String),
    /// A text with tags.
    Template(String),
}

/// The name under which the lines of a failure go in a template.
const MSG: &str = "msg";

impl Format {
    pub(crate) fn new(text: &str) -> Self {
        match text {
            "id" | "fid" => Self::Id,
            "ip" => Self::Ip,
            MSG => Self::Lines,
            "row" => Self::Row,
            text if text.contains('<') => Self::Template(text.to_owned()),
            text => Self::Field(text.to_owned()),
        }
    }

    /// What to print of a line.
    pub(crate) fn lines(&self, result: &TrialResult, template: Option<&str>) -> Vec<String> {
        let date = result.date.as_ref();
        let mut lines = Vec::new();
        let mut last = Vec::new();
        for failure in &result.failures {
            match self {
                Self::Id => lines.push(python::shown_id(&failure.id)),
                Self::Ip => lines.push(ip(failure)),
                Self::Lines => lines.extend(matches(failure)),
                Self::Row => {
                    let time = python::time(failure.time, date, template);
                    let fields = python::fields(&failure.fields, "matches");
                    lines.push(format!("[{},\t{time},\t{fields}],", python::id(&failure.id)));
                }
                Self::Field(name) => {
                    lines.push(failure.fields.get(name).map_or("None".to_owned(), python::shown));
                }
                Self::Template(text) => {
                    let own = filled(text, failure, date, template);
                    // Several lines in one text: the text once for each of them, behind all others.
                    match own {
                        Filled::Once(text) => lines.push(text),
                        Filled::Each(texts) => last.extend(texts),
                    }
                }
            }
        }
        lines.append(&mut last);
        lines
    }

    /// The same of a line that is no failure: only the line and its time are known.
    pub(crate) fn inverted(&self, line: &str, time: Option<Timestamp>) -> String {
        match self {
            Self::Id | Self::Ip => String::new(),
            Self::Lines => line.to_owned(),
            Self::Row => format!("['',\t{},\t{{'fid': ''}}],", python::time(time, None, None)),
            Self::Field(name) if name == "matches" => {
                format!("[{}]", stockade_filter::conf::dump::python_text(line))
            }
            Self::Field(name) if name == "fid" => String::new(),
            Self::Field(_) => "None".to_owned(),
            Self::Template(text) => replace(text, |tag| match tag {
                MSG | "matches" => Some(line.to_owned()),
                "time" => Some(python::time(time, None, None)),
                "ip" | "fid" | "family" => Some(String::new()),
                tag if tag.starts_with("F-") => Some(String::new()),
                _ => None,
            }),
        }
    }
}

/// A template with its tags replaced.
enum Filled {
    Once(String),
    Each(Vec<String>),
}

fn filled(text: &str, failure: &Accusation, date: Option<&TrialDate>, template: Option<&str>) -> Filled {
    let lines = matches(failure);
    let with = |msg: &str| replace(text, |tag| value(tag, failure, date, template, msg));
    if text.contains("<msg>") && lines.len() > 1 {
        return Filled::Each(lines.iter().map(|line| with(line)).collect());
    }
    Filled::Once(with(&lines.join("\n")))
}

/// What a tag stands for; `None` for one that nobody knows, which then stays.
fn value(
    tag: &str,
    failure: &Accusation,
    date: Option<&TrialDate>,
    template: Option<&str>,
    msg: &str,
) -> Option<String> {
    let address = || ip(failure).parse::<IpAddr>().ok();
    if let Some(name) = tag.strip_prefix("F-") {
        let name = name.to_ascii_lowercase();
        let name = match name.as_str() {
            "id" => "fid",
            "port" => "fport",
            name => name,
        };
        let value = failure.fields.get(name).filter(|value| **value != FieldValue::Nothing);
        return Some(value.map_or_else(String::new, python::shown));
    }
    Some(match tag {
        "ip" => ip(failure),
        "fid" => python::shown_id(&failure.id),
        "family" => address().map_or("", |ip| if ip.is_ipv4() { "inet4" } else { "inet6" }).to_owned(),
        "ip-rev" => address().map(reversed).unwrap_or_default(),
        "time" => python::time(failure.time, date, template),
        // Nothing was counted and nobody was banned.
        "failures" | "bancount" | "restored" => "0".to_owned(),
        "matches" => matches(failure).join("\n"),
        MSG => msg.to_owned(),
        "br" => "\n".to_owned(),
        "sp" => " ".to_owned(),
        _ => return None,
    })
}

/// Replaces each `<tag>`; what it is replaced with is not looked at again.
fn replace(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let tag = after.split_once('>').filter(|(tag, _)| !tag.is_empty() && !tag.contains([' ', '<']));
        match tag.and_then(|(tag, after)| Some((value(tag)?, after))) {
            Some((value, after)) => {
                out.push_str(&value);
                rest = after;
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn ip(failure: &Accusation) -> String {
    failure.fields.get("ip").map_or_else(|| python::shown_id(&failure.id), python::shown)
}

fn matches(failure: &Accusation) -> Vec<String> {
    let whole =
        |line: &stockade_filter::trial::LineParts| String::from_utf8_lossy(&line.whole()).into_owned();
    failure.fields.matches().iter().map(whole).collect()
}

/// An address as the name servers have it, without the zone: `7.2.0.192.`
fn reversed(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(v4) => v4.octets().iter().rev().map(|octet| format!("{octet}.")).collect(),
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_replaced_once() {
        let value = |tag: &str| Some(format!("<{tag}>")).filter(|_| tag != "x");
        assert_eq!(replace("a<b>c<x>d< e><<f>", value), "a<b>c<x>d< e><<f>");
        assert_eq!(replace("<b><b>", |_| Some("<b>!".into())), "<b>!<b>!");
    }

    #[test]
    fn addresses_are_reversed_as_name_servers_want_them() {
        assert_eq!(reversed("192.0.2.7".parse().unwrap()), "7.2.0.192.");
        assert!(reversed("2001:db8::1".parse().unwrap()).starts_with("1.0.0.0."));
        assert!(reversed("2001:db8::1".parse().unwrap()).ends_with("8.b.d.0.1.0.0.2."));
    }
}
