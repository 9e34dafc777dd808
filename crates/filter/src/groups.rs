//! What the groups of one regex mean together: some stand in for others, some are parts of one value.
//!
//! A group called `alt_NAME` or `alt_NAME_7` counts where the group `NAME` has no value. Groups called `tuple_NAME` and
//! `tuple_NAME_7` make the value of `NAME` a tuple: what the group `NAME` has, then theirs, in the order of the names.
//! Both are fail2ban's; of tuples only the one of an id is made here, as nothing else decides anything.

use std::fmt::Write;

use crate::fields::Field;

/// How many parts an id may have beside its own group.
pub(crate) const MAX_ID_PARTS: usize = 4;

/// The meaning of named groups, in the order in which they are to be taken in. `None` if an id has too many parts.
pub(crate) fn meanings(names: &[(usize, String)]) -> Option<Vec<(usize, Field)>> {
    let mut sorted: Vec<(usize, &str)> =
        names.iter().map(|(number, name)| (*number, name.as_str())).collect();
    // An alternate is taken in after what it stands in for; the first of several counts.
    let complex = |name: &&str| name.starts_with("alt_") || name.starts_with("tuple_");
    sorted.sort_by_key(|(_, name)| Some(*name).filter(complex));
    let of = sorted.iter().filter(|(_, name)| is_part_of_id(name)).count();
    let mut parts = 0..;
    let field = |(number, name): (usize, &str)| {
        let field = match name.strip_prefix("alt_").map(base) {
            _ if is_part_of_id(name) => Field::IdPart { part: parts.next().unwrap_or(of), of },
            Some(base) if !base.starts_with("user") => Field::Alternate(Box::new(Field::named(base))),
            _ => Field::named(name),
        };
        (number, field)
    };
    (of <= MAX_ID_PARTS).then(|| sorted.into_iter().map(field).collect())
}

fn is_part_of_id(name: &str) -> bool {
    name.strip_prefix("tuple_").is_some_and(|rest| base(rest) == "fid")
}

/// The group that `alt_…` or `tuple_…` is about: the name without a number behind it.
fn base(name: &str) -> &str {
    let plain = match name.rsplit_once('_') {
        Some((plain, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => plain,
        _ => name,
    };
    match plain {
        "id" => "fid",
        "port" => "fport",
        other => other,
    }
}

/// A tuple as Python prints it, which is how fail2ban names such an id: `('a', "it's", None)`.
pub(crate) fn tuple_text<'t>(parts: impl Iterator<Item = Option<&'t [u8]>>) -> String {
    let texts: Vec<String> = parts.map(|part| part.map_or_else(|| "None".to_owned(), quoted)).collect();
    format!("({})", texts.join(", "))
}

fn quoted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        let code = u32::from(c);
        _ = match c {
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            c if c == quote => write!(out, "\\{c}"),
            ' ' => write!(out, " "),
            c if (c.is_control() || c.is_whitespace()) && code < 0x100 => write!(out, "\\x{code:02x}"),
            c if c.is_control() || c.is_whitespace() => write!(out, "\\u{code:04x}"),
            c => write!(out, "{c}"),
        };
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::fields::Captured;
    use crate::regex::{Budget, FieldRegex};
    use crate::spec::UseDns;

    fn captured(regex: &str, text: &str, see: impl FnOnce(&Captured<'_>)) {
        let regex = FieldRegex::new(regex, UseDns::No, false).unwrap_or_else(|p| panic!("{regex}: {p}"));
        let mut captured = Captured::default();
        let mut scratch = regex.scratch();
        let groups = regex.search(&mut scratch, &mut Budget::of_line(text.len()), text.as_bytes()).unwrap();
        groups.for_each(|(field, at)| captured.take(field, text.as_bytes(), at));
        see(&captured);
    }

    fn key(regex: &str, text: &str) -> String {
        let mut key = String::new();
        captured(regex, text, |captured| key = captured.key().unwrap().to_string());
        key
    }

    #[test]
    fn an_id_of_parts_is_named_as_fail2ban_names_it() {
        // The right column is what `fail2ban-regex -o id` of version 1.0.2 prints.
        for (regex, text, wanted) in [
            (r"^<HOST> <F-TUPLE_ID>\S+</F-TUPLE_ID>", "192.0.2.1 bob", "(None, 'bob')"),
            (
                r"^<HOST> <F-ID>\S+</F-ID> <F-TUPLE_ID>\S+</F-TUPLE_ID> <F-TUPLE_ID_1>\S+</F-TUPLE_ID_1>",
                "192.0.2.1 bob al'ice carol",
                r#"('bob', "al'ice", 'carol')"#,
            ),
            (
                r"^<F-ID>\S+</F-ID> <F-TUPLE_ID_2>\S+</F-TUPLE_ID_2> <F-TUPLE_ID_1>\S+</F-TUPLE_ID_1>",
                "192.0.2.1 bob al'ice",
                r#"('192.0.2.1', "al'ice", 'bob')"#,
            ),
            (
                r"^<F-ID>\S+</F-ID> <F-TUPLE_ID_2>\S+</F-TUPLE_ID_2>(?: z<F-TUPLE_ID_1>\S+</F-TUPLE_ID_1>)?",
                "192.0.2.1 bob al'ice",
                "('192.0.2.1', None, 'bob')",
            ),
            (r"^<F-ID>\S+</F-ID> <F-TUPLE_ID1>\S+</F-TUPLE_ID1>", "192.0.2.1 bob", "192.0.2.1"),
            (
                r"^<F-ID>\S+</F-ID> <F-TUPLE_ID_2>\S+</F-TUPLE_ID_2>",
                "a\\b é€\x01\"'z",
                r#"('a\\b', 'é€\x01"\'z')"#,
            ),
        ] {
            assert_eq!(key(regex, text), wanted, "{regex}");
        }
    }

    #[test]
    fn the_first_alternate_by_name_counts_where_there_is_no_value() {
        let regex =
            r"^<F-ALT_USER_2>\w*</F-ALT_USER_2> <F-ALT_USER_1>\w*</F-ALT_USER_1> <F-USER>\w*</F-USER>";
        for (text, wanted) in [("b a user", "user"), ("b a ", "a"), ("b  ", "b")] {
            captured(regex, text, |captured| assert_eq!(captured.user(), Some(wanted.as_bytes())));
        }
        let regex = r"^<F-ALT_ID>\w*</F-ALT_ID> <F-ID>\w*</F-ID> <HOST>";
        assert_eq!(key(regex, "other own 192.0.2.1"), "own");
        assert_eq!(key(regex, "other  192.0.2.1"), "other");
    }

    #[test]
    fn an_id_of_too_many_parts_is_refused() {
        let parts: String =
            (0..=MAX_ID_PARTS).map(|n| format!("<F-TUPLE_ID_{n}>x</F-TUPLE_ID_{n}>")).collect();
        assert!(FieldRegex::new(&parts, UseDns::No, false).is_err());
    }

    #[test]
    fn text_is_quoted_as_python_quotes_it() {
        let texts =
            ["", "'", "\"", "'\"", "a\\b\t\r\n", "\u{0}\u{7f}\u{85}\u{a0}\u{2028}\u{3000}", "é€\u{1f600}"];
        let script = "import sys; sys.stdout.write(repr(sys.stdin.buffer.read().decode()))";
        for text in texts {
            let python = Command::new("python3")
                .args(["-X", "utf8", "-c", script])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn();
            let Ok(mut python) = python else {
                eprintln!("skipped: no python3 to compare with");
                return;
            };
            std::io::Write::write_all(&mut python.stdin.take().unwrap(), text.as_bytes()).unwrap();
            let theirs = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
            assert_eq!(quoted(text.as_bytes()), theirs, "{text:?}");
        }
    }
}
