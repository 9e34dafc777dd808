//! A matcher that is obviously right and slow: all leaves, all ways to pick them, every condition by the plainest means.
//!
//! It shares no code with the crate: patterns and events are values here, and become text only for the crate to read.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// A JSON value; objects may hold a key twice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    String(String),
    Number(String),
    Literal(&'static str),
}

/// A pattern's object.
#[derive(Debug, Clone)]
pub(crate) struct Object(pub(crate) Vec<(String, Member)>);

#[derive(Debug, Clone)]
pub(crate) enum Member {
    Object(Object),
    Values(Vec<Test>),
    Or(Vec<Object>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Value(Json),
    Prefix(String),
    Suffix(String),
    PrefixIgnoreCase(String),
    SuffixIgnoreCase(String),
    EqualsIgnoreCase(String),
    Wildcard(String),
    Exists(bool),
    Numeric(Vec<(&'static str, i32)>),
    Cidr(&'static str, u32),
    AnythingBut(Vec<Json>),
    /// `prefix`, `suffix`, `wildcard` or `equals-ignore-case`.
    AnythingButTexts(&'static str, Vec<String>),
    /// `equals` or `differs`, and the other path.
    Compare(&'static str, String),
}

impl Json {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Object(members) => {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("{}:{}", quoted(key), value.text())).collect();
                format!("{{{}}}", members.join(","))
            }
            Self::Array(elements) => {
                format!("[{}]", elements.iter().map(Self::text).collect::<Vec<_>>().join(", "))
            }
            Self::String(text) => quoted(text),
            Self::Number(lexeme) => lexeme.clone(),
            Self::Literal(word) => (*word).to_owned(),
        }
    }
}

impl Object {
    pub(crate) fn text(&self) -> String {
        let members = self.0.iter().map(|(key, member)| match member {
            Member::Object(object) => format!("{}:{}", quoted(key), object.text()),
            Member::Values(tests) => format!("{}:[{}]", quoted(key), list(tests.iter().map(Test::text))),
            Member::Or(objects) => format!("\"$or\":[{}]", list(objects.iter().map(Self::text))),
        });
        format!("{{{}}}", list(members))
    }

    /// Every combination as a map from paths to alternatives.
    fn combinations(&self) -> Vec<BTreeMap<String, Vec<Test>>> {
        let mut all = vec![BTreeMap::new()];
        self.add_to(&mut all, "");
        all
    }

    fn add_to(&self, all: &mut Vec<BTreeMap<String, Vec<Test>>>, base: &str) {
        for (key, member) in &self.0 {
            let path = if base.is_empty() { key.clone() } else { format!("{base}.{key}") };
            match member {
                Member::Object(object) => object.add_to(all, &path),
                Member::Values(tests) => all.iter_mut().for_each(|map| {
                    map.insert(path.clone(), tests.clone());
                }),
                Member::Or(objects) => {
                    let before = std::mem::take(all);
                    for object in objects {
                        let mut branch = before.clone();
                        object.add_to(&mut branch, base);
                        all.extend(branch);
                    }
                }
            }
        }
    }

    pub(crate) fn matches(&self, event: &Json) -> bool {
        let mut leaves = Vec::new();
        flatten(event, "", &mut Vec::new(), &mut 0, &mut leaves);
        self.combinations().iter().any(|fields| {
            let fields: Vec<_> = fields.iter().collect();
            pick(&fields, &leaves, &mut Vec::new(), &mut Vec::new(), &mut Vec::new())
        })
    }
}

struct Leaf<'a> {
    path: String,
    value: &'a Json,
    /// Which element of which array.
    within: Vec<(usize, usize)>,
}

fn flatten<'a>(
    json: &'a Json,
    path: &str,
    within: &mut Vec<(usize, usize)>,
    arrays: &mut usize,
    leaves: &mut Vec<Leaf<'a>>,
) {
    match json {
        Json::Object(members) => {
            for (key, value) in members {
                let path = if within.is_empty() && path.is_empty() || path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flatten(value, &path, within, arrays, leaves);
            }
        }
        Json::Array(elements) => {
            let array = *arrays;
            *arrays += 1;
            for (index, element) in elements.iter().enumerate() {
                let nested = matches!(element, Json::Object(_) | Json::Array(_));
                if nested {
                    within.push((array, index));
                }
                flatten(element, path, within, arrays, leaves);
                if nested {
                    within.pop();
                }
            }
        }
        value => leaves.push(Leaf { path: path.to_owned(), value, within: within.clone() }),
    }
}

fn consistent(left: &Leaf<'_>, right: &Leaf<'_>) -> bool {
    left.within
        .iter()
        .all(|(array, index)| right.within.iter().all(|(other, at)| array != other || index == at))
}

fn pick<'l, 'a>(
    fields: &[(&String, &Vec<Test>)],
    leaves: &'l [Leaf<'a>],
    picked: &mut Vec<&'l Leaf<'a>>,
    absent: &mut Vec<&'l str>,
    differs: &mut Vec<(&'l Leaf<'a>, String)>,
) -> bool
where
    'a: 'l,
{
    let Some(((path, tests), rest)) = fields.split_first() else {
        let beside = |leaf: &Leaf<'_>| picked.iter().all(|other| consistent(leaf, other));
        let absent =
            leaves.iter().filter(|leaf| absent.contains(&leaf.path.as_str())).all(|leaf| !beside(leaf));
        return absent
            && differs.iter().all(|(this, path)| {
                let others: Vec<_> =
                    leaves.iter().filter(|leaf| leaf.path == *path && beside(leaf)).collect();
                !others.is_empty() && others.iter().all(|other| other.value != this.value)
            });
    };
    for leaf in leaves.iter().filter(|leaf| leaf.path == **path) {
        if tests.iter().any(|test| test.holds(leaf.value))
            && picked.iter().all(|other| consistent(leaf, other))
        {
            picked.push(leaf);
            let found = pick(rest, leaves, picked, absent, differs);
            picked.pop();
            if found {
                return true;
            }
        }
    }
    for test in *tests {
        let Test::Compare(relation, other) = test else { continue };
        for leaf in leaves.iter().filter(|leaf| leaf.path == **path) {
            if !picked.iter().all(|other| consistent(leaf, other)) {
                continue;
            }
            picked.push(leaf);
            let mut found = false;
            if *relation == "differs" {
                differs.push((leaf, other.clone()));
                found = pick(rest, leaves, picked, absent, differs);
                differs.pop();
            } else {
                for second in
                    leaves.iter().filter(|second| second.path == *other && second.value == leaf.value)
                {
                    if picked.iter().all(|other| consistent(second, other)) {
                        picked.push(second);
                        found |= pick(rest, leaves, picked, absent, differs);
                        picked.pop();
                    }
                }
            }
            picked.pop();
            if found {
                return true;
            }
        }
    }
    if tests.contains(&Test::Exists(false)) {
        let here: &'l str =
            leaves.iter().find(|leaf| leaf.path == **path).map_or("", |leaf| leaf.path.as_str());
        let there = leaves.iter().any(|leaf| leaf.path == **path);
        if there {
            absent.push(here);
        }
        let found = pick(rest, leaves, picked, absent, differs);
        if there {
            absent.pop();
        }
        return found;
    }
    false
}

impl Test {
    fn text(&self) -> String {
        let op = |name: &str, argument: String| format!("{{{}:{argument}}}", quoted(name));
        let folded = |text: &str| op("equals-ignore-case", quoted(text));
        match self {
            Self::Value(value) => value.text(),
            Self::Prefix(text) => op("prefix", quoted(text)),
            Self::Suffix(text) => op("suffix", quoted(text)),
            Self::PrefixIgnoreCase(text) => op("prefix", folded(text)),
            Self::SuffixIgnoreCase(text) => op("suffix", folded(text)),
            Self::EqualsIgnoreCase(text) => folded(text),
            Self::Wildcard(text) => op("wildcard", quoted(text)),
            Self::Exists(there) => op("exists", there.to_string()),
            Self::Compare(relation, other) => op("compare", op(relation, quoted(other))),
            Self::Numeric(terms) => op(
                "numeric",
                format!("[{}]", list(terms.iter().map(|(sign, number)| format!("\"{sign}\",{number}")))),
            ),
            Self::Cidr(base, bits) => op("cidr", quoted(&format!("{base}/{bits}"))),
            Self::AnythingBut(values) => {
                let texts = list(values.iter().map(Json::text));
                op("anything-but", if values.len() == 1 { texts } else { format!("[{texts}]") })
            }
            Self::AnythingButTexts(form, texts) => {
                op("anything-but", op(form, format!("[{}]", list(texts.iter().map(|text| quoted(text))))))
            }
        }
    }

    fn holds(&self, value: &Json) -> bool {
        let string = if let Json::String(text) = value { Some(text.as_str()) } else { None };
        let number =
            if let Json::Number(lexeme) = value { Some(lexeme.parse::<f64>().unwrap()) } else { None };
        match self {
            Self::Value(Json::String(wanted)) => match (address(wanted), string.and_then(address)) {
                (Some(wanted), found) => found == Some(wanted),
                (None, _) => string == Some(wanted),
            },
            Self::Value(Json::Number(wanted)) => number == Some(wanted.parse().unwrap()),
            Self::Value(wanted) => value == wanted,
            Self::Prefix(wanted) => string.is_some_and(|text| text.starts_with(wanted.as_str())),
            Self::Suffix(wanted) => string.is_some_and(|text| text.ends_with(wanted.as_str())),
            Self::PrefixIgnoreCase(wanted) => {
                string.is_some_and(|text| spellings(wanted).iter().any(|wanted| text.starts_with(wanted)))
            }
            Self::SuffixIgnoreCase(wanted) => {
                string.is_some_and(|text| spellings(wanted).iter().any(|wanted| text.ends_with(wanted)))
            }
            Self::EqualsIgnoreCase(wanted) => {
                string.is_some_and(|text| spellings(wanted).iter().any(|wanted| text == wanted))
            }
            Self::Wildcard(wanted) => string.is_some_and(|text| fits(wanted.as_bytes(), text.as_bytes())),
            Self::Exists(there) => *there,
            Self::Compare(..) => false,
            Self::Numeric(terms) => number.is_some_and(|number| {
                terms.iter().all(|(sign, bound)| {
                    let bound = f64::from(*bound);
                    match *sign {
                        "<" => number < bound,
                        "<=" => number <= bound,
                        ">" => number > bound,
                        ">=" => number >= bound,
                        _ => number == bound,
                    }
                })
            }),
            Self::Cidr(base, bits) => {
                string.and_then(address).is_some_and(|found| in_network(found, base.parse().unwrap(), *bits))
            }
            Self::AnythingBut(values) => !values.iter().any(|excluded| match (excluded, value) {
                (Json::Number(excluded), Json::Number(lexeme)) => {
                    excluded.parse::<f64>() == lexeme.parse::<f64>()
                }
                (excluded, value) => excluded == value,
            }),
            Self::AnythingButTexts(form, texts) => !texts.iter().any(|text| {
                let inner = match *form {
                    "prefix" => Self::Prefix(text.clone()),
                    "suffix" => Self::Suffix(text.clone()),
                    "wildcard" => Self::Wildcard(text.clone()),
                    _ => Self::EqualsIgnoreCase(text.clone()),
                };
                inner.holds(value)
            }),
        }
    }
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok()
}

fn in_network(address: IpAddr, base: IpAddr, bits: u32) -> bool {
    match (address, base) {
        (IpAddr::V4(address), IpAddr::V4(base)) => {
            (0..bits).all(|bit| (u32::from(address) ^ u32::from(base)) >> (31 - bit) & 1 == 0)
        }
        (IpAddr::V6(address), IpAddr::V6(base)) => {
            (0..bits).all(|bit| (u128::from(address) ^ u128::from(base)) >> (127 - bit) & 1 == 0)
        }
        _ => false,
    }
}

/// Every text that may stand for a text without regard to case.
fn spellings(text: &str) -> Vec<String> {
    text.chars().fold(vec![String::new()], |all, character| {
        all.iter()
            .flat_map(|start| {
                [
                    format!("{start}{}", character.to_lowercase()),
                    format!("{start}{}", character.to_uppercase()),
                ]
            })
            .collect()
    })
}

fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skipped| fits(rest, &text[skipped..])),
        Some((b'\\', rest)) => !text.is_empty() && rest[0] == text[0] && fits(&rest[1..], &text[1..]),
        Some((byte, rest)) => text.first() == Some(byte) && fits(rest, &text[1..]),
    }
}

fn list(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(",")
}

/// JSON for a text, with an escape here and there.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for (at, character) in text.chars().enumerate() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '/' if at % 2 == 1 => out.push_str("\\/"),
            'é' if at % 2 == 1 => out.push_str("\\u00e9"),
            _ => out.push(character),
        }
    }
    out + "\""
}
