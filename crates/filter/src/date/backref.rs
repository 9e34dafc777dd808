//! Backreferences without backtracking: `(?P<sep>[-/])%m(?P=sep)` means the same as `(?:-%m-|/%m/)`.
//!
//! No linear-time engine can refer back. But in a date the group is a separator, one of a few characters, and then
//! every case can be written out.

use regex_syntax::hir::literal::Extractor;

use super::emit;
use super::error::DatePatternError;
use super::node::Node;

/// The texts a group may have if it is referred back to.
const MAX_TEXTS: usize = 16;
/// The parts a pattern may have after all cases are written out.
const MAX_NODES: usize = 4096;

/// Writes out the cases of every backreference.
pub(super) fn expand(mut root: Node, pattern: &str) -> Result<Node, DatePatternError> {
    while let Some(key) = first_backref(&root) {
        let unsupported = || DatePatternError::NotLinear {
            construct: "backreference to a group of many texts",
            pattern: pattern.to_owned(),
        };
        let texts = find_group(&root, &key).and_then(texts_of).ok_or_else(unsupported)?;
        if !write_out(&mut root, &key, &texts) {
            return Err(unsupported());
        }
        if size(&root) > MAX_NODES {
            return Err(DatePatternError::TooLarge {
                what: "the pattern with its backreferences written out",
                limit: MAX_NODES,
            });
        }
    }
    Ok(root)
}

fn first_backref(node: &Node) -> Option<String> {
    match node {
        Node::Backref(key) => Some(key.clone()),
        node => node.children().iter().find_map(first_backref),
    }
}

fn find_group<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match node {
        Node::Capture { body, .. } if is_group(node, key) => Some(body),
        node => node.children().iter().find_map(|child| find_group(child, key)),
    }
}

/// Every text the node can match, if they are few.
fn texts_of(node: &Node) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(&emit::plain(node, "").ok()?).ok()?;
    let sequence = Extractor::new().limit_total(MAX_TEXTS).limit_class(MAX_TEXTS).extract(&hir);
    let literals = sequence.literals().filter(|literals| !literals.is_empty())?;
    literals
        .iter()
        .map(|literal| {
            Some(std::str::from_utf8(literal.as_bytes()).ok().filter(|_| literal.is_exact())?.to_owned())
        })
        .collect()
}

/// Replaces the shortest stretch that holds the group and its references by one alternative per text. `false`: there is
/// no such stretch, the references stand in other alternatives than the group.
fn write_out(node: &mut Node, key: &str, texts: &[String]) -> bool {
    match node {
        Node::Concat(parts) => {
            let mut holders =
                (0..).zip(parts.iter()).filter(|(_, part)| mentions(part, key)).map(|(at, _)| at);
            let Some(first) = holders.next() else { return false };
            let Some(last) = holders.last() else {
                return parts.get_mut(first).is_some_and(|part| write_out(part, key, texts));
            };
            let stretch: Vec<Node> = parts.drain(first..=last).collect();
            let case = |text: &String| {
                let mut arm = Node::Concat(stretch.clone());
                substitute(&mut arm, key, text);
                arm
            };
            let body = Box::new(Node::Alternate(texts.iter().map(case).collect()));
            parts.insert(first, Node::Group { flags: String::new(), body });
            true
        }
        node => {
            let mut holders = node.children_mut().iter_mut().filter(|child| mentions(child, key));
            match (holders.next(), holders.next()) {
                (Some(only), None) => write_out(only, key, texts),
                _ => false,
            }
        }
    }
}

fn substitute(node: &mut Node, key: &str, text: &str) {
    let fixed = || Node::Text(regex_syntax::escape(text));
    match node {
        Node::Backref(other) if other == key => *node = fixed(),
        node => {
            let group = is_group(node, key);
            for child in node.children_mut() {
                if group {
                    *child = fixed();
                } else {
                    substitute(child, key, text);
                }
            }
        }
    }
}

fn mentions(node: &Node, key: &str) -> bool {
    node.any(&|node| matches!(node, Node::Backref(other) if other == key) || is_group(node, key))
}

/// Whether the node is the group that `key`, its name or its number, refers to.
fn is_group(node: &Node, key: &str) -> bool {
    match node {
        Node::Capture { name: Some(name), .. } if name == key => true,
        Node::Capture { number, .. } => key.parse() == Ok(*number),
        _ => false,
    }
}

fn size(node: &Node) -> usize {
    1 + node.children().iter().map(size).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::super::syntax;
    use super::*;

    fn expanded(pattern: &str) -> Result<String, DatePatternError> {
        expand(syntax::parse(pattern)?.root, pattern).and_then(|root| emit::plain(&root, pattern))
    }

    #[test]
    fn every_case_is_written_out_where_the_group_stands() {
        assert_eq!(expanded("a(?P<s>[-/])b(?P=s)c").unwrap(), r"a(?:(?:\-)b\-|(?:/)b/)c");
        assert_eq!(expanded(r"(x|yz)\1").unwrap(), "(?:(?:x)x|(?:yz)yz)");
        assert_eq!(expanded(r"^(?:((a|b)c\2)d)?$").unwrap(), "^(?:(?:(?:(?:a)ca|(?:b)cb))d)?$");
        assert_eq!(expanded(r"(?P<s>[ab])(?P<t>[cd])(?P=s)(?P=t)").unwrap().matches('|').count(), 3);
    }

    #[test]
    fn what_cannot_be_written_out_is_refused() {
        for pattern in [r"(\w)\1", r"(x*)\1", r"(a)|\1", r"\1", "(?P=s)", r"([a-z])\1"] {
            assert!(matches!(expanded(pattern), Err(DatePatternError::NotLinear { .. })), "{pattern}");
        }
        let many =
            (b'a'..=b'e').map(|c| format!("(?P<{0}>[0-9])(?P={0})", char::from(c))).collect::<String>();
        assert!(expanded(&many).is_ok());
        let deep = "(?P<a>[0-9])(?P<b>[0-9])(?P<c>[0-9])(?P<d>[0-9])(?P=a)(?P=b)(?P=c)(?P=d)";
        assert!(matches!(expanded(deep), Err(DatePatternError::TooLarge { .. })));
    }
}
