//! `[repair]`: what is read, what is refused, and who repairs where it is on.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::time::Duration;

use common::{BASE, FILTER, Files, told};
use stockade_config::{Config, Problems, ReadRules, RepairAccount, ResponderKind, load_files_with};
use stockade_core::{Target, Timestamp};
use stockade_repair::{Mode, ModeRule, Place};

const ROLE: &str = "arn:aws:iam::444455556666:role/path/stockade-guard";

fn load(toml: &str) -> Result<Config, Problems> {
    Files::new(&[("jail.conf", BASE), FILTER, ("stockade.toml", toml)]).load()
}

#[track_caller]
fn errors(toml: &str, expected: &str) {
    let result = load(toml);
    assert!(result.is_err(), "expected errors for {toml}");
    assert_eq!(told(&result), expected.trim_matches('\n'));
}

#[test]
fn everything_is_read() {
    let repair = load(
        r#"
[repair]
mode = "approve"
trial = 0
every = "1m"
regions = ["eu-central-1", "us-east-1"]
own_account = false
tag_exempts = 0
shelf = "/srv/repairs.db"
approve_within = "4h"
undo_holds = "2d"
contain = true
break_glass = ["arn:aws:iam::*:user/glass-*", "arn:aws:iam::111122223333:role/glass"]
limit_window = "1h"
max_per_thing = 1
max_per_account = 2
max_percent = 50
min_of_kind = 3
pause = "5m"
own_prefix = "guard-"
own_functions = ["guard-events"]
own_roles = ["arn:aws:iam::111122223333:role/guard-events"]
[repair.playbooks]
trail-stopped = "act"
P02 = "off"
[[repair.where]]
account = "444455556666"
region = "us-east-1"
playbook = "P03"
mode = "notify"
[[repair.where]]
region = "eu-west-1"
mode = "plan"
[[repair.exempt]]
principal = "arn:aws:iam::111122223333:role/pipeline"
source = "192.0.2.7"
from = 2026-11-01
until = 2026-12-31
reason = "teardown"
[[repair.exempt]]
resource = "arn:aws:cloudtrail:*:trail/old-*"
playbook = "trail-stopped"
account = "111122223333"
until = "2027-01-01T06:00:00+01:00"
reason = " retired "
[repair.accounts.444455556666]
role = "arn:aws:iam::444455556666:role/path/stockade-guard"
external_id = "s3cret-id"
"#,
    )
    .unwrap()
    .program
    .repair;
    let settings = repair.settings();
    let rule = |playbook: Option<&str>, account: Option<&str>, region: Option<&str>, mode| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ModeRule { playbook: owned(playbook), account: owned(account), region: owned(region), mode }
    };
    assert_eq!(
        settings.modes.rules,
        [
            rule(Some("trail-stopped"), None, None, Mode::Act),
            rule(Some("P02"), None, None, Mode::Off),
            rule(Some("P03"), Some("444455556666"), Some("us-east-1"), Mode::Notify),
            rule(None, None, Some("eu-west-1"), Mode::Plan),
        ]
    );
    assert_eq!((settings.modes.trial, settings.modes.at_most), (Duration::ZERO, Mode::Approve));
    assert_eq!(settings.regions, ["eu-central-1", "us-east-1"]);
    assert!(settings.contain);
    assert_eq!(
        settings.own.break_glass,
        ["arn:aws:iam::*:user/glass-*", "arn:aws:iam::111122223333:role/glass"]
    );
    assert_eq!((settings.accounts, settings.own_account), (vec!["444455556666".to_owned()], false));
    let account = RepairAccount {
        account: "444455556666".into(),
        role: ROLE.into(),
        external_id: Some("s3cret-id".into()),
    };
    assert_eq!(repair.accounts, [account]);
    assert_eq!(settings.own.roles, ["arn:aws:iam::111122223333:role/guard-events", ROLE]);
    assert_eq!(
        (settings.own.prefix.as_str(), settings.own.watched_roles),
        ("guard-", vec!["guard-events".to_owned()])
    );
    assert_eq!(settings.tag_exempts, Duration::ZERO);
    let limits = settings.limits;
    assert_eq!([limits.window, limits.pause].map(|span| span.as_secs()), [3600, 300]);
    assert_eq!(
        [limits.per_subject, limits.per_account, limits.percent_of_class, limits.least_of_class],
        [1, 2, 50, 3]
    );
    let day = |text: &str| Timestamp::from_secs(text.parse::<jiff::Timestamp>().unwrap().as_second());
    let [pipeline, retired] = settings.exemptions.as_slice() else { panic!() };
    assert_eq!(pipeline.whom().from, Some(day("2026-11-01T00:00:00Z")), "a window begins with its first day");
    assert_eq!(pipeline.until(), day("2027-01-01T00:00:00Z"), "and ends with its last");
    assert_eq!(pipeline.whom().source, Some("192.0.2.7/32".parse().unwrap()));
    assert_eq!((retired.until(), retired.reason()), (day("2027-01-01T05:00:00Z"), "retired"));
}

/// A name alone would protect nobody, and nobody would see it.
#[test]
fn who_is_for_emergencies_is_named_by_an_arn() {
    errors(
        "[repair]\nbreak_glass = [\"break-glass\"]\n",
        "error: /etc/stockade/stockade.toml:2:16: repair.break_glass: expected ARNs of users and roles such as \
         `[\"arn:aws:iam::*:user/break-glass\"]`, got: `\"break-glass\"`",
    );
}

#[test]
fn what_is_wrong_is_told_with_what_was_meant() {
    errors(
        r#"
[repair]
mode = "repair"
trial = "soon"
max_percent = 101
shelf = "repairs.db"
own_prefix = ""
exempts = []
[repair.playbooks]
trail-stoped = "act"
P02 = true
[[repair.where]]
mode = "act"
[[repair.where]]
playbook = "trail-deletd"
[[repair.where]]
acount = "444455556666"
region = "EU"
mode = "act"
[repair.accounts.4444]
role = "arn:aws:iam::444455556666:role/x"
[repair.accounts.444455556666]
role = "arn:aws:iam::444455556666:user/x"
external_id = "x"
[repair.accounts.444455556667]
"#,
        r#"
error: /etc/stockade/stockade.toml:3:8: repair.mode: expected one of `off`, `notify`, `plan`, `approve`, `act`, got: `"repair"`
error: /etc/stockade/stockade.toml:4:9: repair.trial: expected a length of time such as `10m`, at least 0s, got: `"soon"`
error: /etc/stockade/stockade.toml:5:15: repair.max_percent: expected a whole number from 0 to 100, got: `101`
error: /etc/stockade/stockade.toml:6:9: repair.shelf: expected an absolute path, `postgresql://…`, `dynamodb:TABLE`, or nothing, got: `"repairs.db"`
error: /etc/stockade/stockade.toml:7:14: repair.own_prefix: expected up to 64 letters, digits and `-_.`, got: `""`
error: /etc/stockade/stockade.toml:8:1: repair: unknown setting `exempts`
  hint: did you mean `exempt`?
error: /etc/stockade/stockade.toml:10:1: repair.playbooks.trail-stoped: unknown playbook `trail-stoped`
  hint: did you mean `trail-stopped`?
error: /etc/stockade/stockade.toml:11:7: repair.playbooks.P02: expected one of `off`, `notify`, `plan`, `approve`, `act`, got: `true`
error: /etc/stockade/stockade.toml:12:1: repair.where: expected a `playbook`, an `account` or a `region`, got: `[[repair.where]]`
  hint: what holds everywhere is `mode` of `[repair]`
error: /etc/stockade/stockade.toml:14:1: repair.where.mode: expected one of `off`, `notify`, `plan`, `approve`, `act`, got nothing
error: /etc/stockade/stockade.toml:15:12: repair.where: unknown playbook `trail-deletd`
  hint: did you mean `trail-deleted`?
error: /etc/stockade/stockade.toml:17:1: repair.where: unknown setting `acount`
  hint: did you mean `account`?
error: /etc/stockade/stockade.toml:18:10: repair.where.region: expected a region such as `eu-central-1`, got: `"EU"`
error: /etc/stockade/stockade.toml:20:18: repair.accounts.4444: expected an account's twelve digits, got: `4444`
error: /etc/stockade/stockade.toml:21:8: repair.accounts.4444.role: expected a role of the account 4444, got: `"arn:aws:iam::444455556666:role/x"`
error: /etc/stockade/stockade.toml:23:8: repair.accounts.444455556666.role: expected the ARN of a role, such as `arn:aws:iam::111122223333:role/stockade-guard`, got: `"arn:aws:iam::444455556666:user/x"`
error: /etc/stockade/stockade.toml:24:15: repair.accounts.444455556666.external_id: expected 2 to 1224 characters, got: `"x"`
error: /etc/stockade/stockade.toml:25:18: repair.accounts.444455556667.role: expected the ARN of a role, such as `arn:aws:iam::111122223333:role/stockade-guard`, got nothing
"#,
    );
}

#[test]
fn an_exemption_without_end_reason_or_object_is_refused() {
    errors(
        r#"
[[repair.exempt]]
principal = "arn:aws:iam::111122223333:role/pipeline"
reason = "x"
[[repair.exempt]]
account = "111122223333"
until = 2026-12-31
[[repair.exempt]]
until = 2026-12-31
reason = "everything"
[[repair.exempt]]
account = "111122223333"
until = "for ever"
reason = ""
"#,
        r#"
error: /etc/stockade/stockade.toml:2:1: repair.exempt.until: expected a day such as 2026-12-31, or a moment such as 2026-12-31T18:00:00Z, got nothing
error: /etc/stockade/stockade.toml:5:1: repair.exempt.reason: expected a reason, got nothing
error: /etc/stockade/stockade.toml:8:1: repair.exempt: expected a playbook, a principal, an account, a resource, a source or a window, got: `[[repair.exempt]]`
error: /etc/stockade/stockade.toml:13:9: repair.exempt.until: expected a day such as 2026-12-31, or a moment such as 2026-12-31T18:00:00Z, got: `"for ever"`
error: /etc/stockade/stockade.toml:14:10: repair.exempt.reason: expected a reason, got: `""`
"#,
    );
}

#[test]
fn what_signs_links_is_found_elsewhere_and_never_shown() {
    for (written, shown) in
        [("env:LINKS", "env:LINKS"), ("file:/etc/links", "file:/etc/links"), ("ssm:/a/b", "ssm:/a/b")]
    {
        let url = "https://guard.example.com/";
        let config = load(&format!(
            "[repair]\nlink_secret = \"{written}\"\nlink_url = \"{url}\"\ntell = [\"chat\"]\n"
        ));
        let repair = config.unwrap().program.repair;
        assert_eq!(repair.link_secret.map(|secret| secret.to_string()).as_deref(), Some(shown));
        assert_eq!((repair.link_url.as_str(), repair.tell), (url, vec!["chat".to_owned()]));
    }
    assert!(load("[repair]\nlink_secret = \"\"\n").unwrap().program.repair.link_secret.is_none());
    errors(
        "[repair]\nlink_secret = \"0123456789abcdef0123456789abcdef\"\nlink_url = \"http://guard.example.com/\"\n",
        r#"
error: /etc/stockade/stockade.toml:2:15: repair.link_secret: expected `env:NAME`, `file:/path`, `ssm:/name` or nothing, got: `***`
error: /etc/stockade/stockade.toml:3:12: repair.link_url: expected an address such as `https://guard.example.com/`, without a query, or nothing, got: `"http://guard.example.com/"`
"#,
    );
}

#[test]
fn the_environment_may_switch_it_on() {
    let files = Files::new(&[("jail.conf", BASE), FILTER]);
    let env = |name: &str| (name == "STOCKADE_REPAIR_MODE").then(|| "act".to_owned());
    let config = load_files_with(&files, "", &env, ReadRules::No).unwrap();
    assert_eq!(config.program.repair.mode, Mode::Act);
    let about = stockade_repair::CATALOGUE[0].about();
    let (place, start) = (Place::new("111122223333", "eu-west-1"), Timestamp::from_secs(0));
    let modes = config.program.repair.modes();
    assert_eq!(modes.of(about, &place, start, start), Mode::Plan, "for the first days");
    assert_eq!(modes.of(about, &place, start, start.plus(Duration::from_secs(8 * 86_400))), Mode::Act);
}

/// The variables of `[repair]` that a function's template sets, over a file that says otherwise.
#[test]
fn variables_name_modes_of_playbooks_and_roles_of_other_accounts() {
    let file = format!(
        "[repair.playbooks]\ntrail-stopped = \"notify\"\nP02 = \"plan\"\n[[repair.where]]\nplaybook = \"P01\"\n\
         region = \"us-east-1\"\nmode = \"off\"\n[repair.accounts.444455556666]\nrole = \"{ROLE}\"\n\
         external_id = \"old\"\n[repair.accounts.777777777777]\nrole = \"arn:aws:iam::777777777777:role/x\"\n"
    );
    let files = Files::new(&[("jail.conf", BASE), FILTER, ("stockade.toml", &file)]);
    let env = |name: &str| {
        let value = match name {
            "STOCKADE_REPAIR_PLAYBOOKS" => "P01=act,P02=,trail-weakened=approve",
            "STOCKADE_REPAIR_MEMBERS" => "arn:aws:iam::222222222222:role/m, arn:aws:iam::444455556666:role/m",
            "STOCKADE_REPAIR_EXTERNAL_ID" => "0123456789",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let config = load_files_with(&files, "", &env, ReadRules::No).unwrap();
    let mode = |at: usize, region: &str| {
        let (place, now) = (Place::new("111122223333", region), Timestamp::from_secs(0));
        config.program.repair.modes().of(stockade_repair::CATALOGUE[at].about(), &place, now, now)
    };
    assert_eq!((mode(0, "eu-west-1"), mode(0, "us-east-1")), (Mode::Act, Mode::Off));
    assert_eq!((mode(1, "eu-west-1"), mode(2, "eu-west-1")), (Mode::Plan, Mode::Approve));
    let account = |id: &str, role: &str, external_id: Option<&str>| RepairAccount {
        account: id.to_owned(),
        role: role.to_owned(),
        external_id: external_id.map(str::to_owned),
    };
    let wanted = [
        account("777777777777", "arn:aws:iam::777777777777:role/x", None),
        account("222222222222", "arn:aws:iam::222222222222:role/m", Some("0123456789")),
        account("444455556666", "arn:aws:iam::444455556666:role/m", Some("0123456789")),
    ];
    assert_eq!(config.program.repair.accounts, wanted);
    // Where there is none for all, the file may say what a role of the same name asks for.
    let env = |name: &str| (name == "STOCKADE_REPAIR_MEMBERS").then(|| ROLE.to_owned());
    let of_file = load_files_with(&files, "", &env, ReadRules::No).unwrap().program.repair.accounts;
    assert_eq!(of_file[1], account("444455556666", ROLE, Some("old")));
    let rows: Vec<_> =
        config.origin_table().iter().filter(|row| row.section.starts_with("repair.")).collect();
    let shown: Vec<String> = rows
        .iter()
        .filter(|row| row.section == "repair.playbooks" || row.section.ends_with("444455556666"))
        .map(|row| format!("{} = {} ({})", row.key, row.value, row.origin))
        .collect();
    let of = |what: &str, name: &str| format!("{what} (environment variable `STOCKADE_REPAIR_{name}`)");
    let wanted = [
        "P02 = \"plan\" (/etc/stockade/stockade.toml:3:1)".to_owned(),
        of("P01 = \"act\"", "PLAYBOOKS"),
        of("trail-weakened = \"approve\"", "PLAYBOOKS"),
        of("role = \"arn:aws:iam::444455556666:role/m\"", "MEMBERS"),
        of("external_id = \"0123456789\"", "EXTERNAL_ID"),
    ];
    assert_eq!(shown, wanted);
}

#[test]
fn what_a_variable_should_not_say_is_told_by_its_name() {
    let files = Files::new(&[("jail.conf", BASE), FILTER]);
    let env = |name: &str| {
        let value = match name {
            "STOCKADE_REPAIR_MODE" => "always",
            "STOCKADE_REPAIR_PLAYBOOKS" => "P01,P77=act,P02=always,trail-stoped=act",
            "STOCKADE_REPAIR_MEMBERS" => {
                "222222222222 arn:aws:iam::333333333333:role/m arn:aws:iam::333333333333:role/n"
            }
            "STOCKADE_REPAIR_EXTERNAL_ID" => "!",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let said = told(&load_files_with(&files, "", &env, ReadRules::No));
    let names: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    for (line, wanted) in names.iter().zip([
        "error: environment variable `STOCKADE_REPAIR_MODE`: repair.mode: expected one of `off`, `notify`, `plan`, `approve`, `act`, got: `always`",
        "error: environment variable `STOCKADE_REPAIR_PLAYBOOKS`: expected playbooks with their modes such as `P01=act,P03=approve`, got: `P01`",
        "error: environment variable `STOCKADE_REPAIR_PLAYBOOKS`: unknown playbook `P77`",
        "error: environment variable `STOCKADE_REPAIR_PLAYBOOKS`: expected one of `off`, `notify`, `plan`, `approve`, `act` for P02, got: `always`",
        "error: environment variable `STOCKADE_REPAIR_PLAYBOOKS`: unknown playbook `trail-stoped`",
        "error: environment variable `STOCKADE_REPAIR_EXTERNAL_ID`: expected 2 to 1224 letters, digits and `+=,.@:/-_`, got: `!`",
        "error: environment variable `STOCKADE_REPAIR_MEMBERS`: expected the ARN of a role",
        "error: environment variable `STOCKADE_REPAIR_MEMBERS`: expected one role of each account, got: `arn:aws:iam::333333333333:role/n`",
    ]) {
        assert!(line.starts_with(wanted), "{said}");
    }
    assert_eq!(names.len(), 8, "{said}");
}

#[test]
fn where_it_is_on_somebody_repairs_and_elsewhere_people_are_told() {
    let with_rules = |toml: &str| {
        let files = Files::new(&[("jail.conf", BASE), FILTER, ("stockade.toml", toml)]);
        load_files_with(&files, "", &|_| None, ReadRules::Yes).unwrap()
    };
    let stopped = |config: &Config| {
        let jail = config.jail("cloudtrail-stopped").unwrap();
        let by: Vec<String> = jail.responders.iter().map(ToString::to_string).collect();
        (jail.jail.target, by)
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let on = with_rules("[repair]\nmode = \"plan\"\n");
    assert_eq!(stopped(&on), (Target::Repair, names(&["repair"])));
    let named = with_rules("[repair.playbooks]\nP01 = \"act\"\n[responders.aws]\nkind = \"repair\"\n");
    assert_eq!(stopped(&named), (Target::Repair, names(&["aws"])));
    assert_eq!(named.program.responders.iter().filter(|one| one.kind == ResponderKind::Repair).count(), 1);
    // Who repairs keeps nobody out: the firewall goes on doing so, and no jail of a log asks for repairs.
    let kinds = |config: &Config| {
        config.program.responders.iter().map(|one| one.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&named)[..2], names(&["nftables", "aws"])[..]);
    assert_eq!(
        named.jails[0].responders.iter().map(ToString::to_string).collect::<Vec<_>>(),
        names(&["nftables"])
    );
    for off in ["", "[responders.aws]\nkind = \"repair\"\n"] {
        let off = with_rules(off);
        assert_eq!(stopped(&off), (Target::Notify, names(&["log"])));
        assert!(told(&Ok(off)).contains("no responder repairs"));
    }
}
