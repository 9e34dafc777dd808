//! The rules of events: their files, what `stockade.toml` changes of them, and the jails that come of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::time::Duration;

use common::{BASE, FILTER, Files, told};
use stockade_config::{
    Config, JailConfig, Problems, ReadRules, ResponderKind, RuleSettings, SHIPPED_RULES, load_files_with,
    load_rules,
};
use stockade_core::{BanTime, Feed, Target};

const TRAIL: &str = r#"
description = "A trail is stopped"
severity = "critical"
target = "repair"
key = { resource = "detail.requestParameters.name" }
[[pattern]]
json = '{"source": ["aws.cloudtrail"], "detail": {"eventName": ["StopLogging"]}}'
"#;

const CONSOLE: &str = r#"
description = "Who fails to sign in"
target = "ban"
key = { address = "detail.sourceIPAddress" }
[jail]
maxretry = 4
findtime = "2m"
[[pattern]]
json = '{"source": ["aws.signin"], "detail": {"eventName": ["ConsoleLogin"]}}'
"#;

/// Rules of our own, and none of those built in.
fn files(rules: &[(&str, &str)], toml: &str) -> Files {
    let mut files = Files::new(&[("jail.conf", BASE), FILTER]);
    // What is built in is a matter of its own.
    let off: Vec<String> = SHIPPED_RULES.0.iter().map(|(path, _)| name(path)).collect();
    let off: Vec<&String> = off.iter().filter(|name| rules.iter().all(|(own, _)| own != name)).collect();
    let toml = toml.replace("[rules]", &format!("[rules]\ndisabled = {off:?}"));
    let toml = if toml.contains("[rules]") { toml } else { format!("{toml}\n[rules]\ndisabled = {off:?}\n") };
    files.0.insert("stockade.toml".into(), toml.into());
    for (name, text) in rules {
        files.0.insert(format!("rule.d/{name}.toml"), text.as_bytes().to_vec());
    }
    files
}

fn name(path: &str) -> String {
    path.trim_start_matches("rule.d/").trim_end_matches(".toml").to_owned()
}

fn load(files: &Files, rules: ReadRules) -> Result<Config, Problems> {
    load_files_with(files, "ssh 22/tcp\n", &|_| None, rules)
}

#[track_caller]
fn jails(files: &Files) -> Vec<JailConfig> {
    let config = load(files, ReadRules::Yes).unwrap();
    assert!(!config.problems.has_errors(), "{}", config.problems);
    config.jails.into_iter().filter(|jail| !jail.rules.is_empty()).collect()
}

fn origin(config: &Config, section: &str, key: &str) -> String {
    let row = config.origin_table().iter().find(|row| row.section == section && row.key == key).unwrap();
    format!("{} from {}", row.value, row.origin)
}

const EVENTS: &str = "[events]\nqueue = \"events\"\n";

#[test]
fn rules_become_jails_only_where_events_are_read() {
    let rules = [("console", CONSOLE), ("trail-stopped", TRAIL)];
    let with = files(&rules, EVENTS);
    let without = files(&rules, "");
    let count = |files: &Files, rules| load(files, rules).unwrap().jails.len();
    assert_eq!((count(&with, ReadRules::No), count(&without, ReadRules::IfEvents)), (1, 1));
    assert_eq!((count(&with, ReadRules::IfEvents), count(&without, ReadRules::Yes)), (3, 3));
    // A rule that is broken harms nobody who reads no events.
    let broken = files(&[("broken", "x = 1")], "");
    assert!(load(&broken, ReadRules::No).unwrap().problems.is_empty());
}

#[test]
fn a_jail_of_rules_has_what_they_say_and_the_rest_of_default() {
    let mut files = files(&[("console", CONSOLE)], "");
    let default = "[DEFAULT]\nbantime = 2h\nmaxretry = 9\nignoreip = 198.51.100.0/24 office.example\n\
                   ignoreself = false\nbantime.increment = true\nport = 22\naction = nftables\n";
    files.0.insert("jail.local".into(), default.into());
    let [console] = &jails(&files)[..] else { panic!("one jail") };
    let jail = &console.jail;
    assert_eq!((&*jail.name, jail.feed, jail.target), ("console", Feed::Matches, Target::Ban));
    assert_eq!((jail.threshold.maxretry.get(), jail.threshold.findtime), (4, Duration::from_secs(120)));
    assert_eq!(jail.bantime, BanTime::For(Duration::from_secs(7200)));
    assert!(jail.growth.is_some() && !console.ignore_self);
    assert!(jail.ignore.covers(&"198.51.100.7".parse().unwrap()));
    // Of events, no address that is another machine in each network.
    for private in [
        "10.1.2.3",
        "172.31.0.9",
        "192.168.0.1",
        "127.0.0.1",
        "169.254.169.253",
        "100.64.0.1",
        "::1",
        "fd00::1",
    ] {
        assert!(jail.ignore.covers(&private.parse().unwrap()), "{private}");
    }
    for public in ["172.32.0.1", "100.128.0.1", "203.0.113.7", "2001:db8::7"] {
        assert!(!jail.ignore.covers(&public.parse().unwrap()), "{public}");
    }
    assert_eq!(console.ignore_hosts, ["office.example"]);
    // All packets of whom it bans, for what they did has no port.
    assert!(console.scope.ports.is_empty() && &*console.scope.jail == "console");
    assert!(console.filter.is_none() && console.actions.is_empty() && console.logpaths.is_empty());
    assert_eq!(console.rules.len(), 1);
}

#[test]
fn settings_of_a_rule_count_more_than_its_file() {
    let toml = r#"
[responders.nftables]
kind = "nftables"
[responders.journal]
kind = "log"
[rules]
[rules.console]
target = "notify"
maxretry = 2
findtime = "1h"
action = ["journal"]
[rules.quiet]
enabled = false
[rules.woken]
enabled = true
bantime = -1
"#;
    let woken = CONSOLE.replace("[jail]", "enabled = false\n[jail]").replace("maxretry = 4", "");
    let woken = woken.replace("key =", "key=");
    let rules = [("console", CONSOLE), ("quiet", CONSOLE), ("woken", &woken), ("trail-stopped", TRAIL)];
    let config = load(&files(&rules, toml), ReadRules::Yes).unwrap();
    let console = config.jail("console").unwrap();
    assert_eq!(console.jail.target, Target::Notify);
    assert_eq!(console.jail.threshold.maxretry.get(), 2);
    assert_eq!(console.responders, ["journal".into()]);
    assert_eq!(console.rules[0].target, Target::Notify);
    assert!(config.disabled.contains(&"quiet".to_owned()) && config.jail("quiet").is_none());
    let woken = config.jail("woken").unwrap();
    assert_eq!((woken.jail.bantime, woken.jail.threshold.maxretry.get()), (BanTime::Forever, 5));
    assert_eq!(woken.responders, ["nftables".into(), "journal".into()], "all who ban");
    // Every value says where it comes from.
    assert_eq!(origin(&config, "rules.console", "maxretry"), "2 from /etc/stockade/stockade.toml:10:1");
    assert_eq!(origin(&config, "rules.console", "target"), "\"notify\" from /etc/stockade/stockade.toml:9:1");
    assert_eq!(origin(&config, "rules.woken", "findtime"), "\"2m\" from /etc/stockade/rule.d/woken.toml:8:1");
    assert_eq!(origin(&config, "rules.woken", "bantime"), "\"-1\" from /etc/stockade/stockade.toml:17:1");
    assert_eq!(origin(&config, "rules.woken", "enabled"), "true from /etc/stockade/stockade.toml:16:1");
    assert_eq!(origin(&config, "rules.trail-stopped", "maxretry"), "1 from default");
    assert_eq!(
        origin(&config, "rules.trail-stopped", "enabled"),
        "true from /etc/stockade/rule.d/trail-stopped.toml"
    );
}

#[test]
fn a_rule_without_a_jail_stays_at_one_match_whatever_else_is_set() {
    let toml = "[rules]\n[rules.trail-stopped]\nfindtime = \"1m\"\ntarget = \"notify\"\n";
    let [trail] = &jails(&files(&[("trail-stopped", TRAIL)], toml))[..] else { panic!("one jail") };
    assert_eq!(trail.jail.threshold.maxretry.get(), 1);
    assert!(trail.jail.answers_each());
}

#[test]
fn what_nobody_repairs_is_told_and_what_nobody_tells_is_logged() {
    let rules = [("console", CONSOLE), ("trail-stopped", TRAIL)];
    let config = load(&files(&rules, ""), ReadRules::Yes).unwrap();
    assert_eq!(
        config.problems.to_string(),
        "warning: no responder repairs: you are told instead, by trail-stopped\n  \
         hint: set `mode` in `[repair]`; `stockade repair list` shows what it would come to"
    );
    let trail = config.jail("trail-stopped").unwrap();
    assert_eq!((trail.jail.target, trail.rules[0].target), (Target::Notify, Target::Notify));
    assert_eq!(trail.responders, ["log".into()]);
    let log = config.program.responders.last().unwrap();
    assert_eq!((&*log.name, &log.kind), ("log", &ResponderKind::Log));
    // Those that ban are not.
    assert_eq!(config.jail("console").unwrap().responders, ["nftables".into()]);
    assert_eq!(config.jail("door").unwrap().responders, ["nftables".into()]);
    // Somebody who takes all.
    let toml = "[responders.try]\nkind = \"dry-run\"\n";
    let config = load(&files(&[("trail-stopped", TRAIL)], toml), ReadRules::Yes).unwrap();
    assert!(config.problems.is_empty(), "{}", config.problems);
    assert_eq!(config.jail("trail-stopped").unwrap().jail.target, Target::Repair);
}

#[test]
fn several_rules_of_one_jail_must_agree() {
    let of = |text: &str, rest: &str| text.replace("[jail]", &format!("[jail]\nname = \"signin\"\n{rest}"));
    let one = of(CONSOLE, "");
    let agrees = one.replace("maxretry = 4\nfindtime = \"2m\"\n", "");
    let [signin] = &jails(&files(&[("a", &one), ("b", &agrees), ("c", &one)], ""))[..] else {
        panic!("one jail")
    };
    assert_eq!((&*signin.jail.name, signin.rules.len()), ("signin", 3));
    assert_eq!(signin.jail.threshold.maxretry.get(), 4);

    let other_count = one.replace("maxretry = 4", "maxretry = 7");
    let other_target = one.replace("\"ban\"", "\"notify\"");
    let rules = [("a", &*one), ("b", &*other_count), ("c", &*other_target), ("door", CONSOLE)];
    let config = load(&files(&rules, ""), ReadRules::Yes).unwrap();
    assert_eq!(
        config.problems.to_string(),
        "error: /etc/stockade/rule.d/door.toml: [door] jail.name: expected a jail of its own: the name is that of \
         another jail, got: `door`\n\
         error: /etc/stockade/rule.d/b.toml:8:1: [b] maxretry: expected `4`, as rule `a` has it for the same jail, \
         got: `7`\n\
         error: /etc/stockade/rule.d/c.toml:3:1: [c] target: expected `ban`, as rule `a` has it for the same jail, \
         got: `notify`"
    );
    assert_eq!(config.broken, ["door", "b", "c"]);
    assert_eq!(config.jail("signin").unwrap().rules.len(), 1, "the others go on");
}

#[test]
fn all_that_is_wrong_is_told_with_place_key_and_the_nearest_name() {
    let toml = r#"
[responders.journal]
kind = "log"
[responders.wall]
kind = "nftables"
[rules]
disable = 1
[rules.console]
maxrety = 1
target = "drop"
findtime = "0"
bantime = "never"
action = []
[rules.a b]
"#;
    // The quotes that TOML wants around a name with a blank.
    let toml = toml.replace("a b", "\"a b\"");
    let result = load(&files(&[("console", CONSOLE)], &toml), ReadRules::Yes);
    let at = "error: /etc/stockade/stockade.toml";
    assert_eq!(
        told(&result),
        format!(
            "{at}:8:1: rules: unknown setting `disable`\n  hint: did you mean `disabled`?\n\
             {at}:10:1: rules.console: unknown setting `maxrety`\n  hint: did you mean `maxretry`?\n\
             {at}:11:10: rules.console.target: expected one of `ban`, `notify`, `repair`, got: `\"drop\"`\n\
             {at}:12:12: rules.console.findtime: expected a length of time such as `10m`, at least 1s, got: `\"0\"`\n\
             {at}:13:11: rules.console.bantime: expected a length of time such as `10m`, or -1 for no end, got: `\"never\"`\n\
             {at}:14:10: rules.console.action: expected at least one name, such as `[\"log\"]`, got: `[]`\n\
             {at}:15:8: rules.a b: expected a rule's name: letters, digits, `-` and `_`, at most 64, got: `\"a b\"`"
        )
    );

    let toml = "[responders.journal]\nkind = \"log\"\n[rules]\n[rules.consle]\nmaxretry = 1\n\
                [rules.console]\naction = [\"jurnal\"]\n[rules.trail-stopped]\naction = [\"journal\"]\n";
    let rules = [("console", CONSOLE), ("trail-stopped", &TRAIL.replace("severity", "severty")), ("x", "[[")];
    let result = load(&files(&rules, toml), ReadRules::Yes);
    let text = told(&result);
    for line in [
        format!("{at}:5:8: rules: unknown rule `consle`\n  hint: did you mean `console`?"),
        format!("{at}:8:1: [console] action: unknown responder `jurnal`\n  hint: did you mean `journal`?"),
        "error: /etc/stockade/rule.d/trail-stopped.toml:3:1: [trail-stopped] unknown key `severty`\n  \
         hint: did you mean `severity`?"
            .to_owned(),
        "error: /etc/stockade/rule.d/x.toml:1:".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}\nis not in\n{text}");
    }
    // One that is off is not looked at.
    let off = "[rules]\n[rules.x]\nenabled = false\n";
    assert!(load(&files(&[("x", "[[")], off), ReadRules::Yes).unwrap().problems.is_empty());
}

#[test]
fn a_responder_must_be_able_to_do_it() {
    let toml = "[responders.wall]\nkind = \"nftables\"\n[rules]\n[rules.trail-stopped]\ntarget = \"notify\"\n\
                action = [\"wall\"]\n";
    let config = load(&files(&[("trail-stopped", TRAIL)], toml), ReadRules::Yes).unwrap();
    assert_eq!(
        config.problems.to_string(),
        "error: /etc/stockade/stockade.toml:7:1: [trail-stopped] action: expected responders that take the target \
         `notify`, got: `wall`"
    );
}

#[test]
fn what_is_no_file_of_a_rule_is_passed_over_and_what_cannot_be_read_is_told() {
    let mut files = files(&[("console", CONSOLE)], "");
    files.0.insert("rule.d/README".into(), b"x".to_vec());
    files.0.insert("rule.d/console.toml.rpmsave".into(), b"x".to_vec());
    files.0.insert("rule.d/.#console.toml".into(), b"x".to_vec());
    assert_eq!(jails(&files).len(), 1);
    files.0.insert("rule.d/bytes.toml".into(), b"\xff".to_vec());
    let rules = load_rules(&files, &RuleSettings::default());
    assert_eq!(rules.broken, ["bytes"]);
    assert_eq!(
        rules.problems.to_string(),
        "error: /etc/stockade/rule.d/bytes.toml: [bytes] cannot read file: it is not UTF-8, at byte 0"
    );
}

#[test]
fn what_is_built_in_can_be_used_and_a_file_takes_its_place() {
    let none = Files::default();
    let shipped = load_rules(&none, &RuleSettings::default());
    assert!(shipped.problems.is_empty() && shipped.broken.is_empty(), "{}", shipped.problems);
    assert_eq!(shipped.rules.len() + shipped.disabled.len(), SHIPPED_RULES.0.len());
    let Some((path, _)) = SHIPPED_RULES.0.first() else {
        eprintln!("skipped in part: no rule is built in");
        return;
    };
    let mut files = Files::default();
    files.0.insert((*path).into(), CONSOLE.into());
    let rules = load_rules(&files, &RuleSettings::default());
    let mine = rules.rules.iter().find(|rule| *rule.name == *name(path)).unwrap();
    assert_eq!(&*mine.description, "Who fails to sign in");
    let disabled = RuleSettings { disabled: vec![name(path)], ..RuleSettings::default() };
    assert!(load_rules(&files, &disabled).disabled.iter().any(|rule| *rule.name == *name(path)));
}
