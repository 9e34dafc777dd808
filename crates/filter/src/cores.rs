//! Two cores for one block: each finds in its half, and what the second found is kept until the first is settled.

use std::net::IpAddr;
use std::ops::Range;

use memchr::memrchr;
use stockade_core::Timestamp;

use crate::fields::Captured;
use crate::finder::Found;
use crate::scanner::Lines;

/// A block smaller than this is not worth a second thread, in bytes.
const MIN_BYTES: usize = 256 << 10;
/// How much of a block the second core gets: the first one also settles what both find.
const SECOND_PERCENT: usize = 58;

/// A block in two parts, each of whole lines. `None` for one that is small, or whose lines bring their times.
pub(crate) fn halves<'b>(lines: &Lines<'b>) -> Option<(Lines<'b>, Lines<'b>)> {
    let bytes = lines.bytes;
    if bytes.len() < MIN_BYTES || lines.times.is_some() {
        return None;
    }
    let middle = bytes.len() - bytes.len() / 100 * SECOND_PERCENT;
    let cut = memrchr(b'\n', bytes.get(..middle)?)? + 1;
    let (first, second) = bytes.split_at_checked(cut)?;
    let part = |bytes, start: usize| Lines { bytes, offset: lines.offset + start as u64, times: None };
    Some((part(first, 0), part(second, cut)))
}

/// What was found in a part of a block, in its order.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    items: Vec<Item>,
    /// The texts of all fields, one behind the other.
    texts: Vec<u8>,
}

type Place = Option<Range<u32>>;

#[derive(Debug)]
struct Item {
    filter: usize,
    regex: usize,
    excused: bool,
    time: Option<Timestamp>,
    newest: Option<Timestamp>,
    count: u32,
    /// Where the line stands in its part.
    line: Range<usize>,
    ip4: Option<IpAddr>,
    ip6: Option<IpAddr>,
    id: Place,
    cidr: Place,
    dns: Place,
    user: Place,
    alt_user: Place,
    connection: Place,
    flags: [bool; 3],
}

impl Kept {
    /// Keeps a find of the part that begins at `offset` in the stream.
    pub(crate) fn keep(&mut self, found: &Found<'_>, offset: u64) {
        let start = usize::try_from(found.offset - offset).unwrap_or(usize::MAX);
        let fields = found.fields;
        // The text of a tuple is a name like any other.
        let tuple = fields.tuple();
        let mut text = |field: Option<&[u8]>| {
            let place = u32::try_from(self.texts.len()).ok()?;
            self.texts.extend_from_slice(field?);
            Some(place..u32::try_from(self.texts.len()).ok()?)
        };
        self.items.push(Item {
            filter: found.filter,
            regex: found.regex,
            excused: found.excused,
            time: found.time,
            newest: found.newest,
            count: found.count,
            line: start..start.saturating_add(found.line.len()),
            ip4: fields.ip4,
            ip6: fields.ip6,
            id: text(tuple.as_deref().map(str::as_bytes).or(fields.id)),
            cidr: text(fields.cidr),
            dns: text(fields.dns),
            user: text(fields.user),
            alt_user: text(fields.alt_user),
            connection: text(fields.connection),
            flags: [fields.nofail, fields.forget, fields.gained],
        });
    }

    /// Tells all of it.
    pub(crate) fn each(&self, part: &Lines<'_>, mut tell: impl FnMut(Found<'_>)) {
        for item in &self.items {
            let text = |place: &Place| {
                let place = place.as_ref()?;
                self.texts.get(place.start as usize..place.end as usize)
            };
            let [nofail, forget, gained] = item.flags;
            let fields = Captured {
                id: text(&item.id),
                ip4: item.ip4,
                ip6: item.ip6,
                cidr: text(&item.cidr),
                dns: text(&item.dns),
                user: text(&item.user),
                alt_user: text(&item.alt_user),
                connection: text(&item.connection),
                nofail,
                forget,
                gained,
                // Such a line proves nothing and is not kept.
                spoiled: false,
                ..Captured::default()
            };
            let line = part.bytes.get(item.line.clone()).unwrap_or_default();
            let offset = part.offset + item.line.start as u64;
            let &Item { filter, regex, excused, time, newest, count, .. } = item;
            let fields = &fields;
            tell(Found { filter, regex, fields, excused, time, newest, count, line, offset });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::date::Zone;
    use crate::{Filter, FilterSet, FilterSpec, Scanner, Undated};

    fn set() -> Arc<FilterSet> {
        let compiled = |spec: FilterSpec| Arc::new(Filter::compile(&spec).unwrap());
        let door = compiled(FilterSpec {
            prefregex: Some(r"^<F-MLFID> door\[\d+\]: </F-MLFID><F-CONTENT>.+</F-CONTENT>$".into()),
            failregex: vec![
                "^knock by <F-USER>\\S+</F-USER>$".into(),
                "^<F-NOFAIL>from</F-NOFAIL> <HOST>$".into(),
                "^<F-NOFAIL><F-MLFFORGET>gone</F-MLFFORGET></F-NOFAIL>".into(),
            ],
            ignoreregex: vec!["by friend".into()],
            ..FilterSpec::default()
        });
        let bell = compiled(FilterSpec {
            failregex: vec!["bell rung from <HOST>$".into()],
            ..FilterSpec::default()
        });
        Arc::new(FilterSet::new(vec![door, bell]).0)
    }

    fn all(scanner: &mut Scanner, log: &[u8]) -> Vec<String> {
        let mut hits = Vec::new();
        let mut offset = 7;
        for bytes in log.chunks(400_000) {
            scanner.scan(Lines { bytes, offset, times: None }, Timestamp::from_secs(1_795_305_600), |hit| {
                hits.push(format!("{hit:?}"));
            });
            offset += bytes.len() as u64;
        }
        hits.push(format!("{:?} {:?}", scanner.stats(), scanner.replay_from()));
        hits
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn two_cores_find_what_one_finds(
            few in prop::collection::vec((0..6_u8, 0..4_u8, 0..40_u8), 40..200), now in any::<bool>(),
        ) {
            let mut log = Vec::new();
            for n in 0..14_000_usize {
                let (what, who, connection) = few[n * 7 % few.len()];
                let second = n / 300;
                let date = if what == 5 { String::new() } else { format!("Nov 21 22:{:02}:{:02} ", second / 60, second % 60) };
                let text = match what {
                    0 => format!("{date}door[{connection}]: knock by user{who}\n"),
                    1 => format!("{date}door[{connection}]: from 192.0.2.{who}\n"),
                    2 => format!("{date}door[{connection}]: gone\n"),
                    3 => format!("{date}door[{connection}]: knock by friend\n"),
                    _ => format!("{date}x bell rung from 198.51.100.{who}\n"),
                };
                log.extend_from_slice(text.as_bytes());
            }
            let undated = if now { Undated::IsNow } else { Undated::IsAsBefore };
            let scanner = || Scanner::new(set(), &Zone::parse("UTC").unwrap(), None, undated).unwrap();
            let one = all(&mut scanner(), &log);
            prop_assert!(one.len() > 1_000);
            prop_assert_eq!(one, all(&mut scanner().on_two_cores(), &log));
        }
    }
}
