//! Whatever stands in the files, reading them ends, and in order.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::{BASE, FILTER, Files};
use proptest::prelude::*;
use stockade_config::limits::MAX_PROBLEMS;
use stockade_config::{Config, Problems, resolve_sources};

/// What holds of every result.
fn check(result: &Result<Config, Problems>) {
    let config = match result {
        Ok(config) => config,
        Err(problems) => {
            assert!(problems.has_errors() && problems.len() <= MAX_PROBLEMS);
            let _ = problems.to_string();
            return;
        }
    };
    assert!(config.problems.has_errors() || config.broken.is_empty());
    assert!(!config.program.responders.is_empty());
    for jail in &config.jails {
        assert!(!jail.responders.is_empty());
        assert!(
            jail.responders.iter().all(|name| config
                .program
                .responders
                .iter()
                .any(|known| known.name == *name))
        );
        assert!(!jail.jail.threshold.findtime.is_zero());
        assert!(jail.scope.ports.windows(2).all(|pair| pair[0].1 < pair[1].0));
        let _ = resolve_sources(jail, |_| false);
    }
}

fn with(path: &str, content: Vec<u8>) -> Result<Config, Problems> {
    let mut files = Files::new(&[("jail.conf", BASE), FILTER]);
    files.0.insert(path.into(), content);
    files.load()
}

/// Lines as they stand in jails, with values that are nearly right.
fn jail_lines() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "maxretry",
        "findtime",
        "bantime",
        "bantime.increment",
        "bantime.factor",
        "bantime.multipliers",
        "bantime.maxtime",
        "bantime.rndtime",
        "bantime.formula",
        "ignoreip",
        "usedns",
        "logpath",
        "backend",
        "journalmatch",
        "logtimezone",
        "port",
        "protocol",
        "failregex",
        "ignoreregex",
        "prefregex",
        "datepattern",
        "maxlines",
        "action",
        "banaction",
        "bans",
        "filter",
        "enabled",
        "mode",
        "x",
    ]);
    let value = prop_oneof![
        Just("true".to_owned()),
        Just("door".to_owned()),
        Just("all".to_owned()),
        Just("10m".to_owned()),
        Just("%(mode)s<x>%(known/failregex)s".to_owned()),
        Just("nftables[port=\"ssh\", type=x]".to_owned()),
        Just("ssh,1:65535".to_owned()),
        Just("/var/log/*.log tail".to_owned()),
        "[ -~]{0,20}",
        "\\PC{0,12}",
        "[0-9.:/ ]{0,12}",
        "-?[0-9]{0,40}[smhdwy]?",
    ];
    let line = (key, value).prop_map(|(key, value)| format!("{key} = {value}\n"));
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

/// The same for `stockade.toml`.
fn toml_lines() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "[guards]",
        "[retention]",
        "[responders.a]",
        "[responders]",
        "store = ",
        "protect = ",
        "kind = ",
        "argv = ",
        "timeout = ",
        "table = ",
        "matches = ",
        "max_matches = ",
        "responders.b.kind = ",
        "guards.protect_own = ",
        "",
    ]);
    let value = prop_oneof![
        Just("\"nftables\"".to_owned()),
        Just("\"command\"".to_owned()),
        Just("[\"/x\", 1]".to_owned()),
        Just("true".to_owned()),
        Just("\"1h\"".to_owned()),
        Just("{ a = 1".to_owned()),
        "[ -~]{0,12}",
        "[0-9_xe.-]{0,30}",
    ];
    let line = (key, value).prop_map(|(key, value)| format!("{key}{value}\n"));
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn any_bytes_as_settings(content in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&with("stockade.toml", content));
    }

    #[test]
    fn any_text_as_settings(content in "\\PC{0,200}") {
        check(&with("stockade.toml", content.into_bytes()));
    }

    #[test]
    fn nearly_settings(content in toml_lines()) {
        check(&with("stockade.toml", content.into_bytes()));
    }

    #[test]
    fn any_bytes_as_jails(content in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&with("jail.local", content));
    }

    #[test]
    fn any_text_as_jails(content in "\\PC{0,200}") {
        check(&with("jail.local", format!("[door]\n{content}").into_bytes()));
    }

    #[test]
    fn nearly_jails(door in jail_lines(), other in jail_lines()) {
        check(&with("jail.local", format!("[door]\n{door}[other]\nenabled = true\n{other}").into_bytes()));
    }

    #[test]
    fn nearly_variables(values in prop::collection::vec("[ -~]{0,12}", stockade_config::env_vars::ENV_VARS.len())) {
        let vars = stockade_config::env_vars::ENV_VARS;
        let env = |name: &str| {
            let at = vars.iter().position(|var| var.name == name)?;
            values.get(at).cloned()
        };
        check(&Files::new(&[("jail.conf", BASE), FILTER]).load_with(&env));
    }
}

/// Bytes of a large file: less than the most that is read, for the time that a test may take.
const SIZE: usize = 1 << 18;

#[test]
fn a_jail_that_nobody_carries_out_is_an_error() {
    let broken = with("jail.local", b"[door]\nbanaction = [\n".to_vec());
    check(&broken);
    assert!(broken.is_err() || broken.is_ok_and(|config| config.problems.has_errors()));
}

#[test]
fn a_large_file_ends_in_bounded_time_and_messages() {
    let many = |line: &str| line.repeat((SIZE) / line.len()).into_bytes();
    let numbered = |line: &str| {
        let mut text = String::new();
        for number in 0.. {
            let line = line.replace('#', &number.to_string());
            if text.len() + line.len() > SIZE {
                break;
            }
            text += &line;
        }
        text.into_bytes()
    };
    for content in [
        numbered("store#=1\n"),
        numbered("[guards.g#]\n"),
        numbered("[responders.r#]\nkind=\"command\"\n"),
        many("store=\n"),
        many("[[[["),
        many("a.b."),
        many("x={x="),
        [b"guards.protect = [".to_vec(), many("\"192.0.2.1\","), b"]".to_vec()].concat().split_off(20),
    ] {
        check(&with("stockade.toml", content));
    }
    for content in [
        numbered("[j#]\nenabled=1\n"),
        [b"[door]\nport=".to_vec(), numbered("#,")].concat().into_iter().take(SIZE).collect(),
        [b"[door]\nignoreip=".to_vec(), many("192.0.2.0/24 ")].concat().into_iter().take(SIZE).collect(),
        [b"[door]\nignoreip=".to_vec(), numbered("999.#,")].concat().into_iter().take(SIZE).collect(),
        [b"[door]\nlogpath=".to_vec(), numbered("x#\n ")].concat().into_iter().take(SIZE).collect(),
        [b"[door]\naction=".to_vec(), numbered("x#\n ")].concat().into_iter().take(SIZE).collect(),
        [b"[door]\nbantime.increment=1\nbantime.multipliers=".to_vec(), many("1 ")]
            .concat()
            .into_iter()
            .take(SIZE)
            .collect(),
    ] {
        check(&with("jail.local", content));
    }
}
