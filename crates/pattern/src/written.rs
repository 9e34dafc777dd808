//! A pattern taken apart again: what each combination asks for, as it would be written. For programs that write patterns.

use std::fmt::Write as _;

use crate::case::Folded;
use crate::condition::{Condition, Excluded};
use crate::display::Quoted;
use crate::pattern::{Field, Pattern};
use crate::wildcard::Wildcard;

/// What one field of a combination asks for: one of the conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WrittenField {
    /// Its path, names joined with dots; `None` for one that no text can hold (half a surrogate pair).
    pub path: Option<String>,
    /// The alternatives; never empty.
    pub conditions: Vec<WrittenCondition>,
}

/// One alternative of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WrittenCondition {
    /// As it stands in a pattern of EventBridge's, without spaces; `None` if EventBridge cannot say it: `compare`, `json`, text
    /// that EventBridge does not find (`equals-ignore-case` with an emoji), a number that it cannot compare.
    pub json: Option<String>,
    /// What it is in a word: `compare`, `json` or what EventBridge calls it.
    pub name: &'static str,
    /// The text of a condition that is nothing but a text.
    pub text: Option<String>,
    /// What every text that fulfils it begins with; empty if that may be anything.
    pub beginning: String,
    /// Whether a field without a value fulfils it (`exists: false`).
    pub absent: bool,
    /// How many stars its wildcards have.
    pub stars: usize,
}

impl Pattern {
    /// Returns what its combinations ask for, as it would be written. A pattern matches if all fields of one combination hold.
    ///
    /// ```
    /// use stockade_pattern::Pattern;
    ///
    /// let pattern = Pattern::parse(r#"{"a": {"b": [1, {"prefix": "x"}], "$or": [{"c": [null]}, {"c": ["y"]}]}}"#)?;
    /// let combinations = pattern.written();
    /// assert_eq!(combinations.len(), 2);
    /// let b = &combinations[0][0];
    /// assert_eq!(b.path.as_deref(), Some("a.b"));
    /// assert_eq!(b.conditions[1].json.as_deref(), Some(r#"{"prefix":"x"}"#));
    /// # Ok::<(), stockade_pattern::PatternError>(())
    /// ```
    pub fn written(&self) -> Vec<Vec<WrittenField>> {
        self.branches.iter().map(|branch| branch.fields.iter().map(written).collect()).collect()
    }
}

fn written(field: &Field) -> WrittenField {
    WrittenField {
        path: std::str::from_utf8(&field.path).ok().map(str::to_owned),
        conditions: field.conditions.iter().map(WrittenCondition::of).collect(),
    }
}

impl WrittenCondition {
    fn of(condition: &Condition) -> Self {
        let text = match condition {
            Condition::String(text) => std::str::from_utf8(text).ok().map(str::to_owned),
            _ => None,
        };
        let beginning: &[u8] = match condition {
            Condition::String(text) | Condition::Prefix(text) => text,
            Condition::Wildcard(wildcard) => wildcard.beginning(),
            _ => &[],
        };
        let stars = match condition {
            Condition::Wildcard(wildcard) => wildcard.stars(),
            Condition::AnythingBut(Excluded::Wildcards(list)) => list.iter().map(Wildcard::stars).sum(),
            _ => 0,
        };
        Self {
            json: json(condition),
            name: name(condition),
            text,
            beginning: beginning
                .utf8_chunks()
                .next()
                .map(|chunk| chunk.valid().to_owned())
                .unwrap_or_default(),
            absent: *condition == Condition::Absent,
            stars,
        }
    }
}

fn name(condition: &Condition) -> &'static str {
    match condition {
        Condition::String(_) | Condition::Number(_) | Condition::Literal(_) => "value",
        Condition::Prefix(_) | Condition::PrefixIgnoreCase(_) => "prefix",
        Condition::Suffix(_) | Condition::SuffixIgnoreCase(_) => "suffix",
        Condition::EqualsIgnoreCase(_) => "equals-ignore-case",
        Condition::Wildcard(_) => "wildcard",
        Condition::Range(_) => "numeric",
        Condition::Cidr(_) => "cidr",
        Condition::Exists | Condition::Absent => "exists",
        Condition::AnythingBut(_) => "anything-but",
        Condition::Compare(_) => "compare",
        Condition::Json(_) => "json",
    }
}

fn json(condition: &Condition) -> Option<String> {
    Some(match condition {
        Condition::Compare(_) | Condition::Json(_) => return None,
        Condition::Number(number) if !number.is_comparable() => return None,
        Condition::String(text) => quoted(text)?,
        Condition::Prefix(text) => format!("{{\"prefix\":{}}}", quoted(text)?),
        Condition::Suffix(text) => format!("{{\"suffix\":{}}}", quoted(text)?),
        Condition::PrefixIgnoreCase(text) => format!("{{\"prefix\":{}}}", ignoring(text)?),
        Condition::SuffixIgnoreCase(text) => format!("{{\"suffix\":{}}}", ignoring(text)?),
        Condition::EqualsIgnoreCase(text) => ignoring(text)?,
        Condition::Wildcard(wildcard) => format!("{{\"wildcard\":{}}}", quoted(&wildcard.written())?),
        Condition::AnythingBut(excluded) => format!("{{\"anything-but\":{}}}", anything_but(excluded)?),
        // Without any text of a person's: only the spaces are to go.
        Condition::Range(_) | Condition::Cidr(_) | Condition::Exists | Condition::Absent => {
            condition.to_string().replace(' ', "")
        }
        Condition::Number(_) | Condition::Literal(_) => condition.to_string(),
    })
}

fn anything_but(excluded: &Excluded) -> Option<String> {
    let texts = |list: &[Box<[u8]>]| listed(list.iter().map(|text| quoted(text)));
    Some(match excluded {
        Excluded::Strings(list) => texts(list)?,
        Excluded::Numbers(list) => listed(list.iter().map(|number| Some(number.lexeme.to_string())))?,
        Excluded::Prefixes(list) => format!("{{\"prefix\":{}}}", texts(list)?),
        Excluded::Suffixes(list) => format!("{{\"suffix\":{}}}", texts(list)?),
        Excluded::Wildcards(list) => {
            format!("{{\"wildcard\":{}}}", listed(list.iter().map(|wildcard| quoted(&wildcard.written())))?)
        }
        Excluded::IgnoreCase(list) => {
            let texts = listed(list.iter().map(|text| plain(text).and_then(|()| quoted(&text.text))))?;
            format!("{{\"equals-ignore-case\":{texts}}}")
        }
    })
}

/// A list, or its only element.
fn listed(mut elements: impl Iterator<Item = Option<String>>) -> Option<String> {
    let mut text = elements.next()??;
    let mut several = false;
    for element in elements {
        several = true;
        write!(text, ",{}", element?).ok()?;
    }
    Some(if several { format!("[{text}]") } else { text })
}

fn ignoring(text: &Folded) -> Option<String> {
    plain(text)?;
    Some(format!("{{\"equals-ignore-case\":{}}}", quoted(&text.text)?))
}

/// `None` for a text that EventBridge does not find if case is ignored: it has a character outside the basic plane.
fn plain(text: &Folded) -> Option<()> {
    let text = std::str::from_utf8(&text.text).ok()?;
    text.chars().all(|character| character.len_utf8() < 4).then_some(())
}

fn quoted(text: &[u8]) -> Option<String> {
    std::str::from_utf8(text).is_ok().then(|| Quoted(text).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Dialect;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for condition in [
            r#""a \"b\" \\ é \n 😀""#,
            "10",
            "-1.50e3",
            "null",
            r#""192.0.2.1""#,
            r#""2001:db8::1""#,
            r#"{"prefix":"x"}"#,
            r#"{"prefix":{"equals-ignore-case":"É"}}"#,
            r#"{"suffix":{"equals-ignore-case":"x"}}"#,
            r#"{"suffix":"a b"}"#,
            r#"{"equals-ignore-case":"x y"}"#,
            r#"{"wildcard":"a\\*b*\\\\"}"#,
            r#"{"numeric":["=",5]}"#,
            r#"{"numeric":[">",1,"<=",2.5]}"#,
            r#"{"cidr":"10.0.0.0/8"}"#,
            r#"{"cidr":"2001:db8::/32"}"#,
            r#"{"exists":true}"#,
            r#"{"exists":false}"#,
            r#"{"anything-but":"x"}"#,
            r#"{"anything-but":["x","y z"]}"#,
            r#"{"anything-but":[1,2]}"#,
            r#"{"anything-but":{"prefix":"x"}}"#,
            r#"{"anything-but":{"suffix":["x","y"]}}"#,
            r#"{"anything-but":{"wildcard":"*x*"}}"#,
            r#"{"anything-but":{"equals-ignore-case":["x","y"]}}"#,
        ] {
            let pattern = Pattern::parse(&format!("{{\"a\":[{condition}]}}")).unwrap();
            let written = pattern.written().remove(0).remove(0).conditions.remove(0).json.unwrap();
            let again = Pattern::parse(&format!("{{\"a\":[{written}]}}")).unwrap();
            assert_eq!(again, pattern, "{condition}: {written}");
        }
    }

    #[test]
    fn what_eventbridge_cannot_say_is_not_written() {
        for condition in [
            r#"{"compare":{"equals":"b"}}"#,
            r#"{"json":{"b":[1]}}"#,
            r#"{"equals-ignore-case":"😀"}"#,
            r#"{"anything-but":{"equals-ignore-case":"😀"}}"#,
            "12345678901234567890",
            r#""\ud800""#,
        ] {
            let pattern = Pattern::parse_as(&format!("{{\"a\":[{condition}]}}"), Dialect::Stockade).unwrap();
            assert_eq!(pattern.written()[0][0].conditions[0].json, None, "{condition}");
        }
    }
}
