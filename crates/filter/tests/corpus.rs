//! Every case of `corpus/` against the shipped filter it belongs to.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::collections::BTreeMap;

use serde::Deserialize;
use stockade_core::{Key, Timestamp};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    options: BTreeMap<String, String>,
    lines: Vec<String>,
    matches: Vec<Expected>,
}

#[derive(Deserialize, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Expected {
    line: usize,
    key: String,
    user: Option<String>,
    #[serde(default = "one")]
    count: u32,
}

fn one() -> u32 {
    1
}

#[test]
fn every_shipped_filter_does_what_its_corpus_says() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for folder in std::fs::read_dir(support::root().join("corpus")).unwrap().flatten() {
        let name = folder.file_name().into_string().unwrap();
        if name == "cloud-fail2ban" {
            continue; // not a filter's lines, but what goes over its wire
        }
        let path = folder.path().join("cases.toml");
        if !support::root().join(format!("conf/filter.d/{name}.conf")).exists() {
            panic!("{}: no such filter", path.display());
        }
        let cases: Cases = toml::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut filters = BTreeMap::new();
        for case in cases.case {
            seen += 1;
            let params: Vec<_> = case.options.clone().into_iter().collect();
            let filter =
                filters.entry(params.clone()).or_insert_with(|| support::shipped(&name, &params)).clone();
            let mut scanner = support::scanner(filter);
            let text = case.lines.join("\n") + "\n";
            let starts: Vec<u64> = std::iter::once(0)
                .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at as u64 + 1))
                .collect();
            let got =
                support::scan(&mut scanner, text.as_bytes(), Timestamp::from_secs(1_795_000_000), |found| {
                    Expected {
                        line: starts.iter().position(|start| *start == found.offset).unwrap() + 1,
                        key: found.key.to_string(),
                        user: found.user.map(|user| String::from_utf8_lossy(user).into_owned()),
                        count: found.count,
                    }
                });
            let canonical = |expected: &Expected| {
                let key: Key = expected.key.parse().unwrap();
                (expected.line, key.to_string(), expected.count)
            };
            let same_user =
                |(got, wanted): (&Expected, &Expected)| wanted.user.is_none() || wanted.user == got.user;
            let same = got.iter().map(canonical).eq(case.matches.iter().map(canonical))
                && got.iter().zip(&case.matches).all(same_user);
            if !same {
                wrong.push(format!(
                    "{name}: {}\n    got    {got:?}\n    wanted {:?}",
                    case.name, case.matches
                ));
            }
        }
    }
    assert!(seen > 100, "only {seen} cases were found");
    assert!(wrong.is_empty(), "{} of {seen} cases:\n{}", wrong.len(), wrong.join("\n"));
}
