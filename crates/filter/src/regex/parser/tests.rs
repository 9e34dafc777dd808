use regex_syntax::hir::Hir;

use super::*;
use crate::regex::mark::approximate;

fn linear(python: &str) -> Hir {
    let parsed = parse(python, false).unwrap_or_else(|problem| panic!("{python}: {problem}"));
    assert!(parsed.linear, "{python}");
    parsed.hir
}

fn theirs(rust: &str) -> Hir {
    regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(rust).unwrap()
}

fn problem(python: &str) -> String {
    match parse(python, false) {
        Ok(parsed) => panic!("{python} is {:?}", parsed.hir),
        Err(problem) => problem.to_string(),
    }
}

#[test]
fn what_both_dialects_have_is_read_alike() {
    for both in [
        r"^Failed \S+ for (?:invalid user )?(?P<user>.*) from (?P<ip4>[0-9.]+)(?: port \d+)*?$",
        r"a|b|cd|ce",
        r"(a)(?P<x>b(c))|",
        r"[\w\-.^_]*\w+?x{2}y{2,}z{2,5}?",
        r"(?i)Kes9(?-i:x)[a-f](?s:.).(?m:^a$)",
        r"[^\s\d][^]a]\bx\B\A",
        "",
        "()",
    ] {
        assert_eq!(linear(both), theirs(both), "{both}");
    }
}

#[test]
fn the_differences_are_read_as_in_python() {
    for (python, rust) in [
        (r"a\Z", r"a\z"),
        (r"\<a\>\/\'\%\ ", "<a>/'% "),
        (r"a{2,}b{,3}c{x}d{}e{,}", r"a{2,}b{0,3}c\{x\}d\{\}e{0,}"),
        (r"[][\]&&a-]", r"[\]\[\]\&\&a\-]"),
        (r"[]-a-]", r"[\]-a\-]"),
        (r"[[:alpha:]]", r"[\[:alph]\]"),
        (r"\0\012\101\x41\u0041\U00000041\a\f\v[\b\7]", r"\x00\nAAAA\x07\x0c\x0b[\x08\x07]"),
        (r"(?iu)x(?:y)(?#note)*(?i:z)", r"(?i)x(?:y)*(?i:z)"),
        (
            r"(?x) a b [ #] \  # (note
            + c",
            r"ab[ \#] +c",
        ),
        (r"x((?i)a)(?:(?i)b)c", r"x(?i:a)(?i:b)c"),
        (r"a(?i)b", r"(?i)ab"),
        (r"(?:^)*(?:a*)*?", r"(?:^)?(?:a*)*?"),
    ] {
        assert_eq!(linear(python), theirs(rust), "{python}");
    }
}

#[test]
fn characters_beyond_ascii_are_their_bytes() {
    assert_eq!(linear("é+\u{20ac}"), theirs(r"(?:\xc3\xa9)+\xe2\x82\xac"));
    assert_eq!(linear(r"\xe9\u20ac"), theirs(r"\xc3\xa9\xe2\x82\xac"));
    assert_eq!(linear("[«\"a-z]"), theirs(r"[\x22a-z]|\xc2\xab"));
    assert_eq!(linear(r"[«\W]"), theirs(r"\W"), "all bytes of it are in there anyway");
    let negated = parse("[^«\"]", false).unwrap();
    assert!(!negated.linear);
    assert_eq!(approximate(&negated.hir), theirs("[^\"]"));
}

#[test]
fn what_a_finite_automaton_cannot_do_is_replaced_by_more_than_it_matches() {
    for (python, rust) in [
        (r"a(?!b)(?=c)(?<=a)(?<!b)d", "ad"),
        (r"(?P<q>['\x22])x(?P=q)y\1", r"(?P<q>['\x22])x(?s:.*)y(?s:.*)"),
        (r"(a)?(?(1)b|cd)(?(1)x)", r"(a)?(?:b|cd)(?:x|)"),
        (r"(?P<n>a)?(?(n)b|cd)", r"(?P<n>a)?(?:b|cd)"),
        (r"(?(1)b|cd)(a)?", r"(?:b|cd)(a)?"),
        (r"(?>a|ab)x*+y++z{2}+", r"(?:a|ab)x*y+z{2}"),
    ] {
        let parsed = parse(python, false).unwrap_or_else(|problem| panic!("{python}: {problem}"));
        assert!(!parsed.linear, "{python}");
        assert_eq!(approximate(&parsed.hir), theirs(rust), "{python}");
    }
}

#[test]
fn an_error_names_the_place_and_what_was_expected() {
    for (python, wanted) in [
        ("ab\\", "at character 3, expected a character behind the backslash"),
        ("x[abc", "at character 2, expected a `]` that closes this `[`"),
        ("a(b", "at character 2, expected a `)` that closes this group"),
        ("ab)", "at character 3, expected a `(` before this `)`"),
        ("(?Qx)", "at character 1, expected flags, which are of the letters a, i, L, m, s, u, x"),
        ("(?<n>x)", "at character 1, expected one of `(?:`"),
        (r"a\y", r"at character 2, expected an escape that Python knows, not `\y`"),
        ("*a", "at character 1, expected something to repeat"),
        ("^*", "at character 2, expected something to repeat"),
        ("a**", "at character 3, expected no second repetition"),
        ("a{3,2}", "at character 2, expected a largest number of times"),
        ("[b-a]", "at character 2, expected a range that does not end before it begins"),
        (r"[\w-.]", "at character 2, expected a range between two characters"),
        (r"(a)\2", "at character 4, expected the number of a group that stands before: there is no 2"),
        (r"(a\1)", "at character 3, expected a group that is closed"),
        ("(?P=x)", "at character 5, expected the name of a group that stands before: there is no `x`"),
        ("(?(2)a|b)(c)", "at character 4, expected the number of a group: there is no group 2"),
        ("(a)(?(1)b|c|d)", "at character 4, expected a `)` that closes this conditional"),
        ("(?P<a>x)(?P<a>y)", "at character 9, expected a name of its own: group 1 is called `a` too"),
        ("(?P<1a>x)", "at character 5, expected a name of letters"),
        ("(?<=a+)b", "at character 1, expected a lookbehind whose alternatives all have one length"),
        (r"(?<=(a)\1)b", "at character 8, expected a group that does not stand in the same lookbehind"),
        (r"\xf", "at character 1, expected 2 hexadecimal digits"),
        (r"\400", "at character 1, expected an octal number up to 377"),
    ] {
        let problem = problem(python);
        assert!(problem.contains(wanted), "{python}: {problem}");
    }
    assert_eq!(problem(r"\N{DOT}"), r"at character 1, a character by its name, `\N{…}`, is not supported");
    let deep = format!("{}a{}", "(".repeat(101), ")".repeat(101));
    assert_eq!(problem(&deep), "the regex is too large: the number of groups within each other exceeds 100");
}
