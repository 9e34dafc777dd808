//! One line before all regexes.

use std::ops::Range;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use stockade_core::{Key, parse_addr};

use super::connections::{Merged, PENDING};
use super::fields::{FieldValue, Fields, MATCHES};
use super::result::{Failure, Id, LineParts, RegexHit, RegexStats, TrialResult};
use super::{Manner, Trial};
use crate::fields::Captured;
use crate::regex::{Budget, FieldRegex, Scratch};

/// A regex at work.
#[derive(Debug)]
pub(super) struct Tried {
    scratch: Scratch,
    searches: u64,
    matches: u64,
    elapsed: Duration,
    /// How often it used up the steps that it may take.
    given_up: u64,
}

/// What a regex captured in one text.
pub(super) struct Found {
    pub(super) fields: Fields,
    /// An address was captured that is none.
    pub(super) spoiled: bool,
    pub(super) elapsed: Duration,
    /// All that matched.
    pub(super) whole: Range<usize>,
}

impl Tried {
    pub(super) fn new(regex: &FieldRegex) -> Self {
        Self { scratch: regex.scratch(), searches: 0, matches: 0, elapsed: Duration::ZERO, given_up: 0 }
    }

    pub(super) fn stats<'t>(&self, text: &'t str) -> RegexStats<'t> {
        let Self { searches, matches, elapsed, given_up, .. } = *self;
        RegexStats { text, searches, matches, elapsed, given_up }
    }

    pub(super) fn search(&mut self, regex: &FieldRegex, text: &[u8]) -> Option<Found> {
        // Each regex has the steps of a whole line: what one of them spends must not hide what another finds.
        let mut budget = Budget::of_line(text.len());
        let began = Instant::now();
        let found = regex.search(&mut self.scratch, &mut budget, text).is_some();
        let elapsed = began.elapsed();
        self.searches += 1;
        self.elapsed += elapsed;
        self.given_up += u64::from(budget.spent_by().is_some());
        if !found {
            return None;
        }
        self.matches += 1;
        let value = |at: Option<Range<usize>>| match at.and_then(|at| text.get(at)) {
            Some(text) => FieldValue::Text(text.to_vec()),
            None => FieldValue::Nothing,
        };
        let fields = regex.bounds(&self.scratch).map(|(name, at)| (name.clone(), value(at))).collect();
        let mut captured = Captured::default();
        regex.found(&self.scratch).for_each(|(field, at)| captured.take(field, text, at));
        let whole = regex.whole(&self.scratch).unwrap_or(0..text.len());
        Some(Found { fields, spoiled: captured.spoiled, elapsed, whole })
    }

    fn is_match(&mut self, regex: &FieldRegex, text: &[u8]) -> bool {
        let began = Instant::now();
        let mut budget = Budget::of_line(text.len());
        let is_match = regex.is_match(&mut self.scratch, &mut budget, text);
        self.elapsed += began.elapsed();
        self.searches += 1;
        self.matches += u64::from(is_match);
        self.given_up += u64::from(budget.spent_by().is_some());
        is_match
    }
}

impl Trial {
    pub(super) fn judge(&mut self, parts: &LineParts, result: &mut TrialResult) {
        let text = parts.text();
        let (ignoring, failing) = (self.ignore.len(), self.fail.len());
        // Where there are few of them they go first, and see the whole line.
        if ignoring > 0 && ignoring + 2 < failing && self.is_ignored(&[&text], result) {
            return;
        }
        let mut base = Fields::default();
        let mut content = text.clone();
        if let (Some(tried), Some(prefix)) = (&mut self.prefix, &self.filter.prefix) {
            let Some(found) = tried.search(prefix, &text) else { return };
            if found.spoiled {
                return;
            }
            base = found.fields;
            result.prefix = Some(base.clone());
            if let Some(FieldValue::Text(left)) = base.remove("content")
                && !left.is_empty()
            {
                content = left;
            }
        }
        result.content = Some(content.clone());
        for regex in 0..failing {
            let (Some(tried), Some(compiled)) = (self.fail.get_mut(regex), self.filter.fail.get(regex))
            else {
                return;
            };
            let Some(found) = tried.search(compiled, &content).filter(|found| !found.spoiled) else {
                continue;
            };
            let mut own = found.fields;
            own.complete();
            let mut fields = base.clone();
            fields.update(own);
            let excused = self.is_excused(&text, &content, result);
            result.hits.push(RegexHit { regex, elapsed: found.elapsed, fields: fields.clone(), excused });
            if !excused {
                self.accuse(regex, fields, std::slice::from_ref(parts), result);
            }
            if self.options.first_only {
                return;
            }
        }
    }

    /// Whether the ignoreregexes go before all others: where they are few.
    pub(super) fn ignores_first(&self) -> bool {
        !self.ignore.is_empty() && self.ignore.len() + 2 < self.fail.len()
    }

    /// What the prefregex captured, and what it leaves for the others if it says so; `None` if it does not match.
    pub(super) fn prefix(
        &mut self,
        text: &[u8],
        result: &mut TrialResult,
    ) -> Option<(Fields, Option<Vec<u8>>)> {
        let (Some(tried), Some(prefix)) = (&mut self.prefix, &self.filter.prefix) else {
            return Some((Fields::default(), None));
        };
        let found = tried.search(prefix, text).filter(|found| !found.spoiled)?;
        let mut base = found.fields;
        result.prefix = Some(base.clone());
        match base.remove("content") {
            Some(FieldValue::Text(left)) if !left.is_empty() => Some((base, Some(left))),
            _ => Some((base, None)),
        }
    }

    pub(super) fn search(&mut self, regex: usize, text: &[u8]) -> Option<Found> {
        let found = self.fail.get_mut(regex)?.search(self.filter.fail.get(regex)?, text);
        found.filter(|found| !found.spoiled)
    }

    /// Puts what a regex said into its connection, and tells whom it speaks against.
    pub(super) fn accuse(
        &mut self,
        regex: usize,
        fields: Fields,
        lines: &[LineParts],
        result: &mut TrialResult,
    ) {
        let connection = fields.text("mlfid").map(<[u8]>::to_vec);
        let (mut fields, keep) = match &connection {
            Some(id) => {
                let Merged { fields, keep } = self.connections.merge(id, fields, lines, result.time);
                (fields, keep)
            }
            None => {
                let mut fields = fields;
                fields.set(MATCHES, FieldValue::Lines(lines.to_vec()));
                (fields, false)
            }
        };
        let ids = if self.options.first_only && fields.says("nofail") {
            Vec::new()
        } else {
            self.ids(&mut fields, connection.is_some())
        };
        if ids == [Id::Pending] {
            fields.set(PENDING, FieldValue::Flag);
        }
        if let Some(id) = connection.filter(|_| keep) {
            self.connections.keep(&id, &fields);
        }
        let wanted = |id: &Id| *id != Id::Pending || !self.options.first_only || self.options.keep_pending;
        let failure = |id| Failure { regex, id, time: result.time, fields: fields.clone() };
        result.failures.extend(ids.into_iter().filter(wanted).map(failure));
    }

    /// Whom the fields name. Nobody, if a name has no address, or if a regex matched without any of the groups that count.
    fn ids(&mut self, fields: &mut Fields, in_connection: bool) -> Vec<Id> {
        let addr = fields.text("ip4").or_else(|| fields.text("ip6")).map(<[u8]>::to_vec);
        let own = match fields.get("fid") {
            Some(FieldValue::Text(text)) => {
                let named = || Key::name(&String::from_utf8_lossy(text));
                Some((Id::Key(parse_addr(text).map_or_else(named, Key::addr)), Some(text.clone())))
            }
            Some(FieldValue::Tuple(parts)) => Some((Id::Tuple(parts.clone()), None)),
            _ => None,
        };
        if let Some(addr) = addr {
            let Some(key) = network(&addr, fields.text("cidr")) else { return Vec::new() };
            return match own {
                Some((id, text)) if text.as_deref() != Some(&addr) => {
                    fields.set("ip", FieldValue::Address(key.to_string()));
                    vec![id]
                }
                _ => vec![Id::Key(key)],
            };
        }
        if let Some(name) = fields.text("dns") {
            return self.ids_of_name(&String::from_utf8_lossy(name).into_owned());
        }
        match own {
            Some((id, _)) => vec![id],
            None if in_connection => vec![Id::Pending],
            None => Vec::new(),
        }
    }

    fn ids_of_name(&mut self, name: &str) -> Vec<Id> {
        match (parse_addr(name.as_bytes()), &mut self.resolver) {
            (Some(addr), _) => vec![Id::Key(Key::addr(addr))],
            (None, Some(resolve)) => resolve(name).into_iter().map(|addr| Id::Key(Key::addr(addr))).collect(),
            (None, None) => vec![Id::Key(Key::name(name))],
        }
    }

    fn is_excused(&mut self, text: &[u8], content: &[u8], result: &mut TrialResult) -> bool {
        match self.options.manner {
            Manner::Stockade if text != content => self.is_ignored(&[content, text], result),
            _ => self.is_ignored(&[content], result),
        }
    }

    /// Whether an ignoreregex matches one of the texts. All are asked, unless the first is enough.
    pub(super) fn is_ignored(&mut self, texts: &[&[u8]], result: &mut TrialResult) -> bool {
        let mut ignored = false;
        for (at, (tried, regex)) in self.ignore.iter_mut().zip(&self.filter.ignore).enumerate() {
            if texts.iter().any(|text| tried.is_match(regex, text)) {
                result.ignored_by.push(at);
                ignored = true;
                if self.options.first_only {
                    break;
                }
            }
        }
        ignored
    }
}

/// What a failregex captured, and of the prefregex what it did not.
pub(super) fn joined(base: &Fields, mut own: Fields) -> Fields {
    own.complete();
    let mut fields = base.clone();
    fields.update(own);
    fields
}

/// The key of an address, or of its network.
fn network(addr: &[u8], bits: Option<&[u8]>) -> Option<Key> {
    let addr = parse_addr(addr)?;
    match bits {
        None | Some(b"") => Some(Key::addr(addr)),
        Some(bits) => {
            let bits = std::str::from_utf8(bits).ok()?.parse().ok()?;
            IpNet::new(addr, bits).ok().map(Key::net)
        }
    }
}
