//! JSON with its keys in the order in which people expect them, as text: CloudFormation's YAML, Terraform's and the API's JSON
//! take the same.

use std::fmt::Write as _;

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    /// Something without parts, or whose parts do not matter, as it is written.
    Json(String),
}

/// Keys that come first, and the one that comes last.
const FIRST: [&str; 6] = ["source", "detail-type", "account", "region", "eventSource", "eventName"];
const LAST: [&str; 2] = ["detail", "$or"];

/// How wide a line may be before an object or array is laid out over several.
const WIDTH: usize = 120;

impl Tree {
    /// An object, its keys in order.
    pub(super) fn object(mut entries: Vec<(String, Self)>) -> Self {
        let rank = |key: &str| {
            let first = FIRST.iter().position(|one| *one == key);
            let last = LAST.iter().position(|one| *one == key).map(|at| FIRST.len() + 1 + at);
            first.or(last).unwrap_or(FIRST.len())
        };
        entries.sort_by(|(left, _), (right, _)| (rank(left), left).cmp(&(rank(right), right)));
        Self::Object(entries)
    }

    /// Without spaces.
    pub(super) fn compact(&self) -> String {
        self.flat(",", ":")
    }

    /// How many characters it has without spaces.
    pub(super) fn chars(&self) -> usize {
        self.compact().chars().count()
    }

    /// Over as many lines as it takes, each but the first indented by `indent` spaces and by `step` more for each level; on one
    /// line if that is 0.
    pub(super) fn laid_out(&self, indent: usize, step: usize) -> String {
        let flat = self.flat(", ", ": ");
        if step == 0 || indent + flat.chars().count() <= WIDTH {
            return flat;
        }
        let deeper = indent + step;
        let (open, close, parts) = match self {
            Self::Json(json) => return json.clone(),
            Self::Object(entries) => {
                let part = |(key, value): &(String, Self)| {
                    format!("{}: {}", quoted(key), value.laid_out(deeper, step))
                };
                ('{', '}', entries.iter().map(part).collect::<Vec<_>>())
            }
            Self::Array(elements) if elements.iter().all(|element| matches!(element, Self::Json(_))) => {
                ('[', ']', filled(elements.iter().map(|element| element.flat(", ", ": ")), deeper))
            }
            Self::Array(elements) => {
                ('[', ']', elements.iter().map(|element| element.laid_out(deeper, step)).collect())
            }
        };
        let inner = " ".repeat(deeper);
        let outer = " ".repeat(indent);
        format!("{open}\n{inner}{}\n{outer}{close}", parts.join(&format!(",\n{inner}")))
    }

    fn flat(&self, comma: &str, colon: &str) -> String {
        match self {
            Self::Json(json) => json.clone(),
            Self::Object(entries) => {
                let part = |(key, value): &(String, Self)| {
                    format!("{}{colon}{}", quoted(key), value.flat(comma, colon))
                };
                format!("{{{}}}", entries.iter().map(part).collect::<Vec<_>>().join(comma))
            }
            Self::Array(elements) => {
                let parts: Vec<String> = elements.iter().map(|element| element.flat(comma, colon)).collect();
                format!("[{}]", parts.join(comma))
            }
        }
    }
}

/// As many elements on each line as fit.
fn filled(elements: impl Iterator<Item = String>, indent: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for element in elements {
        match lines.last_mut() {
            Some(line) if indent + line.chars().count() + element.chars().count() + 3 <= WIDTH => {
                line.push_str(", ");
                line.push_str(&element);
            }
            _ => lines.push(element),
        }
    }
    lines
}

/// A text for a comment: on one line, and nothing in it that is not simply shown.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|character| if is_escaped(character) { ' ' } else { character }).collect()
}

/// A text in quotes, as JSON, YAML and Terraform all read it: characters that one of them refuses are escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            character if is_escaped(character) => {
                write!(out, "\\u{:04x}", u32::from(character)).ok();
            }
            character => out.push(character),
        }
    }
    out.push('"');
    out
}

fn is_escaped(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
