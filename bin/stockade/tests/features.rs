//! What each build is made of.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::Path;
use std::process::Command;

/// The crates under the program with these features beside those that it has anyway, one a line.
fn tree(features: &str) -> String {
    asked(&["--features", features])
}

fn asked(features: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--package", "stockade", "--edges", "normal", "--prefix", "none"])
        .args(features)
        .arg("--locked")
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn has(tree: &str, start: &str) -> bool {
    tree.lines().any(|line| line.starts_with(start))
}

#[test]
fn a_host_build_holds_nothing_for_a_fleet() {
    let host = tree("");
    assert!(has(&host, "rusqlite "), "{host}");
    for start in ["aws-", "stockade-aws ", "tokio", "hyper", "postgres", "deadpool", "openssl-sys"] {
        assert!(!has(&host, start), "`{start}` is under the host build:\n{host}");
    }
}

#[test]
fn a_host_that_tells_nobody_needs_no_tls() {
    assert!(has(&tree(""), "rustls "));
    let silent = asked(&["--no-default-features"]);
    assert!(has(&silent, "rusqlite "), "{silent}");
    for start in ["rustls", "ring ", "ureq", "lettre"] {
        assert!(!has(&silent, start), "`{start}` is under a build that tells nobody:\n{silent}");
    }
}

#[test]
fn each_feature_brings_its_own_and_not_the_others() {
    let aws = tree("aws");
    assert!(has(&aws, "aws-sdk-dynamodb ") && !has(&aws, "tokio-postgres "), "{aws}");
    let postgres = tree("postgres");
    assert!(has(&postgres, "tokio-postgres ") && !has(&postgres, "aws-"), "{postgres}");
    let full = tree("full");
    assert!(has(&full, "aws-sdk-sqs ") && has(&full, "tokio-postgres "), "{full}");
}
