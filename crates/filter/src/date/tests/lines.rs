//! Lines with dates in every shape, right and slightly wrong.

/// A small generator (splitmix64): the same seed gives the same lines everywhere.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub(super) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// The shapes of the default templates. Letters stand for parts of a date, see [`part`]; everything else for itself.
pub(super) const SHAPES: &[&str] = &[
    "YsmsdtH:M:SFz",
    "b d H:M:S",
    "b d H:M:SF",
    "a b d H:M:SF Y",
    "a b d Y H:M:SF",
    "dsmsY H:M:S",
    "dsmsy H:M:S",
    "dsbsY:H:M:S z",
    "dsbsY H:M:SFz",
    "m/d/Y:H:M:S",
    "m-d-Y H:M:SF",
    "E",
    "[E]",
    "type=AVC msg=audit(E:42): avc",
    "H:M:S",
    "<m/d/y@H:M:S>",
    "ymd H:M:S",
    "b d, Y H:M:S p",
    "b-d-y H:M:S",
    "YmdtHMSFz",
    "YmdtH:M:SFz",
    "N a b d H:M:S",
    "z b d H:M:SF",
    "T",
    "L",
];

const BEFORE: &[&str] = &[
    "",
    "",
    "",
    "",
    "",
    "",
    "[",
    "<",
    "- ",
    " ",
    "\t",
    "((",
    "[[[",
    "x",
    "host ",
    "host [",
    "12",
    "_",
    ":",
    "\u{feff}",
    "é",
    "WARNING: ",
    "192.0.2.7 - - [",
    "2005-06-01 10:11:12 ",
    "<34>1 ",
    "I(",
    "0",
];
const AFTER: &[&str] = &[
    "",
    "",
    " host sshd[42]: x",
    " host sshd[42]: x",
    "]",
    "] \"GET /\" 200",
    " ",
    "x",
    "5",
    "_",
    ".",
    ",",
    ", x",
    ".5",
    ":",
    "-",
    "+0200",
    " +0200",
    " -0730 x",
    " Z",
    "Z",
    "Zx",
    " UTC x",
    " UTCx",
    " 2005",
    " 2005 x",
    " 2005x",
    " 2006-01-01 00:00:00",
    " 12:13:14",
    ".123456789Z",
    " 25",
    "\r",
    "\"\\s",
    "é",
    "\u{2028}x",
    "  +01:00",
    "+01:0",
    " +1",
    " gmt",
];

/// A line with a date, in most cases a right one.
pub(super) fn line(random: &mut Random) -> Vec<u8> {
    let shape = random.pick(SHAPES);
    line_of(shape, random)
}

/// A line with a date of the given shape.
pub(super) fn line_of(shape: &str, random: &mut Random) -> Vec<u8> {
    let mut text = random.pick(BEFORE).to_owned();
    let separator = random.pick(&["-", "/", "."]);
    for letter in shape.chars() {
        text.push_str(&part(letter, separator, random));
    }
    text.push_str(random.pick(AFTER));
    let mut bytes = text.into_bytes();
    for _ in 0..random.below(2).saturating_mul(random.below(3)) {
        mutate(&mut bytes, random);
    }
    bytes
}

fn part(letter: char, separator: &str, random: &mut Random) -> String {
    match letter {
        'Y' => number(if random.chance(95) { 2000..2030 } else { 0..10_000 }, 4, random),
        'y' => number(0..100, 2, random),
        'm' => number(1..13, 2, random),
        'd' => number(1..32, 2, random),
        'H' => number(0..24, 2, random),
        'M' | 'S' => number(0..60, 2, random),
        'b' => cased(
            random
                .pick(&["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]),
            random,
        ),
        'a' => cased(random.pick(&["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]), random),
        'p' => cased(random.pick(&["AM", "PM"]), random),
        's' if random.chance(97) => separator.to_owned(),
        's' => random.pick(&["-", "/", ".", ":", ""]).to_owned(),
        't' => random.pick(&["T", " ", " ", "  ", "-", "t", ""]).to_owned(),
        'F' => random.pick(&["", "", ".5", ",123", ".123456", ".1234567", "."]).to_owned(),
        'z' => random
            .pick(&["", "Z", "+0200", "-07:30", " +01", " UTC", " GMT", "  Z", "+1", "-2000", "z"])
            .to_owned(),
        'N' => random.pick(&["PDT", "CEST", "UTC", "Z", "ERROR", "x", "NST"]).to_owned(),
        'E' => random
            .pick(&[
                "1124013600",
                "1124013600.123",
                "11240136001",
                "112401360",
                "1124013600.12",
                "1124013600.1234567",
            ])
            .to_owned(),
        'L' => random
            .pick(&["1124013600123", "1124013600123456", "1124013600123.45", "11240136001234"])
            .to_owned(),
        'T' => random
            .pick(&["@4000000050d506482dbdf024", "@4000000050d506482dbdf02", "@4000000050D506482dbdf024"])
            .to_owned(),
        other => other.to_string(),
    }
}

fn number(range: std::ops::Range<u64>, width: usize, random: &mut Random) -> String {
    let value = if random.chance(97) {
        range.start + random.below(range.end - range.start)
    } else {
        random.below(110)
    };
    match random.below(20) {
        0 => value.to_string(),
        1 => format!("{value:width$}"),
        _ => format!("{value:0width$}"),
    }
}

fn cased(name: &str, random: &mut Random) -> String {
    match random.below(12) {
        0 => name.to_lowercase(),
        1 => name.to_uppercase(),
        _ => name.to_owned(),
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = usize::try_from(random.below(bytes.len() as u64 + 1)).unwrap();
    let byte = random
        .pick(&[" ", ":", "-", "/", "[", "]", "0", "2", "9", "J", "x", "Z", ".", ",", "T", "\t", "+"])
        .as_bytes()[0];
    match random.below(4) {
        0 if at < bytes.len() => drop(bytes.remove(at)),
        1 if at < bytes.len() => bytes[at] = byte,
        2 => bytes.truncate(at),
        _ => bytes.insert(at, byte),
    }
}
