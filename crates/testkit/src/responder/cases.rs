//! The checks, each on a fresh responder.

use std::collections::BTreeMap;
use std::sync::Arc;

use stockade_core::ports::{Responder, Standing};
use stockade_core::{Key, Outcome, Timestamp, Verdict};

use super::Case;
use super::make::{
    Dice, apply, apply_all, ban, everywhere, expect_current, in_secs, notice, now, prepare, scope, unban,
};

/// Every check, by name.
pub(super) const CASES: &[(&str, Case)] = &[
    ("it has a name", has_a_name),
    ("an empty plan is nothing", empty_plan),
    ("a ban is in force when it is done, and an unban ends it", ban_and_unban),
    ("a plan that is carried out leaves nothing to do", nothing_left_to_do),
    ("everything may be repeated", repeated),
    ("an outcome for every item, bans first, in their order", outcomes_in_order),
    ("a ban can be made longer, shorter, for ever and limited again", other_expiries),
    ("networks may overlap, each with its own end", overlapping_networks),
    ("jails do not share bans", jails_are_apart),
    ("jails may have any name", odd_jail_names),
    ("an item that cannot be done loses no other", one_bad_item),
    ("a jail that was not prepared fails by itself", unknown_jail),
    ("of several items about one key the last counts", same_key_twice),
    ("preparing again keeps bans, and drops those of jails that are gone", prepared_again),
    ("flushing lifts everything, and may be repeated", flushed),
    ("what is no ban has an outcome each, and changes no ban", notices),
    ("any sequence of plans gives what it says", random_plans),
];

fn notices(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a")]);
    let standing = ban("a", "192.0.2.1", in_secs(600));
    apply_all(responder, std::slice::from_ref(&standing), &[]);
    assert_eq!(responder.tell(&[], now()).expect("told"), []);
    for verdict in [Verdict::Notify, Verdict::Repair] {
        // Of a key that is banned, of one that is not, of one without evidence.
        let notices = [
            notice(verdict, "192.0.2.1", &["{\"rule\":\"a\"}"]),
            notice(verdict, "arn:aws:iam::123456789012:user/a", &["{\"b\":1}", "no JSON\n{}"]),
            notice(verdict, "2001:db8::1", &[]),
        ];
        let takes = responder.takes(&verdict);
        for _ in 0..2 {
            let outcomes = responder.tell(&notices, now()).expect("told");
            assert_eq!(outcomes.len(), notices.len(), "an outcome for every notice");
            if !takes {
                let refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused { .. });
                assert!(outcomes.iter().all(refused), "what it does not take is refused: {outcomes:?}");
            }
        }
        expect_current(responder, std::slice::from_ref(&standing));
    }
    apply_all(responder, &[], &[unban("a", "192.0.2.1")]);
}

fn has_a_name(responder: &mut dyn Responder) {
    assert!(!responder.name().is_empty());
}

fn empty_plan(responder: &mut dyn Responder) {
    prepare(responder, &[]);
    expect_current(responder, &[]);
    prepare(responder, &[scope("a")]);
    assert_eq!(apply(responder, &[], &[]), []);
    expect_current(responder, &[]);
}

fn ban_and_unban(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a")]);
    for key in ["192.0.2.1", "2001:db8::1", "198.51.100.0/24", "2001:db8:1::/48"] {
        apply_all(responder, &[ban("a", key, in_secs(600))], &[]);
        expect_current(responder, &[ban("a", key, in_secs(600))]);
        apply_all(responder, &[], &[unban("a", key)]);
        expect_current(responder, &[]);
    }
}

fn nothing_left_to_do(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a"), everywhere("b")]);
    let wanted = [
        ban("a", "192.0.2.1", in_secs(600)),
        ban("b", "192.0.2.1", Timestamp::MAX),
        ban("b", "192.0.2.0/24", in_secs(86_400 * 365)),
    ];
    let Some(current) = responder.current(now()).expect("asked") else { return };
    let plan = responder.plan(&wanted, &current);
    assert_eq!(plan.add.len(), wanted.len());
    responder.apply(&plan, now()).expect("applied");
    let current = responder.current(now()).expect("asked").expect("it can be asked");
    assert!(responder.plan(&wanted, &current).is_empty(), "{current:?}");
}

fn repeated(responder: &mut dyn Responder) {
    let wanted = [ban("a", "192.0.2.1", in_secs(600)), ban("a", "2001:db8::/64", Timestamp::MAX)];
    for _ in 0..2 {
        prepare(responder, &[scope("a")]);
        for _ in 0..2 {
            apply_all(responder, &wanted, &[unban("a", "192.0.2.9"), unban("a", "203.0.113.0/28")]);
            expect_current(responder, &wanted);
        }
    }
}

fn outcomes_in_order(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a")]);
    let add = [ban("nobody", "192.0.2.1", in_secs(600)), ban("a", "192.0.2.2", in_secs(600))];
    let outcomes = apply(responder, &add, &[unban("a", "192.0.2.3")]);
    assert_eq!(outcomes.get(1..), Some(&[Outcome::Done, Outcome::Done][..]));
}

fn other_expiries(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a")]);
    for key in ["192.0.2.1", "192.0.2.0/24", "2001:db8::1"] {
        for until in [600, 86_400, 60, 600].map(in_secs).into_iter().chain([Timestamp::MAX, in_secs(600)]) {
            apply_all(responder, &[ban("a", key, until)], &[]);
            expect_current(responder, &[ban("a", key, until)]);
        }
        apply_all(responder, &[], &[unban("a", key)]);
    }
}

fn overlapping_networks(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a")]);
    let wanted = [
        ban("a", "192.0.2.1", in_secs(60)),
        ban("a", "192.0.2.0/28", in_secs(600)),
        ban("a", "192.0.2.0/24", in_secs(3_600)),
        ban("a", "192.0.0.0/16", in_secs(86_400)),
        ban("a", "2001:db8::1", in_secs(60)),
        ban("a", "2001:db8::/64", in_secs(600)),
        ban("a", "2001:db8::/32", Timestamp::MAX),
    ];
    for standing in &wanted {
        apply_all(responder, std::slice::from_ref(standing), &[]);
    }
    expect_current(responder, &wanted);
    apply_all(responder, &[], &[unban("a", "192.0.2.0/24"), unban("a", "2001:db8::/64")]);
    let left: Vec<_> = [0, 1, 3, 4, 6].into_iter().filter_map(|n| wanted.get(n).cloned()).collect();
    expect_current(responder, &left);
}

fn jails_are_apart(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a"), scope("b")]);
    let both = [ban("a", "192.0.2.1", in_secs(60)), ban("b", "192.0.2.1", in_secs(600))];
    apply_all(responder, &both, &[]);
    expect_current(responder, &both);
    apply_all(responder, &[], &[unban("a", "192.0.2.1")]);
    expect_current(responder, both.get(1..).unwrap_or_default());
}

fn odd_jail_names(responder: &mut dyn Responder) {
    let long = "x".repeat(300);
    let names = [
        "sshd",
        "SSHD",
        "a b",
        "a_b",
        "a-b",
        "a.b",
        "24-a",
        "drop",
        "",
        "\"; flush ruleset; #",
        "line\nbreak",
        "ünïcödé",
        "../../x",
        &long,
        &format!("{long}y"),
        "{}",
        "@a",
        "1",
    ];
    prepare(responder, &names.map(scope));
    let wanted: Vec<Standing> = names.iter().map(|name| ban(name, "192.0.2.1", in_secs(600))).collect();
    let networks: Vec<Standing> = names.iter().map(|name| ban(name, "192.0.2.0/24", in_secs(600))).collect();
    let wanted = [wanted, networks].concat();
    apply_all(responder, &wanted, &[]);
    expect_current(responder, &wanted);
}

fn one_bad_item(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a")]);
    let add = [
        ban("a", "192.0.2.1", in_secs(600)),
        Standing { jail: "a".into(), key: Key::name("root"), until: in_secs(600) },
        ban("a", "192.0.2.2", in_secs(600)),
    ];
    let outcomes = apply(responder, &add, &[]);
    assert_eq!((outcomes.first(), outcomes.get(2)), (Some(&Outcome::Done), Some(&Outcome::Done)));
    // Whether a name can be kept out is the responder's own; to fail means to be tried for ever.
    assert!(!matches!(outcomes.get(1), Some(Outcome::Failed { .. })), "{outcomes:?}");
    let outcomes =
        apply(responder, &[], &[unban("a", "root"), unban("a", "192.0.2.1"), unban("a", "192.0.2.2")]);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{outcomes:?}");
    expect_current(responder, &[]);
}

fn unknown_jail(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a")]);
    let add = [ban("nobody", "192.0.2.1", in_secs(600)), ban("a", "192.0.2.1", in_secs(600))];
    let outcomes = apply(responder, &add, &[unban("nobody", "192.0.2.2")]);
    assert_eq!(outcomes.get(1..), Some(&[Outcome::Done, Outcome::Done][..]));
    // A program may not care for jails; whoever does must not claim that it is done.
    if responder.current(now()).expect("asked").is_some() {
        assert!(matches!(outcomes.first(), Some(Outcome::Failed { .. })), "{outcomes:?}");
        expect_current(responder, add.get(1..).unwrap_or_default());
    }
}

fn same_key_twice(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a")]);
    let first = ban("a", "192.0.2.1", in_secs(60));
    let last = ban("a", "192.0.2.1", in_secs(600));
    apply_all(responder, &[first, last.clone()], &[]);
    expect_current(responder, std::slice::from_ref(&last));
    apply_all(responder, &[last], &[unban("a", "192.0.2.1")]);
    expect_current(responder, &[]);
}

fn prepared_again(responder: &mut dyn Responder) {
    prepare(responder, &[scope("a"), scope("b")]);
    let (a, b) = (ban("a", "192.0.2.1", in_secs(600)), ban("b", "192.0.2.0/24", in_secs(600)));
    apply_all(responder, &[a.clone(), b.clone()], &[]);
    // Other ports, and one jail more.
    prepare(responder, &[everywhere("a"), scope("b"), scope("c")]);
    expect_current(responder, &[a.clone(), b]);
    prepare(responder, &[scope("a")]);
    expect_current(responder, std::slice::from_ref(&a));
    prepare(responder, &[scope("a"), scope("b")]);
    expect_current(responder, &[a]);
}

fn flushed(responder: &mut dyn Responder) {
    responder.flush().expect("flushed before anything was prepared");
    prepare(responder, &[scope("a")]);
    let wanted = [ban("a", "192.0.2.1", in_secs(600)), ban("a", "192.0.2.0/24", Timestamp::MAX)];
    apply_all(responder, &wanted, &[]);
    responder.flush().expect("flushed");
    expect_current(responder, &[]);
    responder.flush().expect("flushed twice");
    prepare(responder, &[scope("a")]);
    expect_current(responder, &[]);
    apply_all(responder, &wanted, &[]);
    expect_current(responder, &wanted);
}

/// Compares with a map. The sequence is always the same.
fn random_plans(responder: &mut dyn Responder) {
    const KEYS: [&str; 12] = [
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
        "198.51.100.7",
        "192.0.2.0/24",
        "192.0.2.0/25",
        "192.0.0.0/16",
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8::/64",
        "2001:db8::/56",
        "2001:db8:1::/48",
    ];
    let jails = ["a", "b"];
    prepare(responder, &jails.map(scope));
    let mut dice = Dice(0x5eed);
    let mut model: BTreeMap<(Arc<str>, Key), Timestamp> = BTreeMap::new();
    for _ in 0..40 {
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for _ in 0..dice.below(10) {
            let (Some(jail), Some(key)) = (jails.get(dice.below(2)), KEYS.get(dice.below(KEYS.len()))) else {
                continue;
            };
            let lengths = [60, 61, 600, 86_400].map(in_secs);
            match lengths.get(dice.below(6)) {
                Some(until) => add.push(ban(jail, key, *until)),
                None if dice.below(3) == 0 => add.push(ban(jail, key, Timestamp::MAX)),
                None => remove.push(unban(jail, key)),
            }
        }
        apply_all(responder, &add, &remove);
        model.extend(add.into_iter().map(|s| ((s.jail, s.key), s.until)));
        model.retain(|id, _| !remove.contains(id));
        let expected: Vec<Standing> = model
            .iter()
            .map(|((jail, key), until)| Standing { jail: Arc::clone(jail), key: key.clone(), until: *until })
            .collect();
        expect_current(responder, &expected);
    }
}
