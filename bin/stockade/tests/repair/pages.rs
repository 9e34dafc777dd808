//! What the command line says of itself: pages, help, completions.

use crate::world::{World, root};

/// A world that needs no AWS.
fn bare(args: &[&str]) -> (i32, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_stockade"))
        .args(args)
        .env_clear()
        .env("STOCKADE_CONFIG", root().join("bin/stockade/tests/fixtures/conf"))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// Commands between backquotes: `stockade repair undo ID`.
fn commands(text: &str) -> Vec<Vec<String>> {
    let quoted = text.split('`').skip(1).step_by(2);
    let commands =
        quoted.filter_map(|quoted| quoted.split_once("stockade ").filter(|(before, _)| before.is_empty()));
    let words = |rest: &str| -> Vec<String> {
        // What is to be filled in, and options, are none of the command's own words.
        let own = rest
            .split_whitespace()
            .take_while(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
        own.take_while(|word| !word.starts_with('-')).map(str::to_owned).collect()
    };
    commands.map(|(_, rest)| words(rest)).collect()
}

#[test]
fn every_command_that_a_page_names_is_there() {
    let mut all = vec![];
    let (_, names) = bare(&["repair", "list", "--json"]);
    let names: serde_json::Value = serde_json::from_str(&names).unwrap();
    for one in names["repairs"].as_array().unwrap() {
        let (code, page) = bare(&["repair", "list", one["name"].as_str().unwrap()]);
        assert_eq!(code, 0, "{page}");
        for heading in ["What it does", "Check", "Change", "Undo", "Permissions", "Risk"] {
            assert!(page.contains(&format!("## {heading}")), "{page}");
        }
        all.extend(commands(&page));
    }
    // What the engine says to people.
    let mut folders = vec![root().join("crates/repair/src"), root().join("bin/stockade/src/commands/repair")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(path).unwrap();
                let lines = text
                    .lines()
                    .map(|line| line.trim_start().trim_start_matches("//!").trim_start_matches("///"));
                all.extend(commands(&lines.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    all.sort();
    all.dedup();
    assert!(all.len() > 10, "{all:?}");
    for words in all.iter().filter(|words| !words.is_empty()) {
        // As much of it as are commands; the name of a repair may follow.
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (code, text) = bare(&[&words[..], &["--help"]].concat());
        assert!(code == 0 && text.contains("Usage: stockade"), "`stockade {}`: {text}", words.join(" "));
    }
}

#[test]
fn the_help_of_each_command_teaches_by_example() {
    for command in [
        "list",
        "check",
        "run",
        "event",
        "approve",
        "follow",
        "refuse",
        "show",
        "undo",
        "verify-record",
        "export",
        "baseline",
    ] {
        let (code, text) = bare(&["repair", command, "--help"]);
        assert_eq!(code, 0, "{text}");
        let (_, examples) = text.split_once("Examples:\n").unwrap_or_else(|| panic!("{command}: {text}"));
        assert!(examples.contains(&format!("stockade repair {command}")), "{command}: {examples}");
    }
    for command in ["list", "accept"] {
        let (_, text) = bare(&["repair", "baseline", command, "--help"]);
        assert!(text.contains(&format!("stockade repair baseline {command}")), "{text}");
    }
    let (_, text) = bare(&["iam", "--help"]);
    assert!(text.contains("Examples:\n  stockade iam"), "{text}");
}

#[test]
fn the_shell_completes_the_names_of_repairs() {
    for shell in ["bash", "zsh"] {
        let (code, script) = bare(&["completions", shell]);
        assert_eq!(code, 0);
        for word in ["trail-stopped", "verify-record", "baseline", "--dry-run"] {
            assert!(script.contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
    }
}

#[test]
fn a_repair_is_known_by_name_and_by_number() {
    let Some(world) = World::new() else { return };
    for name in ["trail-stopped", "P01", "p01"] {
        world.run(&["repair", "list", name]).with(0).says(&["# CloudTrail logging stopped"]);
        world.run(&["repair", "check", name, "--region", "eu-central-1"]).with(5);
    }
}
