//! From a pattern's tree to the regex that is run.

use super::error::DatePatternError;
use super::fields::Field;
use super::node::Node;
use super::syntax::Parsed;
use super::token;
use super::translate::{Problem, to_rust};

/// A regex with groups, and what each group is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WithGroups {
    pub(super) regex: String,
    /// Group number and the field it holds.
    pub(super) fields: Vec<(usize, Field)>,
    /// The groups of which the one that takes part in a match is the text to cut.
    pub(super) cuts: Vec<usize>,
}

/// The regex of a node, without groups that capture. `pattern` is for messages.
pub(super) fn plain(node: &Node, pattern: &str) -> Result<String, DatePatternError> {
    let mut writer = Writer::default();
    writer.node(node);
    translate(&writer.out, pattern)
}

/// The regex of a pattern with a group for every field, and for the text to cut: the first group if the pattern has a
/// plain one, else the whole match.
pub(super) fn with_groups(parsed: &Parsed, pattern: &str) -> Result<WithGroups, DatePatternError> {
    let mut writer = Writer { groups: Some(Groups::default()), ..Writer::default() };
    if let Some(groups) = &mut writer.groups {
        groups.cut_first = parsed.grouped;
        groups.weekdays = has_week(&parsed.root);
    }
    if parsed.grouped {
        writer.node(&parsed.root);
    } else {
        writer.open(None, true);
        writer.node(&parsed.root);
        writer.out.push(')');
    }
    let Groups { fields, cuts, .. } = writer.groups.unwrap_or_default();
    Ok(WithGroups { regex: translate(&writer.out, pattern)?, fields, cuts })
}

/// Whether the pattern has a token that makes all of it insensitive to case.
pub(super) fn any_case(node: &Node) -> bool {
    node.any(&|node| matches!(node, Node::Token { token, .. } if token.any_case))
}

fn translate(python: &str, pattern: &str) -> Result<String, DatePatternError> {
    to_rust(python).map_err(|problem| match problem {
        Problem::NotLinear(construct) => {
            DatePatternError::NotLinear { construct, pattern: pattern.to_owned() }
        }
        Problem::Invalid(reason) => DatePatternError::Syntax { reason, pattern: pattern.to_owned() },
    })
}

/// Writes Python's dialect.
#[derive(Default)]
struct Writer {
    out: String,
    groups: Option<Groups>,
}

#[derive(Default)]
struct Groups {
    count: usize,
    fields: Vec<(usize, Field)>,
    cuts: Vec<usize>,
    cut_first: bool,
    weekdays: bool,
}

impl Writer {
    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Token { token, number } => {
                if token.blank {
                    self.out.push_str("(?: ?");
                }
                self.open(token.field, self.is_cut(*number));
                self.out.push_str(token.value);
                self.out.push_str(if token.blank { "))" } else { ")" });
            }
            Node::Capture { name, number, body } => {
                self.open(name.as_deref().and_then(token::named_field), self.is_cut(*number));
                self.node(body);
                self.out.push(')');
            }
            Node::Group { flags, body } => {
                self.out.push_str("(?");
                self.out.push_str(flags);
                self.out.push(':');
                self.node(body);
                self.out.push(')');
            }
            Node::Repeat { body, operator } => {
                self.node(body);
                self.out.push_str(operator);
            }
            Node::Concat(parts) => parts.iter().for_each(|part| self.node(part)),
            Node::Alternate(arms) => {
                for (n, arm) in arms.iter().enumerate() {
                    if n > 0 {
                        self.out.push('|');
                    }
                    self.node(arm);
                }
            }
            // Written out before; matches nothing if one were left.
            Node::Backref(_) => self.out.push_str("[^\\w\\W]"),
        }
    }

    fn is_cut(&self, number: usize) -> bool {
        number == 1 && self.groups.as_ref().is_some_and(|groups| groups.cut_first)
    }

    /// Opens a group, capturing if it is of use.
    fn open(&mut self, field: Option<Field>, cut: bool) {
        let Some(groups) = &mut self.groups else { return self.out.push_str("(?:") };
        let field = field.filter(|field| groups.weekdays || !field.is_weekday());
        if field.is_none() && !cut {
            return self.out.push_str("(?:");
        }
        groups.count += 1;
        groups.fields.extend(field.map(|field| (groups.count, field)));
        groups.cuts.extend(cut.then_some(groups.count));
        self.out.push('(');
    }
}

/// Whether the pattern counts weeks.
fn has_week(node: &Node) -> bool {
    node.any(&|node| match node {
        Node::Token { token, .. } => token.field.is_some_and(Field::is_week),
        Node::Capture { name, .. } => {
            name.as_deref().and_then(token::named_field).is_some_and(Field::is_week)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::syntax;
    use super::*;

    fn groups(pattern: &str) -> WithGroups {
        with_groups(&syntax::parse(pattern).unwrap(), pattern).unwrap()
    }

    #[test]
    fn without_a_plain_group_the_whole_match_is_cut() {
        let WithGroups { regex, fields, cuts } = groups("^<%Y %a%k>");
        assert_eq!(cuts, [1]);
        assert_eq!(fields, [(2, Field::Year), (3, Field::Hour)]);
        assert!(
            regex.starts_with("(^<([0-9]{4}) (?:(?:mon|")
                && regex.ends_with("(?: ?((?:[0-2][0-9]?|[3-9])))>)"),
            "{regex}"
        );
    }

    #[test]
    fn with_a_plain_group_the_first_group_of_any_kind_is_cut() {
        assert_eq!(groups("^x(%Y)").cuts, [1]);
        let token_first = groups("%Y(x)");
        assert_eq!((token_first.cuts, token_first.fields), (vec![1], vec![(1, Field::Year)]));
        assert_eq!(groups("(?P<_a>x)(%Y)").cuts, [1]);
    }

    #[test]
    fn weekdays_are_captured_where_a_week_needs_them() {
        assert_eq!(groups("%U %a").fields, [(2, Field::WeekFromSunday), (3, Field::WeekdayName)]);
        assert_eq!(groups("(?P<Y>..)").fields, [(2, Field::Year)]);
    }

    #[test]
    fn plain_has_no_capturing_group() {
        let parsed = syntax::parse(r"(%Y)(?P<x>\d)(?i:a)").unwrap();
        assert_eq!(plain(&parsed.root, "").unwrap(), r"(?:(?:[0-9]{4}))(?:\d)(?i:a)");
    }
}
