//! Configurations thrown together at random from pieces of the language, read by both. Most of what the stock files do not do
//! happens here: names that meet in several sections, references across them, tags in tags, mistakes.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use stockade_filter::conf::{Directory, ProblemKind, Reader, Severity, Which, dump};

use crate::judge::{Copy, VERSION, json_of};

const CONFIGURATIONS: u64 = 400;

/// Reads each directory given as argument; one line of JSON each: the commands, or null if it is refused.
const JUDGE: &str = r#"
import json, logging, sys
from fail2ban.client.configurator import Configurator
logging.disable(logging.CRITICAL)
for path in sys.argv[1:]:
    try:
        reader = Configurator()
        reader.setBaseDir(path)
        reader.readAll()
        reader.getOptions()
        reader.convertToProtocol(allow_no_files=True)
        commands = reader.getConfigStream()
        refused = any(command[0] == "config-error" for command in commands)
        print(json.dumps(None if refused else commands))
    except RecursionError:
        raise
    except Exception:
        print("null")
"#;

#[test]
fn random_configurations() {
    if Copy::new().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let roots: Vec<_> = (0..CONFIGURATIONS).map(|seed| dir.path().join(seed.to_string())).collect();
    for (seed, root) in (0..).zip(&roots) {
        write(&mut Random(seed), root);
    }
    let judge =
        Command::new("fail2ban-python").args(["-c", JUDGE]).args(&roots).output().expect("fail2ban-python");
    assert!(judge.status.success(), "{}", String::from_utf8_lossy(&judge.stderr));
    let judge = String::from_utf8(judge.stdout).expect("UTF-8");
    assert_eq!(judge.lines().count(), roots.len());
    let mut accepted = 0;
    for (root, line) in roots.iter().zip(judge.lines()) {
        let judge: Json = serde_json::from_str(line).expect("JSON");
        accepted += usize::from(compare(root, &judge));
    }
    assert!(
        (100..300).contains(&accepted),
        "{accepted} of {CONFIGURATIONS} are accepted, one kind is not tested enough"
    );
}

/// Compares one configuration; whether it is accepted (by both).
fn compare(root: &Path, judge: &Json) -> bool {
    let files = Directory(root.to_owned());
    let jails = Reader::new(&files).with_version(VERSION).jails(Which::Enabled);
    let problems = jails.all_problems();
    // fail2ban finds out about a wrong length of time when it starts, not when it reads.
    let refused = problems
        .iter()
        .any(|p| p.severity == Severity::Error && !matches!(p.kind, ProblemKind::BadTime { .. }));
    let about = || {
        let file =
            |name: &str| fs::read_to_string(root.join(name)).map(|text| format!("--- {name}\n{text}\n"));
        FILES.iter().filter_map(|name| file(name).ok()).collect::<String>()
    };
    let Json::Array(judge) = judge else {
        assert!(refused, "accepted, but fail2ban refuses:\n{}", about());
        return false;
    };
    assert!(!refused, "refused, but fail2ban does not:\n{problems}\n{}", about());
    let commands: Vec<Json> = dump::jails(&jails, &mut |_| Vec::new(), &|_| false)
        .iter()
        .map(|command| json_of(&command.words))
        .collect();
    let judge: Vec<_> = judge.iter().filter(|command| command[1] == "j").collect();
    for (ours, judge) in commands.iter().zip(&judge) {
        assert_eq!(&ours, judge, "ours is on the left:\n{}", about());
    }
    assert_eq!(commands.len(), judge.len(), "{}", about());
    true
}

/// Makes most references good.
const BASE: &str = "[DEFAULT]\nk = K\nb = B<c>\nc = C%%\nmode = m\nbackend = auto\nfailregex = F\n";

const FILES: &[&str] = &[
    "fail2ban.conf",
    "jail.conf",
    "jail.d/x.conf",
    "jail.local",
    "filter.d/f.conf",
    "filter.d/f.local",
    "filter.d/inc.conf",
    "filter.d/inc.local",
    "filter.d/late.conf",
    "action.d/act.conf",
    "action.d/act.local",
];

fn write(random: &mut Random, root: &Path) {
    for dir in ["jail.d", "filter.d", "action.d"] {
        fs::create_dir_all(root.join(dir)).expect("a directory");
    }
    let put = |name: &str, text: String| fs::write(root.join(name), text).expect("a file");
    put("fail2ban.conf", "[Definition]\n".into());
    let params = |random: &mut Random| {
        (0..random.below(3))
            .map(|_| {
                format!("{}={}", random.name(), random.of(&["v", "\"a, b\"", "'<b>'", "<known/k>", "x y"]))
            })
            .collect::<Vec<_>>()
            .join(",")
    };
    put("filter.d/base.conf", BASE.into());
    put("action.d/base.conf", BASE.into());
    put("base.conf", BASE.into());
    let mut jail = format!(
        "[INCLUDES]\nbefore = base.conf\n[DEFAULT]\nenabled = true\nfilter = f[{}]\naction = act[{}]\n",
        params(random),
        params(random)
    );
    jail += &random.options(3, FREE_NAMES);
    jail += "[j]\n";
    jail += &random.options(3, JAIL_NAMES);
    put("jail.conf", jail);
    if random.below(3) == 0 {
        put("jail.local", format!("[j]\n{}", random.options(2, JAIL_NAMES)));
    }
    if random.below(4) == 0 {
        put(
            "jail.d/x.conf",
            format!("[j]\n{}[DEFAULT]\n{}", random.options(2, JAIL_NAMES), random.options(1, FREE_NAMES)),
        );
    }
    for (name, chance) in [("f.conf", 1), ("f.local", 2), ("inc.conf", 2), ("inc.local", 4), ("late.conf", 3)]
    {
        if random.below(chance) == 0 {
            let includes = if name.starts_with("f.") {
                "[INCLUDES]\nbefore = base.conf\n  inc.conf\nafter = late.conf\n"
            } else {
                ""
            };
            let text = format!("{includes}{}", random.sections(FILTER_NAMES));
            put(&format!("filter.d/{name}"), text);
        }
    }
    for (name, chance) in [("act.conf", 1), ("act.local", 3)] {
        if random.below(chance) == 0 {
            let text = format!("[INCLUDES]\nbefore = base.conf\n{}", random.sections(ACTION_NAMES));
            put(&format!("action.d/{name}"), text);
        }
    }
}

/// No name is a part of the word `datepattern`: fail2ban 1.0.2 takes such an option for it.
const FREE_NAMES: &[&str] = &["k", "b", "c", "d-v", "mode", "_x"];
const JAIL_NAMES: &[&str] =
    &["k", "b", "failregex", "bantime", "findtime", "ignoreip", "datepattern", "usedns", "mode", "backend"];
const FILTER_NAMES: &[&str] = &[
    "k",
    "b",
    "c",
    "d-v",
    "d-a, b",
    "failregex",
    "ignoreregex",
    "prefregex",
    "datepattern",
    "journalmatch",
    "mode",
    "logtype",
];
const ACTION_NAMES: &[&str] =
    &["k", "b", "c", "actionban", "actionstart", "actionunban", "norestored", "port", "d-v", "bantime"];
const LITERALS: &[&str] = &[
    "x",
    "^y <HOST>$",
    "v",
    "5",
    "é",
    "a;b",
    "[q]",
    "%%",
    "<ip>",
    "<F-ID>z</F-ID>",
    "A=b",
    " ; note",
    "# no",
    "=",
    "<matches>",
];
const REFERENCES: &[&str] = &[
    "%(k)s",
    "%(b)s",
    "%(C)s",
    "%(__name__)s",
    "%(known/k)s",
    "%(known/failregex)s",
    "%(default/k)s",
    "%(sec/k)s",
    "%(sec/b)s",
    "<k>",
    "<b>",
    "<c>",
    "<d-<k>>",
    "<d-<mode>>",
    "<known/k>",
    "<known/failregex>",
    "<sec/b>",
    "<Init/k>",
    "<DEFAULT/k>",
    "<K>",
    "<bantime>",
    "<findtime>",
    "<backend>",
    "%(backend)s",
    "<name>",
    "<logtype>",
    "<lt_<logtype>/k>",
    "%(mode)s",
];

/// A linear congruential generator: the same configurations every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of(&mut self, list: &[&'static str]) -> &'static str {
        let index = self.below(u64::try_from(list.len()).expect("a length"));
        list[usize::try_from(index).expect("an index")]
    }

    fn name(&mut self) -> &'static str {
        self.of(&["k", "b", "c", "mode", "failregex", "port"])
    }

    fn sections(&mut self, names: &[&'static str]) -> String {
        let mut text = String::new();
        for section in ["DEFAULT", "Definition", "Init", "Init?family=inet6", "sec", "lt_file"] {
            if section == "Definition" || self.below(2) == 0 {
                text += &format!("[{section}]\n{}", self.options(4, names));
            }
        }
        text
    }

    /// Up to `most` options, now and then one twice.
    fn options(&mut self, most: u64, names: &[&'static str]) -> String {
        let mut seen: Vec<&str> = Vec::new();
        let mut text = String::new();
        for _ in 0..=self.below(most) {
            let name = self.of(names);
            if seen.contains(&name) && self.below(30) > 0 {
                continue;
            }
            seen.push(name);
            let value = self.value();
            text += &format!("{name} = {value}\n");
        }
        text
    }

    fn value(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.below(4) {
            text += match self.below(10) {
                0..5 => self.of(LITERALS),
                5..8 => self.of(REFERENCES),
                8 => "\n   ",
                _ => " ",
            };
        }
        text
    }
}
