//! One line before all regexes.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use stockade_core::{Key, parse_addr};

use super::connections::{Merged, PENDING};
use super::fields::{FieldValue, Fields, MATCHES};
use super::result::{Failure, Id, LineParts, RegexHit, RegexStats, TrialResult};
use super::{Manner, Trial};
use crate::fields::Captured;
use crate::regex::{FieldRegex, Scratch};

/// A regex at work.
#[derive(Debug)]
pub(super) struct Tried {
    scratch: Scratch,
    /// The names of its groups, in their order.
    names: Vec<Arc<str>>,
    searches: u64,
    matches: u64,
    elapsed: Duration,
}

/// What a regex captured in one text.
struct Found {
    fields: Fields,
    /// An address was captured that is none.
    spoiled: bool,
    elapsed: Duration,
}

impl Tried {
    pub(super) fn new(regex: &FieldRegex) -> Self {
        let names = regex.names();
        Self { scratch: regex.scratch(), names, searches: 0, matches: 0, elapsed: Duration::ZERO }
    }

    pub(super) fn stats<'t>(&self, text: &'t str) -> RegexStats<'t> {
        let Self { searches, matches, elapsed, .. } = *self;
        RegexStats { text, searches, matches, elapsed }
    }

    fn search(&mut self, regex: &FieldRegex, text: &[u8]) -> Option<Found> {
        let began = Instant::now();
        let groups = regex.search_all(&mut self.scratch, text);
        let elapsed = began.elapsed();
        self.searches += 1;
        self.elapsed += elapsed;
        let groups = groups?;
        self.matches += 1;
        let mut captured = Captured::default();
        let value = |at: &Option<Range<usize>>| match at.clone().and_then(|at| text.get(at)) {
            Some(text) => FieldValue::Text(text.to_vec()),
            None => FieldValue::Nothing,
        };
        let fields = self.names.iter().cloned().zip(groups.iter().map(value)).collect();
        for ((_, field), at) in regex.groups.iter().zip(groups) {
            if let Some(at) = at {
                captured.take(field, text, at);
            }
        }
        Some(Found { fields, spoiled: captured.spoiled, elapsed })
    }

    fn is_match(&mut self, regex: &FieldRegex, text: &[u8]) -> bool {
        let began = Instant::now();
        let is_match = regex.is_match(&mut self.scratch, text);
        self.elapsed += began.elapsed();
        self.searches += 1;
        self.matches += u64::from(is_match);
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
                self.accuse(regex, fields, parts, result);
            }
            if self.options.first_only {
                return;
            }
        }
    }

    /// Puts what a regex said into its connection, and tells whom it speaks against.
    fn accuse(&mut self, regex: usize, fields: Fields, parts: &LineParts, result: &mut TrialResult) {
        let connection = fields.text("mlfid").map(<[u8]>::to_vec);
        let lines = std::slice::from_ref(parts);
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
    fn is_ignored(&mut self, texts: &[&[u8]], result: &mut TrialResult) -> bool {
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
