//! `stockade check`: what a configuration means for each jail, also where it is fail2ban's.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;
#[path = "common/fail2ban.rs"]
mod fail2ban;

use std::path::Path;

use common::{run, shown, stockade};
use fail2ban::Site;
use insta::assert_snapshot;

/// What came of a check of a directory, which is called `DIR`.
fn check(dir: &Path, more: &[&str]) -> String {
    let output = stockade().args(["check", "-c"]).arg(dir).args(more).output().unwrap();
    shown(&output).replace(dir.to_str().unwrap(), "DIR")
}

#[test]
fn each_jail_has_its_verdict_and_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("filter.d/door.conf", "[Definition]\nfailregex = ^knocked by <ADDR>$\n");
    write("filter.d/broken.conf", "[Definition]\nfailregex = ^(<ADDR>\n  ^nobody$\n");
    write(
        "jail.conf",
        "[DEFAULT]\nlogpath = /var/log/door.log\n\
         [good]\nenabled = true\nfilter = door\n\
         [regex]\nenabled = true\nfilter = broken\n\
         [date]\nenabled = true\nfilter = door[datepattern=\"%%Q\"]\n\
         [lost]\nenabled = true\nfilter = nowhere\n\
         [number]\nenabled = true\nfilter = door\nmaxretry = many\n\
         [off]\nfilter = nowhere\n",
    );
    assert_snapshot!(check(dir.path(), &[]));
    assert_snapshot!(check(dir.path(), &["-v"]));
    let all = check(dir.path(), &["--all"]);
    assert!(
        all.contains("\noff     refused") && all.contains("refused: lost, number, off, regex, date"),
        "{all}"
    );
    let json = check(dir.path(), &["--json"]);
    let json: serde_json::Value = serde_json::from_str(json.split_once("stdout\n").unwrap().1).unwrap();
    let verdict =
        |name: &str| json["verdicts"].as_array().unwrap().iter().find(|v| v["jail"] == name).unwrap().clone();
    assert_eq!(verdict("good")["verdict"], "ok");
    assert_eq!(verdict("good")["failregexes"], 1);
    assert_eq!(verdict("off")["verdict"], "off");
    assert_eq!(verdict("regex")["reasons"].as_array().unwrap().len(), 1);
}

#[test]
fn all_jails_of_the_shipped_configuration_are_right() {
    let text = run(&["check", "--all"]);
    assert!(text.starts_with("exit: 0\n") && text.contains("\nroundcube "), "{text}");
}

/// Everything that Debian's fail2ban brings along, read as it is.
#[test]
fn all_stock_jails_are_right() {
    let Some(site) = Site::new() else { return };
    let text = check(site.root(), &["--all"]);
    assert!(text.starts_with("exit: 0\n"), "{text}");
    let rows = text.lines().filter(|line| line.split_whitespace().nth(1) == Some("ok")).count();
    assert!(rows > 80, "{text}");
}

#[test]
fn a_store_that_this_build_has_not_is_told() {
    let dir = tempfile::tempdir().unwrap();
    for (store, feature, there) in [
        ("postgresql://u:s3cret@192.0.2.1/d?sslmode=require", "postgres", cfg!(feature = "postgres")),
        ("dynamodb:Stockade", "aws", cfg!(feature = "aws")),
    ] {
        std::fs::write(dir.path().join("stockade.toml"), format!("store = \"{store}\"\n")).unwrap();
        let text = check(dir.path(), &[]);
        let ok = text.starts_with("exit: 0\n");
        assert_eq!(ok, there, "{text}");
        assert!(ok || text.contains(&format!("a build with the feature `{feature}`")), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    std::fs::write(dir.path().join("stockade.toml"), "store = \"postgresql://u@h/d?sslmode=never\"\n")
        .unwrap();
    assert!(!check(dir.path(), &[]).starts_with("exit: 0\n"));
}

/// A configuration whose bans go to AWS.
fn in_aws() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let toml = "[responders.fleet]\nkind = \"sns\"\nregion = \"eu-central-1\"\nendpoint = \"http://127.0.0.1:9\"\n\
                [responders.acl]\nkind = \"lambda\"\nfunction = \"ALC_Denier\"\n";
    std::fs::write(dir.path().join("stockade.toml"), toml).unwrap();
    dir
}

#[test]
#[cfg(feature = "aws")]
fn responders_in_aws_are_shown() {
    let text = check(in_aws().path(), &["-v"]);
    assert!(text.starts_with("exit: 0\n") && text.contains("fleet, acl"), "{text}");
}

#[test]
#[cfg(not(feature = "aws"))]
fn responders_that_this_build_has_not_are_named_with_their_place_and_feature() {
    let dir = in_aws();
    let text = check(dir.path(), &[]);
    assert!(text.starts_with("exit: 2\n"), "{text}");
    for said in [
        "error: DIR/stockade.toml:2:1: responders.fleet.kind: cannot use the responder `sns`: this build of \
         Stockade is without AWS\nhint: install a build with the feature `aws`, or set another `kind`\n",
        "error: DIR/stockade.toml:6:1: responders.acl.kind: cannot use the responder `lambda`: ",
    ] {
        assert!(text.contains(said), "{text}");
    }
    let output = stockade().args(["run", "-c"]).arg(dir.path()).output().unwrap();
    let text = shown(&output);
    assert!(
        text.contains("this build of Stockade is without AWS") && text.contains("feature `aws`"),
        "{text}"
    );
}

#[test]
fn who_could_not_be_told_anything_is_told_and_no_secret_is() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "s3cret\n").unwrap();
    let settings = format!(
        "[responders.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/s3cret\"\nsecret = \"file:{}\"\n\
         [responders.chat]\nkind = \"slack\"\nurl = \"env:SLACK_URL\"\n\
         [responders.mail]\nkind = \"email\"\nserver = \"localhost\"\nfrom = \"a@example.com\"\nto = [\"b@example.com\"]\n",
        secret.display()
    );
    std::fs::write(dir.path().join("stockade.toml"), settings).unwrap();
    let text = check(dir.path(), &[]);
    if !cfg!(all(feature = "notify", feature = "email")) {
        assert!(text.starts_with("exit: 2\n") && text.contains("install a build with the feature"), "{text}");
        return;
    }
    assert!(text.starts_with("exit: 0\n"), "the daemon may have another environment: {text}");
    for line in [
        "DIR/stockade.toml:2:1: responders.hook.kind: cannot sign messages: the secret is shorter than 16 bytes (as this user, now)",
        "DIR/stockade.toml:6:1: responders.chat.kind: cannot find `url`: the environment variable `SLACK_URL` is not set (as this user, now)",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("s3cret") && !text.contains("responders.mail"), "{text}");
    let shown = run(&["config", "show", "-c", dir.path().to_str().unwrap()]);
    assert!(shown.contains("http://127.0.0.1:1/***") && !shown.contains("s3cret"), "{shown}");
}
