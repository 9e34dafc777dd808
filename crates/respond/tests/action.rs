//! The responder `action` with real commands: fail2ban's rules for when which command is run.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod action_support;

use std::fs;
use std::time::{Duration, Instant};

use action_support::{Folder, NOW, bans, evidence, found, standing, unbans};
use stockade_core::action::{ActionSpec, Family, Verb};
use stockade_core::ports::{Evidence, JailCounts, Plan, Responder, Wants};
use stockade_core::{Key, Outcome, Timestamp};
use stockade_respond::Action;

const NOTES: &[(Verb, &str)] = &[
    (Verb::Start, "note start"),
    (Verb::Ban, "note ban <ip> '<family>' <failures> <bantime> <restored>"),
    (Verb::Unban, "note unban <ip> <bantime>"),
    (Verb::Stop, "note stop"),
];

fn with(more: &[(Verb, &'static str)]) -> Vec<(Verb, &'static str)> {
    NOTES
        .iter()
        .filter(|(verb, _)| more.iter().all(|(other, _)| other != verb))
        .chain(more)
        .copied()
        .collect()
}

fn done(outcomes: &[Outcome]) -> bool {
    outcomes.iter().all(|outcome| *outcome == Outcome::Done)
}

/// The same with options for one family: `<x>` is other text for IPv6.
fn conditional(mut spec: ActionSpec) -> ActionSpec {
    for ((_, family), text) in &mut spec.commands {
        *text = text.replace("<x>", if *family == Some(Family::Inet6) { "six" } else { "four" });
    }
    (spec.conditional, spec.on_demand) = (true, true);
    spec
}

#[test]
fn from_start_to_stop() {
    let folder = Folder::new();
    let mut action = Action::new(folder.spec(NOTES));
    action.prepare(&[]).unwrap();
    action.prepare(&[]).unwrap();
    assert!(done(&action.apply(&bans(&["192.0.2.1", "2001:db8::/64"]), NOW).unwrap()));
    assert!(done(&action.apply(&bans(&["192.0.2.1"]), NOW).unwrap()), "it is in force already");
    assert!(
        done(&action.apply(&unbans(&["192.0.2.1", "192.0.2.9"]), NOW).unwrap()),
        "nobody banned the second"
    );
    action.flush().unwrap();
    action.flush().unwrap();
    assert_eq!(
        folder.seen(),
        [
            "start",
            "ban 192.0.2.1 inet4 0 600 0",
            "ban 2001:db8::/64 inet6 0 600 0",
            "unban 192.0.2.1 600",
            "unban 2001:db8::/64 600",
            "stop",
        ]
    );
    action.prepare(&[]).unwrap();
    assert_eq!(folder.seen(), ["start"]);
}

#[test]
fn each_family_has_a_ground_of_its_own_where_options_differ() {
    let folder = Folder::new();
    let commands = with(&[
        (Verb::Start, "note start <x> <family>"),
        (Verb::Flush, "note flush"),
        (Verb::Stop, "note stop <x>"),
        (Verb::Ban, "note ban <x> <ip>"),
    ]);
    let mut action = Action::new(conditional(folder.spec(&commands)));
    action.prepare(&[]).unwrap();
    assert_eq!(folder.seen(), Vec::<String>::new(), "on demand");
    action.apply(&bans(&["2001:db8::1", "2001:db8::2", "192.0.2.1"]), NOW).unwrap();
    action.flush().unwrap();
    assert_eq!(
        folder.seen(),
        [
            "start six inet6",
            "ban six 2001:db8::1",
            "ban six 2001:db8::2",
            "start four inet4",
            "ban four 192.0.2.1",
            "flush",
            "stop four",
            "stop six",
        ],
        "one command for both is run once"
    );
    // Started with the jail after all, both at once.
    let mut spec = conditional(folder.spec(&with(&[(Verb::Start, "note start <x>")])));
    spec.on_demand = false;
    Action::new(spec).prepare(&[]).unwrap();
    assert_eq!(folder.seen()[0], "start four");
    // The same command for both families: one ground.
    let mut action = Action::new(conditional(folder.spec(&with(&[(Verb::Ban, "note ban <x>")]))));
    action.apply(&bans(&["2001:db8::1", "192.0.2.1"]), NOW).unwrap();
    assert_eq!(folder.seen(), ["start", "ban six", "ban four"]);
}

#[test]
fn a_ban_that_fails_is_repeated_on_ground_made_anew() {
    let folder = Folder::new();
    let commands = with(&[
        (Verb::Start, "note start; touch {at}/ground"),
        (Verb::Stop, "note stop; rm -f {at}/ground"),
        (Verb::Check, "note check; test -e {at}/ground"),
        (Verb::Ban, "note ban <ip>; test -e {at}/ground"),
        (Verb::Reban, "note reban <ip>"),
    ]);
    let mut action = Action::new(folder.spec(&commands));
    action.prepare(&[]).unwrap();
    action.apply(&bans(&["192.0.2.1", "2001:db8::1"]), NOW).unwrap();
    fs::remove_file(folder.path("ground")).unwrap();
    assert!(done(&action.apply(&bans(&["192.0.2.2"]), NOW).unwrap()));
    let again = ["reban 192.0.2.1", "reban 2001:db8::1"];
    let made_anew = ["ban 192.0.2.2", "check", "stop", "start", "check", "ban 192.0.2.2"];
    assert_eq!(folder.seen()[3..], [&made_anew[..], &again].concat());

    // With a repair nothing is stopped.
    let commands = [&commands[..], &[(Verb::Repair, "note repair; touch {at}/ground")]].concat();
    let mut action = Action::new(folder.spec(&commands));
    action.prepare(&[]).unwrap();
    fs::remove_file(folder.path("ground")).unwrap();
    assert!(done(&action.apply(&bans(&["192.0.2.2"]), NOW).unwrap()));
    assert_eq!(folder.seen()[1..], ["ban 192.0.2.2", "check", "repair", "check", "ban 192.0.2.2"]);

    // A ground that is gone holds nobody.
    fs::remove_file(folder.path("ground")).unwrap();
    let mut spec =
        folder.spec(&[&commands[..], &[(Verb::Unban, "note unban; test -e {at}/ground")]].concat());
    let mut action = Action::resume(spec.clone(), action.memory());
    assert!(done(&action.apply(&unbans(&["192.0.2.2"]), NOW).unwrap()));
    assert_eq!(folder.seen(), ["unban", "check"]);
    // Unless an unban is to mend it.
    spec.repair_on_unban = true;
    let mut action = Action::new(spec);
    action.apply(&bans(&["192.0.2.2"]), NOW).unwrap();
    fs::remove_file(folder.path("ground")).unwrap();
    folder.seen();
    assert!(done(&action.apply(&unbans(&["192.0.2.2"]), NOW).unwrap()));
    assert_eq!(folder.seen(), ["unban", "check", "repair", "check", "unban"]);
}

#[test]
fn a_failure_is_told_with_its_words_and_loses_no_other() {
    let folder = Folder::new();
    let commands =
        with(&[(Verb::Ban, "note <ip>; case <ip> in *.2) echo no chain; echo here >&2; exit 4;; esac")]);
    let mut action = Action::new(folder.spec(&commands));
    let outcomes = action.apply(&bans(&["192.0.2.1", "192.0.2.2", "192.0.2.3"]), NOW).unwrap();
    let error = "`actionban` of `door/note` ended with exit status: 4: no chain here".to_owned();
    assert_eq!(outcomes, [Outcome::Done, Outcome::Failed { error }, Outcome::Done]);
    assert_eq!(folder.seen(), ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"], "once more, and no more");
    // A report is not repeated: half of it may have been sent.
    let mut spec = folder.spec(&commands);
    spec.norestored = true;
    let outcomes = Action::new(spec).apply(&bans(&["192.0.2.2"]), NOW).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Refused { reason } if reason.ends_with("not repeated")));
}

#[test]
fn a_start_that_fails_is_told_and_not_repeated() {
    let folder = Folder::new();
    let mut action = Action::new(folder.spec(&with(&[(Verb::Start, "note start; echo no table; exit 1")])));
    for _ in 0..2 {
        let error = action.prepare(&[]).unwrap_err();
        assert!(error.message.ends_with("no table"), "{error}");
    }
    assert!(done(&action.apply(&bans(&["192.0.2.1"]), NOW).unwrap()));
    assert_eq!(folder.seen(), ["start", "ban 192.0.2.1 inet4 0 600 0"]);
}

#[test]
fn what_cannot_be_lifted_is_given_up_in_the_end() {
    let folder = Folder::new();
    let mut action = Action::new(folder.spec(&with(&[(Verb::Unban, "exit 1")])));
    action.apply(&bans(&["192.0.2.1"]), NOW).unwrap();
    for _ in 0..4 {
        let outcomes = action.apply(&unbans(&["192.0.2.1"]), NOW).unwrap();
        assert!(matches!(&outcomes[0], Outcome::Failed { .. }), "{outcomes:?}");
    }
    let outcomes = action.apply(&unbans(&["192.0.2.1"]), NOW).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Refused { .. }), "{outcomes:?}");
}

#[test]
fn a_longer_ban_is_prolonged_where_there_is_a_command() {
    let folder = Folder::new();
    let longer = Plan { add: vec![standing("192.0.2.1", 1_200)], remove: vec![] };
    for (more, expected) in
        [(&[][..], &[][..]), (&[(Verb::Prolong, "note prolong <ip> <bantime>")], &["prolong 192.0.2.1 1200"])]
    {
        let mut action = Action::new(folder.spec(&with(more)));
        action.apply(&bans(&["192.0.2.1"]), NOW).unwrap();
        folder.seen();
        let extends = [Evidence { since: NOW, extends: true, ..Evidence::default() }];
        assert!(done(&action.apply_with(&longer, &extends, NOW).unwrap()));
        assert!(done(&action.apply_with(&longer, &extends, NOW).unwrap()), "and only once");
        assert_eq!(folder.seen(), expected);
    }
}

#[test]
fn bans_of_before_the_start_are_put_back_unless_they_are_none_of_its_business() {
    let folder = Folder::new();
    let before =
        [(standing("192.0.2.1", 300), evidence(vec![])), (standing("192.0.2.2", 300), evidence(vec![]))];
    let mut action = Action::new(folder.spec(NOTES));
    action.prepare(&[]).unwrap();
    action.apply(&bans(&["192.0.2.2"]), NOW).unwrap();
    folder.seen();
    action.restore(&before, NOW).unwrap();
    assert_eq!(folder.seen(), ["ban 192.0.2.1 inet4 2 300 1"], "the other one is in force");

    let mut spec = folder.spec(NOTES);
    spec.norestored = true;
    let mut action = Action::new(spec);
    action.restore(&before, NOW).unwrap();
    let longer = Evidence { extends: true, ..Evidence::default() };
    action
        .apply_with(&Plan { add: vec![standing("192.0.2.1", 900)], remove: vec![] }, &[longer], NOW)
        .unwrap();
    assert_eq!(folder.seen(), Vec::<String>::new());
    // An order that the last daemon could not carry out any more.
    action.apply(&bans(&["192.0.2.2"]), NOW).unwrap();
    assert_eq!(folder.seen(), ["ban 192.0.2.2 inet4 0 600 0"]);

    // What cannot be put back is tried again.
    let mut action =
        Action::new(folder.spec(&with(&[(Verb::Ban, "test -e {at}/may && note ban <restored>")])));
    action.prepare(&[]).unwrap();
    assert!(action.restore(&before, NOW).is_err() && action.prepare(&[]).is_err());
    fs::write(folder.path("may"), "").unwrap();
    action.prepare(&[]).unwrap();
    assert_eq!(folder.seen()[1..], ["ban 1", "ban 1"]);
}

#[test]
fn a_reload_goes_on_or_takes_down_what_was_there() {
    let folder = Folder::new();
    let commands = with(&[(Verb::Reload, "note reload"), (Verb::Stop, "note stop old")]);
    let mut action = Action::new(folder.spec(&commands));
    action.prepare(&[]).unwrap();
    action.apply(&bans(&["192.0.2.1"]), NOW).unwrap();
    let mut action = Action::resume(folder.spec(&commands), action.memory().reloaded());
    folder.seen();
    action.prepare(&[]).unwrap();
    action.restore(&[(standing("192.0.2.1", 600), evidence(vec![]))], NOW).unwrap();
    action.prepare(&[]).unwrap();
    assert_eq!(folder.seen(), ["reload"]);

    let mut other = Action::new(folder.spec(NOTES)).instead_of(action);
    other.prepare(&[]).unwrap();
    other.restore(&[(standing("192.0.2.1", 600), evidence(vec![]))], NOW).unwrap();
    assert_eq!(folder.seen(), ["unban 192.0.2.1 600", "stop old", "start", "ban 192.0.2.1 inet4 2 600 1"]);
}

#[test]
fn a_command_that_hangs_is_killed_with_all_it_started_and_holds_up_only_the_first_few() {
    let folder = Folder::new();
    let mut spec = folder.spec(&with(&[(Verb::Ban, "note ban; (sleep 2; note alive) & sleep 30")]));
    spec.timeout = Duration::from_millis(200);
    let began = Instant::now();
    let keys: Vec<String> = (1..=20).map(|n| format!("192.0.2.{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let outcomes = Action::new(spec).apply(&bans(&keys), NOW).unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(matches!(&outcomes[2], Outcome::Failed { error } if error.ends_with("more than 0.2 s")));
    assert!(matches!(&outcomes[19], Outcome::Failed { error } if error.starts_with("not tried")));
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(folder.seen(), ["ban", "ban", "ban"]);
}

#[test]
fn what_the_tags_stand_for() {
    let folder = Folder::new();
    let text = "note \"<ip>|<fid>|<ip-rev>|<family>|<failures>|<time>|<bantime>|<bancount>|<restored>|<timeout>\"\n\
                note \"<matches>\"\nnote \"<ipmatches>\"\nnote \"<ipjailmatches>\"\nnote \"<ipfailures> <ipjailfailures>\"\n\
                note \"<jail.name> <jail.banned> <jail.banned_total> <jail.found> <jail.found_total>\"\n\
                note \"[<F-USER>][<F-PORT>][<F-ID>][<F-GONE>][<sp>]<br>[<ip-host>]\"; note '<F-USER>'\n\
                note \"<sh-hostname>\" '<unknown>' | cat";
    let mut action = Action::new(folder.spec(&with(&[(Verb::Ban, text)])));
    assert_eq!(action.wants(), Wants { matches: true, fields: true, counts: true });
    let matches = vec![
        found("door", 300, "old", "before"),
        found("other", 250, "x", "other line"),
        found("door", 200, "eve", "one"),
        found("door", 100, "bob", "two"),
    ];
    let evidence = Evidence {
        fields: vec![("fport".into(), "4711".into()), ("user".into(), "eve".into())],
        counts: JailCounts { banned: 1, banned_total: 2, found: 3, found_total: 4 },
        ..evidence(matches)
    };
    let plan = Plan { add: vec![standing("192.0.2.1", 600)], remove: vec![] };
    assert!(done(&action.apply_with(&plan, &[evidence], NOW).unwrap()));
    let mut seen = folder.seen();
    assert_eq!(
        seen.pop().unwrap(),
        format!("{} <unknown>", rustix::system::uname().nodename().to_string_lossy())
    );
    assert_eq!(
        seen,
        [
            "192.0.2.1|192.0.2.1|1.2.0.192.|inet4|2|4000000000|600|2|0|20",
            "one",
            "two",
            "before",
            "other line",
            "one",
            "two",
            "before",
            "one",
            "two",
            "4 3",
            "door 1 2 3 4",
            "[eve][4711][192.0.2.1][][ ]",
            "[None]",
            "${f2bV_F_user}",
        ]
    );
}

#[test]
fn nothing_of_what_others_wrote_is_run() {
    let hostile = [
        "$(touch {at}/owned)",
        "`touch {at}/owned`",
        "'; touch {at}/owned; '",
        "\"; touch {at}/owned; \"",
        "\n touch {at}/owned\n",
        "|| touch {at}/owned #",
        "& touch {at}/owned &",
        "${IFS}$(touch${IFS}{at}/owned)",
        "\\\"; touch {at}/owned",
        "$((`touch {at}/owned`))",
        "{at}/* ~ ? [a-z] \\",
        "<ip> <F-USER> <matches>",
        "EOF\ntouch {at}/owned",
        "a\0b",
        "() { :;}; touch {at}/owned",
        "-e \\x24(touch {at}/owned)",
        "%s%n%x \u{202e}\u{fffd}",
    ];
    let text = "note \"<F-USER>\" \"<matches>\" '<F-USER>' \"<fid>\" <F-USER> \"<ip>\"\n\
                printf '%s' \"<F-USER>\" > {at}/user; cat >/dev/null <<EOF\n<matches>\nEOF\n\
                x=<F-USER>; y=\"$(echo \"<F-USER>\")\"; sh -c 'echo \"<F-USER>\"' >/dev/null; : \"${x:-<matches>}\"";
    for value in hostile {
        let folder = Folder::new();
        let value = value.replace("{at}", &folder.path("").display().to_string());
        let mut action =
            Action::new(folder.spec(&[(Verb::Ban, text), (Verb::Unban, text), (Verb::Check, "true")]));
        let named = stockade_core::ports::Standing {
            jail: "door".into(),
            key: Key::name(&value),
            until: Timestamp::MAX,
        };
        let matches = vec![found("door", 0, &value, &value), found("door", 0, &value, &value)];
        let evidence = evidence(matches);
        let plan = Plan {
            add: vec![standing("192.0.2.1", 600), named.clone()],
            remove: vec![(named.jail, named.key)],
        };
        let outcomes = action.apply_with(&plan, &vec![evidence; 3], NOW).unwrap();
        assert!(done(&outcomes), "{value:?}: {outcomes:?}");
        assert!(!folder.path("owned").exists(), "{value:?} was run");
        let passed = fs::read_to_string(folder.path("user")).unwrap();
        assert_eq!(passed, value.replace('\0', "\u{fffd}"), "and it arrives as it is");
    }
}
