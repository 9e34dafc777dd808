//! A combination of a pattern's `$or`s as EventBridge can say it: the unit that is merged and packed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use stockade_pattern::{WrittenCondition, WrittenField};

use super::wide::{Reason, Wider};
use super::{MAX_STARS, render};
use crate::Rule;

/// Fields that must all hold. The order of everything is that of its text, so that the same rules give the same result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Branch {
    /// By path.
    pub(super) fields: BTreeMap<String, Conditions>,
    /// The names of the rules that need it.
    pub(super) feeds: BTreeSet<Arc<str>>,
}

/// The pattern of a combination of which nothing is left to ask for.
pub(super) const EVERYTHING: &str = r#"{"source":[{"prefix":""}]}"#;

/// Alternatives.
pub(super) type Conditions = BTreeSet<Condition>;

/// One alternative.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Condition {
    /// As it is written.
    pub(super) json: String,
    /// If it is nothing but a text.
    pub(super) text: Option<String>,
    /// What each text that fulfils it begins with.
    pub(super) beginning: String,
    pub(super) absent: bool,
    pub(super) stars: usize,
}

/// What EventBridge is asked for on behalf of a rule.
pub(super) fn all(rule: &Rule, chars: usize, wider: &mut Vec<Wider>) -> Vec<Branch> {
    let mut branches = BTreeSet::new();
    for pattern in &rule.patterns {
        let mut told = Telling { rule, wider };
        for combination in pattern.pattern.written() {
            let fields = combination.iter().filter_map(|field| widened(field, &mut told)).collect();
            let branch = Branch { fields, feeds: [Arc::clone(&rule.name)].into() };
            fit(branch, chars, &mut told, &mut branches);
        }
    }
    branches.into_iter().collect()
}

/// Where what is widened is told, once for each field of a rule.
struct Telling<'t> {
    rule: &'t Rule,
    wider: &'t mut Vec<Wider>,
}

impl Telling<'_> {
    fn tell(&mut self, path: &str, reason: Reason) {
        let same = |wider: &&mut Wider| wider.rule == self.rule.name && wider.reason == reason;
        let paths = match self.wider.iter_mut().find(same) {
            Some(wider) => &mut wider.paths,
            None => {
                let rule = Arc::clone(&self.rule.name);
                self.wider.push(Wider { rule, paths: Vec::new(), reason });
                let Some(wider) = self.wider.last_mut() else { return };
                &mut wider.paths
            }
        };
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
}

/// A field as EventBridge can say it; `None` if nothing can be asked for.
fn widened(field: &WrittenField, told: &mut Telling<'_>) -> Option<(String, Conditions)> {
    let Some(path) = &field.path else {
        told.tell("", Reason::Text);
        return None;
    };
    let conditions: Conditions =
        field.conditions.iter().map(|condition| asked(condition, path, told)).collect();
    let absent = conditions.iter().any(|condition| condition.absent);
    if absent && may_lie_in_list(path) {
        told.tell(path, Reason::Absence);
        return None;
    }
    if conditions.contains(&Condition::exists()) {
        // There or not there asks for nothing; what else there is is narrower.
        return (!absent).then(|| (path.clone(), [Condition::exists()].into()));
    }
    Some((path.clone(), conditions))
}

/// Whether a field may lie in an array of objects, where EventBridge judges absence before it knows which element is meant,
/// and would keep events back. What lies directly in `detail` does not, nor what CloudTrail says of who called.
fn may_lie_in_list(path: &str) -> bool {
    const OBJECTS: [&str; 3] = ["detail.userIdentity.", "detail.additionalEventData.", "detail.tlsDetails."];
    path.split('.').count() > 2 && !OBJECTS.iter().any(|object| path.starts_with(object))
}

/// A condition as EventBridge can say it.
fn asked(condition: &WrittenCondition, path: &str, told: &mut Telling<'_>) -> Condition {
    let Some(json) = &condition.json else {
        told.tell(path, Reason::of(condition.name));
        return Condition::exists();
    };
    let asked = Condition {
        json: json.clone(),
        text: condition.text.clone(),
        beginning: condition.beginning.clone(),
        absent: condition.absent,
        stars: condition.stars,
    };
    if asked.stars > MAX_STARS {
        told.tell(path, Reason::Wildcards);
        return asked.without_stars();
    }
    asked
}

/// How often a combination that is too long is cut; beyond that less is asked for. AWS allows 300 rules a bus.
const MAX_CUTS: usize = 16;

/// Cuts a combination that is too long, or has too many wildcards, into several, each with some of the alternatives of a field;
/// asks for less where there are no alternatives left, or too many pieces.
fn fit(branch: Branch, chars: usize, told: &mut Telling<'_>, fitting: &mut BTreeSet<Branch>) {
    let mut open = VecDeque::from([branch]);
    let mut cuts = 0;
    while let Some(mut branch) = open.pop_front() {
        let complex = branch.fields.iter().find(|(_, conditions)| stars(conditions) > MAX_STARS);
        let complex = complex.map(|(path, _)| path.clone());
        if complex.is_none() && !branch.fields.is_empty() && render::one(&branch).chars() <= chars {
            fitting.insert(branch);
            continue;
        }
        let several = branch.fields.iter().filter(|(_, conditions)| conditions.len() > 1);
        let longest = several.max_by_key(|(_, conditions)| length(conditions)).map(|(path, _)| path);
        match complex.as_ref().or(longest) {
            Some(path) if cuts < MAX_CUTS => {
                open.extend(halves(&branch, path));
                cuts += 1;
            }
            _ => {
                ask_less(&mut branch, complex, told);
                open.push_back(branch);
            }
        }
    }
}

/// The combination twice, each with half of the alternatives of a field.
fn halves(branch: &Branch, path: &str) -> [Branch; 2] {
    let mut halves = [branch.clone(), branch.clone()];
    let middle = branch.fields.get(path).map_or(0, |conditions| conditions.len() / 2);
    for (right, half) in halves.iter_mut().enumerate() {
        if let Some(conditions) = half.fields.get_mut(path) {
            let mut at = 0;
            conditions.retain(|_| {
                at += 1;
                (at > middle) == (right == 1)
            });
        }
    }
    halves
}

/// Asks less of this field, or of the longest: any value; nothing, if it may be absent or that is as short.
fn ask_less(branch: &mut Branch, path: Option<String>, told: &mut Telling<'_>) {
    let exists: Conditions = [Condition::exists()].into();
    let longest =
        branch.fields.iter().max_by_key(|(_, conditions)| length(conditions)).map(|(path, _)| path.clone());
    let Some(path) = path.or(longest) else {
        // All that EventBridge can be asked for is any event.
        branch.fields.insert("source".to_owned(), [Condition::any_text()].into());
        return;
    };
    told.tell(&path, Reason::Length);
    let Some(conditions) = branch.fields.get_mut(&path) else { return };
    if length(conditions) > length(&exists) && conditions.iter().all(|condition| !condition.absent) {
        *conditions = exists;
    } else {
        branch.fields.remove(&path);
    }
}

fn stars(conditions: &Conditions) -> usize {
    conditions.iter().map(|condition| condition.stars).sum()
}

fn length(conditions: &Conditions) -> usize {
    conditions.iter().map(|condition| condition.json.len()).sum()
}

impl Condition {
    pub(super) fn exists() -> Self {
        Self {
            json: "{\"exists\":true}".to_owned(),
            text: None,
            beginning: String::new(),
            absent: false,
            stars: 0,
        }
    }

    fn any_text() -> Self {
        Self { json: "{\"prefix\":\"\"}".to_owned(), ..Self::exists() }
    }

    /// A wider one without wildcards.
    fn without_stars(self) -> Self {
        if self.beginning.is_empty() {
            return Self::exists();
        }
        Self {
            json: format!("{{\"prefix\":{}}}", super::tree::quoted(&self.beginning)),
            text: None,
            stars: 0,
            ..self
        }
    }
}

impl Branch {
    /// Whether it is implied by another: whatever matches that one matches this one.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.fields.iter().all(|(path, conditions)| {
            other.fields.get(path).is_some_and(|narrower| narrower.is_subset(conditions))
        })
    }
}
