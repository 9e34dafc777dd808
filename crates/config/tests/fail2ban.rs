//! All jails of an installed fail2ban, against what fail2ban itself makes of them. Skipped where it is not installed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use stockade_config::{Paths, load};
use stockade_core::action::{Family, Verb};
use stockade_core::{BanTime, Feed};
use stockade_filter::conf::value::{TimeSpan, parse_time};

const ETC: &str = "/etc/fail2ban";

/// What is compared of a jail: numbers by option, and how many regexes there are.
type Facts = BTreeMap<&'static str, String>;

#[test]
fn all_jails_mean_what_they_mean_to_fail2ban() {
    let dir = tempfile::tempdir().unwrap();
    let copied = copy(Path::new(ETC), dir.path());
    let names = if copied { jail_names(&dir.path().join("jail.conf")) } else { Vec::new() };
    let enabled: String = names.iter().map(|name| format!("[{name}]\nenabled = true\n")).collect();
    fs::write(dir.path().join("jail.local"), enabled).unwrap();
    let dump = Command::new("fail2ban-client").arg("-c").arg(dir.path()).args(["-d", "-t"]).output();
    let theirs = match dump {
        Ok(output) if !names.is_empty() => facts(&String::from_utf8_lossy(&output.stdout)),
        _ => {
            eprintln!("skipped: fail2ban is not installed");
            return;
        }
    };

    let paths = Paths { directory: Some(dir.path().to_owned()), ..Paths::default() };
    let config = load(&paths, &|_| None).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.broken, Vec::<String>::new(), "{}", config.problems);
    let ours: BTreeMap<String, Facts> = config
        .jails
        .iter()
        .filter_map(|jail| {
            let Some(filter) = &jail.filter else {
                assert_eq!((&*jail.jail.name, jail.jail.feed), ("recidive", Feed::Bans));
                return None;
            };
            let BanTime::For(bantime) = jail.jail.bantime else { panic!("a ban without end") };
            let facts = [
                ("maxretry", jail.jail.threshold.maxretry.to_string()),
                ("findtime", jail.jail.threshold.findtime.as_secs().to_string()),
                ("bantime", bantime.as_secs().to_string()),
                ("maxlines", filter.maxlines.to_string()),
                ("addfailregex", filter.failregex.len().to_string()),
                ("addignoreregex", filter.ignoreregex.len().to_string()),
                ("addjournalmatch", jail.journalmatch.len().to_string()),
            ];
            Some((jail.jail.name.to_string(), facts.into()))
        })
        .collect();
    assert!(theirs.len() >= names.len() / 2, "{} of {} jails", theirs.len(), names.len());
    for (name, theirs) in theirs.iter().filter(|(name, _)| *name != "recidive") {
        assert_eq!(ours.get(name), Some(theirs), "[{name}]");
    }
}

#[test]
fn its_jails_get_their_firewall_and_its_other_actions_run() {
    let dir = tempfile::tempdir().unwrap();
    if !copy(Path::new(ETC), dir.path()) || !dir.path().join("action.d").exists() {
        eprintln!("skipped: fail2ban is not installed");
        return;
    }
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let load = || {
        let paths = Paths { directory: Some(dir.path().to_owned()), ..Paths::default() };
        load(&paths, &|_| None).unwrap_or_else(|problems| panic!("{problems}"))
    };
    write("jail.local", "[DEFAULT]\nenabled = true\nmade_up = by the operator\n[sshd]\nmaxretries = 3\n");
    let config = load();
    assert!(config.jails.len() >= jail_names(&dir.path().join("jail.conf")).len(), "{}", config.jails.len());
    assert!(!config.problems.has_errors(), "{}", config.problems);
    let said = config.problems.to_string();
    assert!(said.contains("warning: ") && said.contains("[sshd] unknown option `maxretries`"), "{said}");
    assert!(said.contains("counts the bans of the other jails instead of reading fail2ban's log"), "{said}");
    for jail in &config.jails {
        // This one lets in, by the file's own commands.
        let expected = if &*jail.jail.name == "pass2allow-ftp" { "pass2allow-ftp/" } else { "nftables" };
        assert!(jail.responders.iter().all(|name| name.starts_with(expected)), "{jail:?}");
        assert_eq!(jail.responders.len(), jail.actions.len().max(1));
    }
    assert_eq!(config.jail("recidive").unwrap().scope.ports, [], "all of them");

    let files = fs::read_dir(dir.path().join("action.d")).unwrap();
    let names =
        files.filter_map(|file| Some(file.unwrap().file_name().to_str()?.strip_suffix(".conf")?.to_owned()));
    let names: Vec<String> = names.filter(|name| !name.ends_with("-common")).collect();
    let list = |names: &[String]| {
        let mut text = String::from("[DEFAULT]\nenabled = false\n");
        for name in names {
            text += &format!(
                "[try-{name}]\nenabled = true\nfilter = sshd\nlogpath = /var/log/auth.log\naction = {name}\n"
            );
        }
        text
    };
    write("jail.local", &list(&names));
    let config = load();
    assert_eq!(config.broken, Vec::<String>::new(), "{}", config.problems);
    let firewall = ["nftables", "iptables", "firewallcmd", "ufw"];
    for name in &names {
        let jail = config.jail(&format!("try-{name}")).unwrap();
        let native = firewall.iter().any(|stem| name.starts_with(stem));
        assert_eq!(jail.responders == ["nftables".into()], native, "{name}: {:?}", jail.responders);
        assert_eq!(jail.actions.len(), usize::from(!native), "{name}");
        for action in &jail.actions {
            assert!(!action.command(Verb::Ban, Some(Family::Inet4)).is_empty(), "{name}");
        }
    }
    let hostsdeny = &config.jail("try-hostsdeny").unwrap().actions[0];
    assert!(hostsdeny.conditional && hostsdeny.on_demand);
    assert!(hostsdeny.command(Verb::Ban, Some(Family::Inet4)).contains("\"ALL: <ip>"), "{hostsdeny:?}");
    assert!(hostsdeny.command(Verb::Ban, Some(Family::Inet6)).contains("\"ALL: [<ip>]"), "{hostsdeny:?}");
    assert!(config.jail("try-mail").unwrap().actions[0].norestored);
}

/// The facts in the commands that `fail2ban-client -d` prints: lines such as `['set', 'sshd', 'maxretry', 5]`.
fn facts(dump: &str) -> BTreeMap<String, Facts> {
    let mut all: BTreeMap<String, Facts> = BTreeMap::new();
    let mut count = |jail: &str, key: &'static str, by: usize| {
        let facts = all.entry(jail.to_owned()).or_insert_with(|| {
            let counted =
                ["addfailregex", "addignoreregex", "addjournalmatch"].map(|key| (key, "0".to_owned()));
            counted.into_iter().chain([("maxlines", "1".to_owned())]).collect()
        });
        let before: usize = facts[key].parse().unwrap();
        facts.insert(key, (before + by).to_string());
    };
    let mut settings = Vec::new();
    for line in dump.lines() {
        let words: Vec<&str> = line.trim_matches(['[', ']']).splitn(4, ", ").collect();
        let [kind, jail, key, value] = words[..] else { continue };
        let [kind, jail, key] = [kind, jail, key].map(|word| word.trim_matches('\''));
        match (kind, key) {
            ("set", "addfailregex") => count(jail, "addfailregex", 1),
            ("set", "addignoreregex") => count(jail, "addignoreregex", 1),
            ("set", "addjournalmatch") => count(jail, "addjournalmatch", 1),
            ("multi-set", "addfailregex") => count(jail, "addfailregex", strings(value)),
            ("multi-set", "addignoreregex") => count(jail, "addignoreregex", strings(value)),
            ("set", "maxretry" | "findtime" | "bantime" | "maxlines") => settings.push((jail, key, value)),
            _ => {}
        }
    }
    for (jail, key, value) in settings {
        let value = value.trim_matches('\'');
        let Ok(TimeSpan::Seconds(value)) = parse_time(value) else { panic!("{jail} {key} {value}") };
        let key =
            ["maxretry", "findtime", "bantime", "maxlines"].into_iter().find(|known| *known == key).unwrap();
        if let Some(facts) = all.get_mut(jail) {
            facts.insert(key, value.to_string());
        }
    }
    all
}

/// How many strings a Python list literal has.
fn strings(list: &str) -> usize {
    let (mut count, mut quote, mut escaped) = (0, None, false);
    for c in list.chars() {
        match quote {
            _ if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                count += 1;
            }
            _ => {}
        }
    }
    count
}

fn jail_names(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let header = |line: &str| Some(line.strip_prefix('[')?.split_once(']')?.0.to_owned());
    text.lines().filter_map(header).filter(|name| !["DEFAULT", "INCLUDES"].contains(&name.as_str())).collect()
}

fn copy(from: &Path, to: &Path) -> bool {
    let Ok(entries) = fs::read_dir(from) else { return false };
    for entry in entries.map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
    true
}
