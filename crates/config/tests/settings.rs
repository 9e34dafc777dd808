//! `stockade.toml` and the environment: what is read, and exactly what is said of what cannot be.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::{BASE, FILTER, Files, told};
use stockade_config::{
    AwsPlace, Config, Durability, LogLevel, Origin, Problems, Program, ResponderKind, StoreConfig, example,
};

fn files(toml: &str) -> Files {
    Files::new(&[("jail.conf", BASE), FILTER, ("stockade.toml", toml)])
}

fn load(toml: &str) -> Result<Config, Problems> {
    files(toml).load()
}

#[track_caller]
fn errors(toml: &str, expected: &str) {
    let result = load(toml);
    assert!(result.is_err(), "expected errors for {toml}");
    assert_eq!(told(&result), expected.trim_matches('\n'));
}

#[test]
fn all_settings_are_read() {
    let config = load(
        r#"
store = "/srv/s.db"
durability = "full"
socket = "/run/s.sock"
reconcile_every = "5m"
[guards]
protect = ["192.0.2.1", "2001:db8::/32"]
protect_own = false
protect_gateway = false
protect_sessions = false
max_bans_per_minute = 1_0
min_prefix_v4 = 24
min_prefix_v6 = 48
[retention]
matches = "1d 12h"
decisions = 3600
bans = "1y"
max_matches = 1000
max_decisions = 2000
[limits]
max_tracked_keys = 0x10
[fail2ban_log]
file = "/var/log/fail2ban.log"
level = "notice"
[responders.report]
kind = "command"
argv = ["/usr/bin/logger", "x y"]
timeout = "30s"
[responders.wall]
kind = "nftables"
table = "wall"
[responders.try]
kind = "dry-run"
"#,
    );
    let program = config.unwrap().program;
    assert_eq!(program.store, PathBuf::from("/srv/s.db").into());
    assert_eq!(program.socket, PathBuf::from("/run/s.sock"));
    assert_eq!(program.durability, Durability::Full);
    assert_eq!(program.reconcile_every, Duration::from_secs(300));
    let guards = &program.guards;
    assert_eq!(
        guards.protect.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.0.2.1", "2001:db8::/32"]
    );
    assert_eq!([guards.protect_own, guards.protect_gateway, guards.protect_sessions], [false; 3]);
    assert_eq!((guards.max_bans_per_minute, guards.min_prefix_v4, guards.min_prefix_v6), (10, 24, 48));
    let keep = &program.retention;
    assert_eq!(
        [keep.matches, keep.decisions, keep.bans].map(|span| span.as_secs()),
        [129_600, 3600, 31_557_600]
    );
    assert_eq!((keep.max_matches, keep.max_decisions, program.limits.max_tracked_keys), (1000, 2000, 16));
    let log = &program.fail2ban_log;
    assert_eq!((log.file.clone(), log.level), (Some("/var/log/fail2ban.log".into()), LogLevel::Notice));
    let responders: Vec<_> = program.responders.iter().map(|r| (&*r.name, r.kind.clone())).collect();
    let argv = vec!["/usr/bin/logger".to_owned(), "x y".to_owned()];
    assert_eq!(
        responders,
        [
            ("report", ResponderKind::Command { argv, timeout: Duration::from_secs(30) }),
            ("wall", ResponderKind::Nftables { table: "wall".into() }),
            ("try", ResponderKind::DryRun),
        ]
    );
}

#[test]
fn all_errors_are_told_at_once_with_place_key_expectation_and_hint() {
    errors(
        r#"
stoer = "/x"
store = 5
durability = "safe"
socket = "relative"
reconcile_every = "soon"
max_matches = 5
[guards]
protect = ["192.0.2.1", "gateway"]
protect_own = "false"
protect_sesions = true
max_bans_per_minute = 0
min_prefix_v4 = 33
colour = "red"
[retention]
matches = "10s"
bans = -1
[limts]
"#,
        r#"
error: /etc/stockade/stockade.toml:2:1: unknown setting `stoer`
  hint: did you mean `store`?
error: /etc/stockade/stockade.toml:3:9: store: expected an absolute path, `postgresql://…` or `dynamodb:TABLE`, got: `5`
error: /etc/stockade/stockade.toml:4:14: durability: expected one of `normal`, `full`, got: `"safe"`
error: /etc/stockade/stockade.toml:5:10: socket: expected an absolute path of at most 107 bytes, got: `"relative"`
error: /etc/stockade/stockade.toml:6:19: reconcile_every: expected a length of time such as `10m`, at least 1s, got: `"soon"`
error: /etc/stockade/stockade.toml:7:1: unknown setting `max_matches`
  hint: did you mean `retention.max_matches`?
error: /etc/stockade/stockade.toml:9:25: guards.protect: expected addresses and networks such as `192.0.2.0/24`, got: `"gateway"`
error: /etc/stockade/stockade.toml:10:15: guards.protect_own: expected `true` or `false`, got: `"false"`
  hint: leave the quotes out
error: /etc/stockade/stockade.toml:11:1: guards: unknown setting `protect_sesions`
  hint: did you mean `protect_sessions`?
error: /etc/stockade/stockade.toml:12:23: guards.max_bans_per_minute: expected a whole number from 1 to 4294967295, got: `0`
error: /etc/stockade/stockade.toml:13:17: guards.min_prefix_v4: expected a whole number from 0 to 32, got: `33`
error: /etc/stockade/stockade.toml:14:1: guards: unknown setting `colour`
  hint: known settings: `protect`, `protect_own`, `protect_gateway`, `protect_sessions`, `max_bans_per_minute`, `min_prefix_v4`, `min_prefix_v6`
error: /etc/stockade/stockade.toml:16:11: retention.matches: expected a length of time such as `10m`, at least 1m, got: `"10s"`
error: /etc/stockade/stockade.toml:17:8: retention.bans: expected a length of time such as `10m`, at least 1m, got: `-1`
error: /etc/stockade/stockade.toml:18:2: unknown setting `limts`
  hint: did you mean `limits`?
"#,
    );
}

#[test]
fn a_table_is_not_a_value_nor_a_value_a_table() {
    errors(
        "guards = 3\nresponders = []\n[store]\nx = 1\n[guards2]\n",
        r#"
error: /etc/stockade/stockade.toml:1:10: guards: expected a table `[guards]`, got: `3`
error: /etc/stockade/stockade.toml:2:14: responders: expected a table `[responders]`, got: `[]`
error: /etc/stockade/stockade.toml:3:1: store: expected an absolute path, `postgresql://…` or `dynamodb:TABLE`, got: a table
error: /etc/stockade/stockade.toml:5:2: unknown setting `guards2`
  hint: did you mean `guards`?
"#,
    );
}

#[test]
fn what_is_no_toml_is_told_with_all_the_rest() {
    errors(
        "store = \ndurability = normal\nsocket = \"/a\"\nsocket = \"/b\"\nstor = 1\n[guards\nprotct = true\n",
        r#"
error: /etc/stockade/stockade.toml:1:9: not valid TOML: expected a value
error: /etc/stockade/stockade.toml:2:14: not valid TOML: string values must be quoted
error: /etc/stockade/stockade.toml:4:1: not valid TOML: duplicate key
error: /etc/stockade/stockade.toml:5:1: unknown setting `stor`
  hint: did you mean `store`?
error: /etc/stockade/stockade.toml:6:8: not valid TOML: unclosed table, expected `]`
"#,
    );
}

#[test]
fn responders_are_checked() {
    errors(
        r#"
[responders.a]
table = "x"
[responders.b]
kind = "nftable"
[responders.guard]
kind = "dry-run"
[responders."a b"]
kind = "dry-run"
[responders.c]
kind = "command"
argv = ["logger"]
timeout = 0
tabel = "x"
[responders.d]
kind = "command"
[responders.e]
kind = "nftables"
[responders.f]
kind = "nftables"
[responders.g]
kind = "nftables"
table = "stockade"
[responders.h]
kind = "nftables"
table = "no way"
timeout = 4
"#,
        r#"
error: /etc/stockade/stockade.toml:2:13: responders.a.kind: expected one of `nftables`, `command`, `fail2ban-client`, `sns`, `lambda`, `webhook`, `slack`, `email`, `sns-notice`, `log`, `repair`, `dry-run`, got nothing
error: /etc/stockade/stockade.toml:5:8: responders.b.kind: expected one of `nftables`, `command`, `fail2ban-client`, `sns`, `lambda`, `webhook`, `slack`, `email`, `sns-notice`, `log`, `repair`, `dry-run`, got: `"nftable"`
error: /etc/stockade/stockade.toml:6:13: responders.guard: expected a name of letters, digits, `-` and `_`, at most 32, not `guard`, got: `guard`
error: /etc/stockade/stockade.toml:8:13: responders.a b: expected a name of letters, digits, `-` and `_`, at most 32, not `guard`, got: `"a b"`
error: /etc/stockade/stockade.toml:12:8: responders.c.argv: expected a list of words, the first an absolute path, such as `["/usr/bin/logger", "ban"]`, got: `["logger"]`
error: /etc/stockade/stockade.toml:13:11: responders.c.timeout: expected a length of time such as `10m`, at least 1s, got: `0`
error: /etc/stockade/stockade.toml:14:1: responders.c: unknown setting `tabel`
  hint: known settings: `kind`, `argv`, `timeout`
error: /etc/stockade/stockade.toml:15:13: responders.d.argv: expected a list of words, the first an absolute path, such as `["/usr/bin/logger", "ban"]`, got nothing
error: /etc/stockade/stockade.toml:19:13: responders.f.table: expected another table than that of `e`, got nothing
error: /etc/stockade/stockade.toml:23:9: responders.g.table: expected another table than that of `e`, got: `"stockade"`
error: /etc/stockade/stockade.toml:26:9: responders.h.table: expected a name of letters, digits, `-` and `_`, at most 32, got: `"no way"`
error: /etc/stockade/stockade.toml:27:1: responders.h: unknown setting `timeout`
  hint: known settings: `kind`, `table`
"#,
    );
}

#[test]
fn the_environment_counts_more_and_its_errors_are_told() {
    let env = |name: &str| {
        let value = match name {
            "STOCKADE_STORE" => "/env.db",
            "STOCKADE_GUARDS_PROTECT" => "192.0.2.1, 198.51.100.0/24",
            "STOCKADE_GUARDS_PROTECT_OWN" => "false",
            "STOCKADE_RETENTION_MATCHES" => "2h",
            "STOCKADE_LIMITS_MAX_TRACKED_KEYS" => "77",
            "STOCKADE_SOCKET" => "",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let config = files("store = \"/file.db\"\nsocket = \"/file.sock\"\n").load_with(&env).unwrap();
    assert_eq!(config.program.store, PathBuf::from("/env.db").into());
    assert_eq!(config.program.socket, PathBuf::from("/file.sock"));
    assert_eq!(config.program.guards.protect.len(), 2);
    assert!(!config.program.guards.protect_own);
    assert_eq!(config.program.retention.matches, Duration::from_secs(7200));
    assert_eq!(config.program.limits.max_tracked_keys, 77);
    assert_eq!(config.jail("door").unwrap().jail.max_tracked_keys, 77);

    let env = |name: &str| match name {
        "STOCKADE_DURABILITY" => Some("quick".to_owned()),
        "STOCKADE_GUARDS_PROTECT" => Some("192.0.2.1,nobody".to_owned()),
        "STOCKADE_GUARDS_PROTECT_OWN" => Some("no".to_owned()),
        _ => None,
    };
    assert_eq!(
        told(&files("").load_with(&env)),
        "error: environment variable `STOCKADE_DURABILITY`: durability: expected one of `normal`, `full`, got: `quick`\n\
         error: environment variable `STOCKADE_GUARDS_PROTECT`: guards.protect: expected addresses and networks such as \
         `192.0.2.0/24`, got: `nobody`\n\
         error: environment variable `STOCKADE_GUARDS_PROTECT_OWN`: guards.protect_own: expected `true` or `false`, got: `no`"
    );
}

#[test]
fn every_value_knows_where_it_was_set() {
    let toml = "store = \"/x\"\n[guards]\n  protect_own = false\n[responders.try]\nkind = \"dry-run\"\n";
    let env = |name: &str| (name == "STOCKADE_DURABILITY").then(|| "full".to_owned());
    let config = files(toml).load_with(&env).unwrap();
    let rows: Vec<_> = config
        .origin_table()
        .iter()
        .filter(|row| row.section != "door")
        .filter(|row| row.origin != Origin::Default || row.key == "socket")
        .map(|row| format!("[{}] {} = {} ({})", row.section, row.key, row.value, row.origin))
        .collect();
    assert_eq!(
        rows,
        [
            "[] store = \"/x\" (/etc/stockade/stockade.toml:1:1)",
            "[] durability = \"full\" (environment variable `STOCKADE_DURABILITY`)",
            "[] socket = \"/run/stockade/stockade.sock\" (default)",
            "[guards] protect_own = false (/etc/stockade/stockade.toml:3:3)",
            "[responders.try] kind = \"dry-run\" (/etc/stockade/stockade.toml:5:1)",
        ]
    );
}

#[test]
fn without_a_file_everything_is_default_and_the_example_says_the_same() {
    let none = Files::new(&[("jail.conf", BASE), FILTER]).load().unwrap();
    assert_eq!(none.program, Program::default());
    assert_eq!(load(&example()).unwrap().program, Program::default());
    // With every comment sign before a setting taken away it still is the default, but for the responders shown.
    let set: String = example()
        .lines()
        .map(|line| {
            let bare = line
                .strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['));
            format!("{}\n", bare.unwrap_or(line))
        })
        .collect();
    let shown = load(&set).unwrap().program;
    assert_eq!(shown.responders.len(), 11);
    assert_eq!(Program { responders: Program::default().responders, ..shown }, Program::default());
}

#[test]
fn a_file_that_is_no_text_is_told() {
    let mut files = files("");
    files.0.insert("stockade.toml".into(), b"store = \"\xff\"".to_vec());
    assert_eq!(
        told(&files.load()),
        "error: /etc/stockade/stockade.toml: cannot read file: it is not UTF-8, at byte 9"
    );
    files.0.insert("stockade.toml".into(), vec![b'#'; (1 << 20) + 1]);
    assert_eq!(
        told(&files.load()),
        "error: /etc/stockade/stockade.toml: cannot read file: it is longer than 1048576 bytes"
    );
}

#[test]
fn no_log_in_fail2bans_format_is_an_empty_path() {
    assert_eq!(load("[fail2ban_log]\nfile = \"\"\n").unwrap().program.fail2ban_log.file, None);
    let relative = load("[fail2ban_log]\nfile = \"fail2ban.log\"\n");
    assert!(told(&relative).contains("expected an absolute path, or nothing"), "{}", told(&relative));
}

#[test]
fn responders_in_aws_are_read_and_checked() {
    let config = load(
        r#"
[responders.fleet]
kind = "sns"
[responders.elsewhere]
kind = "sns"
topic = "arn:aws:sns:eu-west-1:111122223333:F2B"
region = "eu-west-1"
endpoint = "http://127.0.0.1:4566"
[responders.acl]
kind = "lambda"
function = "ALC_Denier:live"
unban = true
"#,
    );
    let config = config.unwrap();
    let kinds: Vec<_> = config.program.responders.iter().map(|responder| responder.kind.clone()).collect();
    let own = AwsPlace { region: "eu-west-1".into(), endpoint: "http://127.0.0.1:4566".into() };
    let topic = "arn:aws:sns:eu-west-1:111122223333:F2B".to_owned();
    let expected = [
        ResponderKind::Sns { topic: String::new(), place: AwsPlace::default() },
        ResponderKind::Sns { topic, place: own },
        ResponderKind::Lambda { function: "ALC_Denier:live".into(), unban: true, place: AwsPlace::default() },
    ];
    assert_eq!(kinds, expected);
    let shown: Vec<_> = config
        .origin_table()
        .iter()
        .filter(|row| row.section == "responders.acl")
        .map(|row| format!("{} = {} ({})", row.key, row.value, row.origin))
        .collect();
    let expected = [
        "kind = \"lambda\" (/etc/stockade/stockade.toml:10:1)",
        "function = \"ALC_Denier:live\" (/etc/stockade/stockade.toml:11:1)",
        "unban = true (/etc/stockade/stockade.toml:12:1)",
        "region = \"\" (default)",
        "endpoint = \"\" (default)",
    ];
    assert_eq!(shown, expected);
    errors(
        r#"
[responders.a]
kind = "sns"
topic = "not a topic"
function = "ALC_Denier"
region = "Frankfurt"
[responders.b]
kind = "lambda"
endpoint = "127.0.0.1"
[responders.c]
kind = "lambda"
function = "arn:aws:sns:eu-west-1:111122223333:F2B"
unban = "no"
"#,
        r#"
error: /etc/stockade/stockade.toml:4:9: responders.a.topic: expected the name of an SNS topic or its ARN, or nothing, got: `"not a topic"`
error: /etc/stockade/stockade.toml:5:1: responders.a: unknown setting `function`
  hint: known settings: `kind`, `topic`, `region`, `endpoint`
error: /etc/stockade/stockade.toml:6:10: responders.a.region: expected a region such as `eu-central-1`, or nothing, got: `"Frankfurt"`
error: /etc/stockade/stockade.toml:7:13: responders.b.function: expected the name of a Lambda function or its ARN, such as `ALC_Denier` or `ALC_Denier:live`, got nothing
error: /etc/stockade/stockade.toml:9:12: responders.b.endpoint: expected an address such as `http://127.0.0.1:4566`, or nothing, got: `"127.0.0.1"`
error: /etc/stockade/stockade.toml:12:12: responders.c.function: expected the name of a Lambda function or its ARN, such as `ALC_Denier` or `ALC_Denier:live`, got: `"arn:aws:sns:eu-west-1:111122223333:F2B"`
error: /etc/stockade/stockade.toml:13:9: responders.c.unban: expected `true` or `false`, got: `"no"`
"#,
    );
}

#[test]
fn a_password_is_in_no_row_and_in_no_error() {
    let url = "postgresql://stockade:s3cret@db/fleet?sslmode=require&password=s3cret";
    let config = files(&format!("store = \"{url}\"\nhost = \"web01\"\n")).load().unwrap();
    let StoreConfig::Postgres(read) = &config.program.store else { panic!("{:?}", config.program.store) };
    assert_eq!((read.expose(), config.program.host.as_str()), (url, "web01"));
    let rows = format!("{:?} {:?} {:?}", config.origin_table(), config.program, config);
    assert!(rows.contains("stockade:***@db/fleet") && !rows.contains("s3cret"), "{rows}");

    let long = format!("'postgresql://u:{}s3cret@h/{}'", "x".repeat(100), "d".repeat(5000));
    for store in ["\"postgresql://u:s3cret@h/d\\u0007\"", &long] {
        let problems = files(&format!("store = {store}\nhost = \"a b\"\n")).load().unwrap_err();
        let told = format!("{problems} {problems:?}");
        assert!(told.contains("store") && told.contains("host") && !told.contains("s3cret"), "{told}");
    }
    let env = |name: &str| (name == "STOCKADE_STORE").then(|| "postgresql://u:s3cret@h/\n".to_owned());
    let told = format!("{:?}", files("").load_with(&env).unwrap_err());
    assert!(told.contains("u:***@h") && !told.contains("s3cret"), "{told}");
}
