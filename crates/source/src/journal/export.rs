//! The journal export format, read as it comes.
//!
//! An entry is lines `FIELD=value`, or `FIELD`, eight bytes of length (little-endian), the value and a line end where
//! the value may hold line ends; an empty line ends the entry.
//! (<https://systemd.io/JOURNAL_EXPORT_FORMATS/>)

use memchr::memchr;

use crate::limits::{MAX_JOURNAL_ENTRY_BYTES, MAX_JOURNAL_FIELDS};

/// One entry: the fields that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// The values, one behind the other.
    bytes: Vec<u8>,
    /// Which field, and where its value ends; it starts where the one before ends.
    fields: Vec<(usize, usize)>,
    /// How many bytes of values did not fit.
    pub(crate) dropped: u64,
}

impl Entry {
    /// All values of the field with this number.
    pub(crate) fn values(&self, field: usize) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.fields.iter().map(|(_, end)| *end));
        let all = self.fields.iter().zip(starts);
        all.filter(move |((number, _), _)| *number == field)
            .filter_map(|((_, end), start)| self.bytes.get(start..*end))
    }

    /// The first value of a field, if it is there and not empty.
    pub(crate) fn value(&self, field: usize) -> Option<&[u8]> {
        self.values(field).next().filter(|value| !value.is_empty())
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = MAX_JOURNAL_ENTRY_BYTES.saturating_sub(self.bytes.len());
        let (kept, dropped) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.bytes.extend_from_slice(kept);
        self.dropped += dropped.len() as u64;
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
        self.dropped = 0;
    }
}

/// Takes the export format in pieces of any size. Memory is bounded by [`MAX_JOURNAL_ENTRY_BYTES`] whatever comes.
#[derive(Debug)]
pub(crate) struct Parser {
    /// The fields to keep; others are passed over.
    wanted: Vec<String>,
    entry: Entry,
    any: bool,
    state: State,
    /// The field's name as far as it has come.
    name: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Name,
    /// A value up to the line end, of the field with this number if it is wanted.
    Text(Option<usize>),
    /// The length of a value: so many of its bytes have come.
    Length(Option<usize>, u32, u64),
    /// So many bytes of a value are to come.
    Binary(Option<usize>, u64),
    /// The line end behind a value.
    End,
}

/// Field names are at most 64 bytes; anything longer is none that is wanted.
const MAX_NAME_BYTES: usize = 128;

impl Parser {
    /// A parser that keeps these fields; their places are their numbers.
    pub(crate) fn new(wanted: Vec<String>) -> Self {
        Self { wanted, entry: Entry::default(), any: false, state: State::Name, name: Vec::new() }
    }

    /// The number of a field.
    pub(crate) fn number(&self, field: &str) -> Option<usize> {
        self.wanted.iter().position(|wanted| wanted == field)
    }

    /// Takes what comes next, and hands on each entry that is complete.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&Self, &Entry)) {
        while let Some((first, after)) = bytes.split_first() {
            match self.state {
                State::Name => bytes = self.take_name(bytes, &mut each),
                State::Text(field) => {
                    let end = memchr(b'\n', bytes);
                    let (value, rest) =
                        bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or((bytes, &[]));
                    self.keep(field, value);
                    bytes = rest;
                    if end.is_some() {
                        self.finish(field);
                        bytes = rest.get(1..).unwrap_or_default();
                    }
                }
                State::Length(field, shift, length) => {
                    let length = length | u64::from(*first) << shift;
                    self.state = if shift == 56 {
                        State::Binary(field, length)
                    } else {
                        State::Length(field, shift + 8, length)
                    };
                    bytes = after;
                    if let State::Binary(field, 0) = self.state {
                        self.finish(field);
                        self.state = State::End;
                    }
                }
                State::Binary(field, left) => {
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let (value, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
                    self.keep(field, value);
                    self.state = State::Binary(field, left - take as u64);
                    bytes = rest;
                    if left == take as u64 {
                        self.finish(field);
                        self.state = State::End;
                    }
                }
                State::End => {
                    self.state = State::Name;
                    bytes = after;
                }
            }
        }
    }

    fn take_name<'a>(&mut self, bytes: &'a [u8], each: &mut impl FnMut(&Self, &Entry)) -> &'a [u8] {
        let Some(end) = memchr::memchr2(b'=', b'\n', bytes) else {
            self.extend_name(bytes);
            return &[];
        };
        let (part, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        self.extend_name(part);
        let is_line_end = rest.first() == Some(&b'\n');
        let field = self.wanted.iter().position(|wanted| wanted.as_bytes() == self.name);
        let empty = self.name.is_empty();
        self.name.clear();
        if !is_line_end {
            self.any = true;
            self.state = State::Text(field);
        } else if !empty {
            self.any = true;
            self.state = State::Length(field, 0, 0);
        } else if self.any {
            self.any = false;
            each(self, &self.entry);
            self.entry.clear();
        }
        rest.get(1..).unwrap_or_default()
    }

    fn extend_name(&mut self, part: &[u8]) {
        let room = MAX_NAME_BYTES.saturating_sub(self.name.len());
        self.name.extend_from_slice(part.get(..room).unwrap_or(part));
    }

    fn keep(&mut self, field: Option<usize>, value: &[u8]) {
        if field.is_some() {
            self.entry.push(value);
        }
    }

    fn finish(&mut self, field: Option<usize>) {
        self.state = State::Name;
        if let Some(field) = field {
            let end = self.entry.bytes.len();
            if self.entry.fields.len() < MAX_JOURNAL_FIELDS {
                self.entry.fields.push((field, end));
            } else if let Some((_, last)) = self.entry.fields.last() {
                self.entry.bytes.truncate(*last);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn binary(name: &str, value: &[u8]) -> Vec<u8> {
        [name.as_bytes(), b"\n", &(value.len() as u64).to_le_bytes(), value, b"\n"].concat()
    }

    /// All entries as lists of (field, value).
    fn parse(bytes: &[u8], piece: usize) -> Vec<Vec<(usize, Vec<u8>)>> {
        let mut parser = Parser::new(vec!["A".into(), "B".into()]);
        let mut entries = Vec::new();
        for piece in bytes.chunks(piece) {
            parser.feed(piece, |_, entry| {
                let both = (0..2).flat_map(|n| entry.values(n).map(move |v| (n, v.to_vec())));
                entries.push(both.collect());
            });
        }
        entries
    }

    #[test]
    fn text_and_binary_fields_come_whole_in_pieces_of_any_size() {
        let mut bytes = b"A=one = two\nX=skipped\n".to_vec();
        bytes.extend(binary("B", b"line 1\nline 2\n\n\0A=not a field"));
        bytes.extend(binary("X", b"\n\nskipped"));
        bytes.extend(binary("B", b""));
        bytes.extend(b"A=\n\n\nA=second\n\nA=not complete");
        let expected = vec![
            vec![
                (0, b"one = two".to_vec()),
                (0, vec![]),
                (1, b"line 1\nline 2\n\n\0A=not a field".to_vec()),
                (1, vec![]),
            ],
            vec![(0, b"second".to_vec())],
        ];
        for piece in 1..bytes.len() {
            assert_eq!(parse(&bytes, piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn what_is_too_large_is_dropped_and_counted_and_the_next_entry_is_whole() {
        let mut parser = Parser::new(vec!["A".into(), "B".into()]);
        let mut seen = Vec::new();
        let huge = vec![b'x'; MAX_JOURNAL_ENTRY_BYTES + 1000];
        let mut bytes = binary("A", &huge);
        bytes.extend(b"B=lost\n\nA=fine\n\n");
        for _ in 0..MAX_JOURNAL_FIELDS + 50 {
            bytes.extend(b"A=many\n");
        }
        bytes.extend(b"\n");
        parser.feed(&bytes, |_, entry| seen.push((entry.values(0).count(), entry.dropped)));
        assert_eq!(seen, [(1, 1004), (1, 0), (MAX_JOURNAL_FIELDS, 0)]);
    }

    #[test]
    fn a_hostile_length_costs_no_memory() {
        let mut parser = Parser::new(vec!["A".into()]);
        parser.feed(b"A\n\xff\xff\xff\xff\xff\xff\xff\xff", |_, _| panic!("no entry"));
        for _ in 0..100 {
            parser.feed(&[b'x'; 65536], |_, _| panic!("no entry"));
        }
        assert!(parser.entry.bytes.len() <= MAX_JOURNAL_ENTRY_BYTES);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_entries(bytes in prop::collection::vec(prop_oneof![Just(b'A'), Just(b'='), Just(b'\n'), Just(0u8), any::<u8>()], 0..200), piece in 1usize..20) {
            prop_assert_eq!(parse(&bytes, piece), parse(&bytes, 1000));
        }
    }
}
