//! Where the readers of [`fast`](super::fast) may stand in for the templates.
//!
//! A reader stands in for one template of the list, and only if no template before that one can match any line the
//! reader reads. Whether that is so is found out when the datepattern is compiled, by running the automaton of those
//! templates over everything that such a line may begin with.

use std::sync::LazyLock;

use super::anchored::AnchoredSet;
use super::defaults::{self, APACHE, ISO, SYSLOG};
use super::list::Entry;
use super::marks::LINE_BEGIN;
use super::template::{Template, is_word};

/// Which reader stands in for which template.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) iso: Option<AtStart>,
    pub(super) syslog: Option<AtStart>,
    pub(super) apache: Option<InBrackets>,
}

/// A template at the start of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AtStart {
    pub(super) template: usize,
    /// Up to two characters that belong to no word may stand before.
    pub(super) prefixed: bool,
}

/// A template behind the first opening bracket: `^[^[]*\[({DATE})`.
#[derive(Debug)]
pub(super) struct InBrackets {
    pub(super) template: usize,
    /// Earlier templates of another line of the datepattern: one of them may match.
    pub(super) guard: Option<AnchoredSet>,
}

impl Plan {
    pub(super) fn new(templates: &[Template]) -> Self {
        Self {
            iso: at_start(templates, &SHAPES.iso, &[ISO_SKELETON]),
            syslog: at_start(templates, &SHAPES.syslog, &[SYSLOG_SKELETON, ASCTIME_SKELETON]),
            apache: in_brackets(templates),
        }
    }
}

/// The templates that a reader can stand in for, in the forms in which datepatterns have them.
struct Shapes {
    iso: Vec<Template>,
    syslog: Vec<Template>,
    apache: Vec<Template>,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let patterns = defaults::patterns();
    let pattern = |place: usize| patterns.get(place).cloned().unwrap_or_default();
    let (iso, syslog, apache) = (pattern(ISO), pattern(SYSLOG), pattern(APACHE));
    let one_blank = iso.replace(defaults::DATE_TIME, "[T ]");
    let hour_without_blank = syslog.replace("%k", "%H");
    let compile =
        |text: String| Template::compile(&Entry { name: text.clone(), text, cut_whole: false, line: 0 }).ok();
    let at_start = |pattern: &String| [format!("{LINE_BEGIN}{pattern}"), format!("^(?:{pattern})")];
    Shapes {
        iso: [iso, one_blank].iter().flat_map(at_start).filter_map(compile).collect(),
        syslog: [syslog, hour_without_blank].iter().flat_map(at_start).filter_map(compile).collect(),
        apache: compile(format!(r"^[^\[]*\[((?:{apache}))")).into_iter().collect(),
    }
});

/// The first template that means the same as one of `shapes`.
fn position(templates: &[Template], shapes: &[Template]) -> Option<usize> {
    templates.iter().position(|template| shapes.iter().any(|shape| shape.means_the_same(template)))
}

fn at_start(templates: &[Template], shapes: &[Template], skeletons: &[Skeleton]) -> Option<AtStart> {
    let template = position(templates, shapes)?;
    let prefixed = templates.get(template)?.prefixed;
    let earlier = Earlier::new(templates.get(..template)?)?;
    let margin = if prefixed { 2 } else { 0 };
    let settled = skeletons.iter().all(|skeleton| earlier.never_match(&no_word(), Some(margin), skeleton));
    settled.then_some(AtStart { template, prefixed })
}

fn in_brackets(templates: &[Template]) -> Option<InBrackets> {
    let template = position(templates, &SHAPES.apache)?;
    let earlier = templates.get(..template)?;
    let line = templates.get(template)?.line;
    let others = earlier.iter().position(|template| template.line == line).unwrap_or(template);
    let (others, siblings) = earlier.split_at_checked(others)?;
    // The siblings, too, look behind the first bracket, whatever stands before it.
    let siblings = Earlier::new(siblings)?;
    let skeleton: Vec<&[u8]> = std::iter::once(&b"["[..]).chain(APACHE_SKELETON.iter().copied()).collect();
    let settled = siblings.never_match(&no_bracket(), None, &skeleton);
    settled.then_some(InBrackets { template, guard: Earlier::new(others)?.0 })
}

/// The templates before one, if all of them look at the start of the line only.
struct Earlier(Option<AnchoredSet>);

impl Earlier {
    fn new(templates: &[Template]) -> Option<Self> {
        if templates.is_empty() {
            return Some(Self(None));
        }
        let regexes: Vec<_> = templates.iter().map(|template| &template.search).enumerate().collect();
        let all_anchored = templates.iter().all(|template| template.anchored);
        if all_anchored { AnchoredSet::new(&regexes).ok().map(|set| Self(Some(set))) } else { None }
    }

    fn never_match(&self, before: &[u8], margin: Option<usize>, skeleton: &[&[u8]]) -> bool {
        self.0.as_ref().is_none_or(|set| set.never_matches(before, margin, skeleton))
    }
}

/// For each position the bytes a reader accepts there, or more.
type Skeleton = &'static [&'static [u8]];

const DIGIT: &[u8] = b"0123456789";
const LETTER: &[u8] = b"ADFJMNOSTWabcdeghilnoprtuvy";

const ISO_SKELETON: Skeleton = &[
    b"2", b"0", DIGIT, DIGIT, b"-/.", b"01", DIGIT, b"-/.", b"0123", DIGIT, b"T ", b"012", DIGIT, b":",
    DIGIT, DIGIT, b":", DIGIT, DIGIT,
];
const SYSLOG_SKELETON: Skeleton = &[
    LETTER, LETTER, LETTER, b" ", b" 0123", DIGIT, b" ", b"012", DIGIT, b":", DIGIT, DIGIT, b":", DIGIT,
    DIGIT,
];
const ASCTIME_SKELETON: Skeleton = &[
    LETTER, LETTER, LETTER, b" ", LETTER, LETTER, LETTER, b" ", b" 0123", DIGIT, b" ", b"012", DIGIT, b":",
    DIGIT, DIGIT, b":", DIGIT, DIGIT,
];
const APACHE_SKELETON: Skeleton = &[
    b" 0123", DIGIT, b"-/", LETTER, LETTER, LETTER, b"-/", b"2", b"0", DIGIT, DIGIT, b": ", b"012", DIGIT,
    b":", DIGIT, DIGIT, b":", DIGIT, DIGIT,
];

/// The ASCII that belongs to no word.
fn no_word() -> Vec<u8> {
    (0..128).filter(|byte| !is_word(*byte)).collect()
}

fn no_bracket() -> Vec<u8> {
    (0..=255).filter(|byte| *byte != b'[').collect()
}

#[cfg(test)]
mod tests {
    use super::super::set::TemplateSet;
    use super::*;

    /// The places of the templates that the readers for ISO, syslog and Apache stand in for.
    fn plan(datepattern: &str) -> (Option<usize>, Option<usize>, Option<usize>) {
        let Plan { iso, syslog, apache } = TemplateSet::compile(Some(datepattern)).unwrap().plan;
        (iso.map(|at| at.template), syslog.map(|at| at.template), apache.map(|at| at.template))
    }

    #[test]
    fn the_readers_stand_in_where_nothing_can_come_before() {
        for (datepattern, expected) in [
            ("", (Some(0), Some(1), None)),
            ("{^LN-BEG}", (Some(0), Some(1), None)),
            ("{^LN-BEG}TAI64N\n{^LN-BEG}", (Some(1), Some(2), None)),
            ("{^LN-BEG}Epoch\n{^LN-BEG}", (Some(1), Some(2), None)),
            ("^{DATE}", (Some(0), Some(1), None)),
            ("^[^[]*\\[({DATE})\n{^LN-BEG}", (None, None, Some(4))),
            (
                "{^LN-BEG}%ExY(?P<x>[-/.])%m(?P=x)%d[T ]%H:%M:%S(?:[.,]%f)?(?:\\s*%z)?\n^[^\\[]*\\[({DATE})",
                (Some(0), None, Some(5)),
            ),
            ("{^LN-BEG}%b-%d-%Exy %H:%M:%S\n{^LN-BEG}", (Some(1), Some(2), None)),
            ("^(?:%Y-)?%m-%d[ T]%H:%M:%S(?:\\.%f)?\n{^LN-BEG}", (None, Some(2), None)),
        ] {
            assert_eq!(plan(datepattern), expected, "{datepattern}");
        }
    }

    #[test]
    fn they_do_not_where_something_else_is_meant() {
        for datepattern in [
            "%b %d %H:%M:%S",
            "{^LN-BEG}(%b) %d %H:%M:%S",
            "^[^[]*(\\[{DATE})",
            "^[^[]*\\[{DATE}",
            "^.*\n{^LN-BEG}",
            "%Y\n{^LN-BEG}",
            "{^LN-BEG}%b\n{^LN-BEG}%ExY\n{DEFAULT}",
            "{NONE}",
        ] {
            assert_eq!(plan(datepattern), (None, None, None), "{datepattern}");
        }
    }

    #[test]
    fn templates_of_other_lines_guard_the_one_in_brackets() {
        let guarded = |datepattern| {
            TemplateSet::compile(Some(datepattern)).unwrap().plan.apache.unwrap().guard.is_some()
        };
        assert!(guarded("^x%Y\n^[^[]*\\[({DATE})"));
        assert!(!guarded("^[^[]*\\[({DATE})\n^x%Y"));
    }
}
