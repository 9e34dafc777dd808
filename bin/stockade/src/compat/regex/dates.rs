//! Date templates as fail2ban-regex lists them: under its names, and in its order, in which what is found often goes up.

/// The name of a template: its pattern with words for its tokens.
pub(super) fn name(pattern: &str) -> String {
    let (anchor, bare) = match pattern.strip_prefix(LINE_BEGIN) {
        Some(rest) => (LINE_BEGIN, rest),
        None => ("", pattern),
    };
    let alone = match bare.trim_start_matches('^').to_ascii_uppercase().as_str() {
        "EPOCH" => Some("Epoch"),
        "LEPOCH" => Some("LongEpoch"),
        "TAI64N" => Some("TAI64N"),
        "{NONE}" => return "^".to_owned(),
        _ => None,
    };
    if let Some(alone) = alone {
        let anchor = if bare.starts_with('^') { LINE_BEGIN } else { anchor };
        return format!("{anchor}{alone}");
    }
    // A pattern of its own anchor does not get another one.
    let anchor = if bare.starts_with('^') { "" } else { anchor };
    let bare = SEPARATORS.iter().fold(bare.to_owned(), |text, (written, shown)| text.replace(written, shown));
    format!("{anchor}{}", with_words(bare.trim_start_matches("{UNB}")))
}

const LINE_BEGIN: &str = "{^LN-BEG}";

/// A separator that is the same on both sides is written out here, and referred to there.
const SEPARATORS: [(&str, &str); 3] = [
    (r"(?:-%m-|\.%m\.|/%m/)", "(?P<_sep>[-/.])%m(?P=_sep)"),
    ("(?:-%m-|/%m/)", "(?P<_sep>[-/])%m(?P=_sep)"),
    ("(?:-%b-|/%b/)", "(?P<_sep>[-/])%b(?P=_sep)"),
];

const WORDS: [(char, &str); 20] = [
    ('a', "DAY"),
    ('A', "DAYNAME"),
    ('b', "MON"),
    ('B', "MONTH"),
    ('d', "Day"),
    ('H', "24hour"),
    ('I', "12hour"),
    ('j', "Yearday"),
    ('m', "Month"),
    ('M', "Minute"),
    ('p', "AMPM"),
    ('S', "Second"),
    ('U', "Yearweek"),
    ('w', "Weekday"),
    ('W', "Yearweek"),
    ('y', "Year2"),
    ('Y', "Year"),
    ('z', "Zone offset"),
    ('f', "Microseconds"),
    ('Z', "Zone name"),
];

fn with_words(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let (exact, token) = match after.strip_prefix("Ex") {
            Some(token) => ("Ex", token),
            None => ("", after),
        };
        let Some(c) = token.chars().next() else {
            out.push('%');
            rest = after;
            continue;
        };
        match WORDS.iter().find(|(token, _)| *token == c) {
            Some((_, word)) => out.extend([exact, word]),
            None if c == '%' && exact.is_empty() => out.push('%'),
            None => {
                out.push('%');
                out.push_str(exact);
                out.push(c);
            }
        }
        rest = token.get(c.len_utf8()..).unwrap_or_default();
    }
    out + rest
}

/// The templates in the order in which fail2ban would have them after these lines. The one that was found goes up, the further
/// the more often it was found and the nearer it stands to the beginning of the line.
#[derive(Debug)]
pub(super) struct Order {
    /// First the first to be tried.
    templates: Vec<Used>,
    /// The place of the first one that was never found.
    first_unused: usize,
    /// The place of the one that was found last.
    last: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Used {
    template: usize,
    hits: u64,
    /// How many characters stood before it, and at least 1.
    distance: f64,
    /// A default template at the beginning of a line counts for more.
    base: f64,
}

const ANCHORED: f64 = 100.0;

impl Order {
    /// All templates, none of which was found. `is_default`: they are not from a pattern that somebody wrote.
    pub(super) fn new(patterns: &[&str], is_default: bool) -> Self {
        // Of the defaults those come first that only became anchored by being tried at the beginning.
        let made = |pattern: &str| {
            let bare = pattern.strip_prefix(LINE_BEGIN);
            is_default && bare.is_some_and(|bare| bare != "%H:%M:%S" && !bare.starts_with('^'))
        };
        let used = |(template, pattern): (usize, &&str)| Used {
            template,
            hits: 0,
            distance: 1.0,
            base: if made(pattern) { ANCHORED } else { 1.0 },
        };
        Self { templates: patterns.iter().enumerate().map(used).collect(), first_unused: 0, last: None }
    }

    /// A template was found behind so many characters.
    pub(super) fn found(&mut self, template: usize, distance: usize) {
        let Some(at) = self.templates.iter().position(|used| used.template == template) else { return };
        if let Some(used) = self.templates.get_mut(at) {
            used.hits += 1;
            // Lines are at most some ten thousand bytes long.
            used.distance = f64::from(u32::try_from(distance.max(1)).unwrap_or(u32::MAX));
        }
        if self.first_unused == at {
            self.first_unused += 1;
        }
        let at = if at > 0 && Some(at) != self.last { self.moved_up(at) } else { at };
        self.last = Some(at);
    }

    /// The templates with their hits, in order.
    pub(super) fn hits(&self) -> impl Iterator<Item = (usize, u64)> {
        self.templates.iter().map(|used| (used.template, used.hits))
    }

    fn moved_up(&mut self, at: usize) -> usize {
        let Some(used) = self.templates.get(at).copied() else { return at };
        let gives_way = |to: usize| {
            self.templates.get(to).is_none_or(|other| other.hits == 0 || used.weight() > other.weight())
        };
        let mut to = if self.first_unused < at { self.first_unused } else { at / 2 };
        if !gives_way(to) {
            if to == at - 1 {
                return at;
            }
            to = at - 1;
            if !gives_way(to) {
                return at;
            }
        }
        let used = self.templates.remove(at);
        self.templates.insert(to, used);
        while self.templates.get(self.first_unused).is_some_and(|used| used.hits > 0) {
            self.first_unused += 1;
        }
        to
    }
}

impl Used {
    #[expect(clippy::cast_precision_loss, reason = "a count of lines is far below 2^52")]
    fn weight(self) -> f64 {
        self.hits as f64 * self.base / self.distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_become_words() {
        for (pattern, wanted) in [
            (
                "{^LN-BEG}(?:%a )?%b %d %k:%M:%S(?:\\.%f)?",
                "{^LN-BEG}(?:DAY )?MON Day %k:Minute:Second(?:\\.Microseconds)?",
            ),
            ("%Exy%Exm%Exd  ?%H", "ExYear2ExMonthExDay  ?24hour"),
            ("{^LN-BEG}EPOCH", "{^LN-BEG}Epoch"),
            ("^Epoch", "{^LN-BEG}Epoch"),
            ("^%Y%%", "^Year%"),
            (r"%d(?:-%m-|/%m/)%Y", "Day(?P<_sep>[-/])Month(?P=_sep)Year"),
            ("%", "%"),
        ] {
            assert_eq!(name(pattern), wanted);
        }
    }

    #[test]
    fn what_is_found_often_goes_up() {
        let mut order = Order::new(&["a", "b", "c"], false);
        let ids = |order: &Order| order.hits().map(|(id, _)| id).collect::<Vec<_>>();
        order.found(0, 0);
        order.found(2, 9);
        assert_eq!(ids(&order), [0, 2, 1]);
        order.found(0, 0);
        order.found(2, 0);
        order.found(0, 0);
        order.found(2, 0);
        assert_eq!(order.hits().collect::<Vec<_>>(), [(0, 3), (2, 3), (1, 0)]);
    }
}
