//! The README's one command: it runs, and the README shows what it says.

use crate::world::{came, root};

#[test]
fn the_story_in_the_readme_is_true() {
    // It starts a moto of its own; where tests have none there is no Python for it either.
    if std::env::var("STOCKADE_TEST_MOTO").unwrap_or_default().is_empty() {
        eprintln!("skipped: no moto: eval \"$(dev/emulators start)\" starts one");
        return;
    }
    let output = std::process::Command::new(root().join("examples/guard-story"))
        .env("STOCKADE", env!("CARGO_BIN_EXE_stockade"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let story = came(&output).with(0);
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```text guard-story\n").unwrap();
    let (shown, _) = rest.split_once("```\n").unwrap();
    let steady = |text: &str| text.lines().map(steady).collect::<Vec<_>>();
    assert_eq!(steady(&story.out), steady(shown), "{}{}", story.out, story.err);
}

/// A line without what differs each time: times, the ids of repairs, hashes.
fn steady(line: &str) -> String {
    let word = |word: &str| {
        let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let time = core.len() == 20 && core.ends_with('Z') && core.starts_with("20");
        let id = core.len() == 16 && core.starts_with("p0") && core.as_bytes()[3] == b'-';
        let hash = core.len() == 64 && core.bytes().all(|b| b.is_ascii_hexdigit());
        if time || id || hash { word.replace(core, "…") } else { word.to_owned() }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
