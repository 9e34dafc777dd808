//! `<tag>`: the references that are replaced after `%(name)s`, among the options of one filter or action.

use std::collections::{HashMap, HashSet};

use super::limits::{Budget, MAX_TAG_REPLACEMENTS, MAX_VALUE_BYTES};
use super::origin::{Builder, Value};
use super::parse::Options;
use super::problem::{Fault, ProblemKind, cut};

/// Gives a tag that is not among the options themselves.
pub(crate) type Lookup<'l> = dyn FnMut(&str, &mut Budget) -> Result<Option<Value>, Fault> + 'l;

/// How the tags of a set of options are replaced.
pub(crate) struct Tags<'a> {
    /// Neither replaced in others nor looked into.
    pub(crate) ignore: HashSet<String>,
    /// `family=inet6`: take `tag?family=inet6` before `tag`.
    pub(crate) condition: Option<&'a str>,
}

impl Tags<'_> {
    /// Replaces tags in all `options` by the values of others, over and over until nothing changes. What neither `options` nor
    /// `lookup` know stays as it is.
    ///
    /// # Errors
    /// A tag that leads back to itself, and the bounds on size and work.
    pub(crate) fn replace(
        &self,
        options: &mut Options,
        lookup: &mut Lookup<'_>,
        budget: &mut Budget,
    ) -> Result<(), (String, Fault)> {
        let mut counts: HashMap<String, HashMap<String, usize>> = HashMap::new();
        let mut settled: HashSet<String> = self.ignore.clone();
        // In rounds, because a replacement may complete a tag to the left of it: `<a-<b>>`.
        loop {
            let mut again = false;
            for index in 0..options.len() {
                let Some((name, value)) = options.get_index(index) else { break };
                if settled.contains(name) {
                    continue;
                }
                let name = name.clone();
                if !value.text().contains('<') {
                    settled.insert(name);
                    continue;
                }
                let counts = counts.entry(name.clone()).or_default();
                let replaced = self.replace_in(&name, value, options, counts, lookup, budget);
                if let Some(value) = replaced.map_err(|fault| (name.clone(), fault))? {
                    again |= find_tag(value.text(), 0).is_some();
                    options.insert(name, value);
                }
            }
            if !again {
                return Ok(());
            }
        }
    }

    /// One pass over one value, from left to right; `None` if nothing changed.
    fn replace_in(
        &self,
        name: &str,
        value: &Value,
        options: &Options,
        counts: &mut HashMap<String, usize>,
        lookup: &mut Lookup<'_>,
        budget: &mut Budget,
    ) -> Result<Option<Value>, Fault> {
        let fault = |kind| Err(Fault::new(kind, value.origin()));
        let mut current: Option<Value> = None;
        let mut from = 0;
        loop {
            let text = current.as_ref().unwrap_or(value);
            if !budget.spend(0) {
                return fault(ProblemKind::TooMuchWork);
            }
            let Some((start, end)) = find_tag(text.text(), from) else { break };
            let tag = text.text().get(start + 1..end - 1).unwrap_or_default().to_owned();
            if self.ignore.contains(&tag) {
                from = end;
                continue;
            }
            if tag == name || counts.get(&tag).is_some_and(|count| *count > MAX_TAG_REPLACEMENTS) {
                return fault(ProblemKind::TagLoop { tag: cut(&tag) });
            }
            let own = self.condition.and_then(|condition| options.get(&format!("{tag}?{condition}")));
            let replacement = match own.or_else(|| options.get(&tag)) {
                Some(value) => Some(value.clone()),
                None => lookup(&tag, budget)?,
            };
            let Some(replacement) = replacement else {
                from = end;
                continue;
            };
            let next = replace_all(text, &format!("<{tag}>"), &replacement);
            let Some(next) = next.filter(|next| next.text().len() <= MAX_VALUE_BYTES) else {
                return fault(ProblemKind::ValueTooLong);
            };
            if !budget.spend(next.text().len()) {
                return fault(ProblemKind::TooMuchWork);
            }
            current = Some(next);
            *counts.entry(tag).or_default() += 1;
            from = start;
        }
        if !budget.spend(value.text().len()) {
            return fault(ProblemKind::TooMuchWork);
        }
        Ok(current)
    }
}

/// The first tag at or after `from`, with its brackets: `<`, no blank or bracket, `>`.
pub(crate) fn find_tag(text: &str, from: usize) -> Option<(usize, usize)> {
    let mut open = None;
    for (at, byte) in text.bytes().enumerate().skip(from) {
        match (byte, open) {
            (b'<', _) => open = Some(at),
            (b' ', _) => open = None,
            (b'>', Some(start)) if at > start + 1 => return Some((start, at + 1)),
            (b'>', _) => open = None,
            _ => {}
        }
    }
    None
}

/// `value` with every `tag` replaced; `None` if that would be too long.
fn replace_all(value: &Value, tag: &str, replacement: &Value) -> Option<Value> {
    let mut out = Builder::default();
    let mut done = 0;
    for (at, _) in value.text().match_indices(tag) {
        out.copy(value, done..at);
        done = at + tag.len();
        out.splice(replacement, value, at..done);
        if out.len() > MAX_VALUE_BYTES {
            return None;
        }
    }
    out.copy(value, done..value.text().len());
    Some(out.finish(value.origin().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::limits::MAX_WORK;

    fn options(pairs: &[(&str, &str)]) -> Options {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), Value::given(*text, "test"))).collect()
    }

    fn replaced(
        pairs: &[(&str, &str)],
        ignore: &[&str],
        condition: Option<&str>,
    ) -> Result<Vec<String>, ProblemKind> {
        let mut options = options(pairs);
        let tags = Tags { ignore: ignore.iter().map(|s| (*s).to_owned()).collect(), condition };
        let mut lookup = |tag: &str, _: &mut Budget| Ok((tag == "far").then(|| Value::given("<b>!", "test")));
        match tags.replace(&mut options, &mut lookup, &mut Budget::new(MAX_WORK)) {
            Ok(()) => Ok(options.values().map(|value| value.text().to_owned()).collect()),
            Err((_, fault)) => Err(*fault.kind),
        }
    }

    #[test]
    fn tags_are_found_innermost_first() {
        assert_eq!(find_tag("a <b <c>", 0), Some((5, 8)));
        assert_eq!(find_tag("<a<b>>", 0), Some((2, 5)));
        assert_eq!(find_tag("<> < > <\n>", 0), Some((7, 10)));
        assert_eq!(find_tag("<a>", 1), None);
        assert_eq!(find_tag("a>b", 0), None);
    }

    #[test]
    fn composed_names_and_unknown_ones() {
        let pairs = [("a", "<re-<mode>> <HOST> <re-<gone>>"), ("mode", "x"), ("re-x", "[<far>]"), ("b", "B")];
        let found = replaced(&pairs, &[], None).expect("no loop");
        assert_eq!(found, ["[B!] <HOST> <re-<gone>>", "x", "[B!]", "B"]);
    }

    #[test]
    fn ignored_tags_stay_and_are_not_looked_into() {
        let pairs = [("a", "<i> <b>"), ("i", "<b>"), ("b", "B")];
        assert_eq!(replaced(&pairs, &["i"], None), Ok(vec!["<i> B".into(), "<b>".into(), "B".into()]));
    }

    #[test]
    fn a_condition_is_preferred() {
        let pairs = [("a", "<b> <c>"), ("b", "4"), ("b?family=inet6", "6"), ("c", "both")];
        let found = |condition| replaced(&pairs, &[], condition).expect("no loop").remove(0);
        assert_eq!(found(Some("family=inet6")), "6 both");
        assert_eq!(found(Some("family=inet4")), "4 both");
        assert_eq!(found(None), "4 both");
    }

    #[test]
    fn loops_end_in_an_error() {
        for pairs in [
            &[("a", "x <a>")][..],
            &[("a", "<b>"), ("b", "<a>")],
            &[("p", "<q>"), ("q", "<r>"), ("r", "<q>")],
        ] {
            assert!(matches!(replaced(pairs, &[], None), Err(ProblemKind::TagLoop { .. })), "{pairs:?}");
        }
    }

    #[test]
    fn growth_is_bounded() {
        let names: Vec<_> = (0..40).map(|i| format!("t{i}")).collect();
        let texts: Vec<_> = (0..40).map(|i| format!("<t{}><t{}>.", i + 1, i + 1)).collect();
        let pairs: Vec<_> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
        assert_eq!(replaced(&pairs, &[], None), Err(ProblemKind::ValueTooLong));
    }
}
