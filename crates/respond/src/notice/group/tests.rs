use proptest::prelude::*;

use super::*;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

fn card(id: u128, key: &str, actor: &str, severity: Severity) -> Card {
    let rule: Arc<str> = "trail-stopped".into();
    let handles = vec![Handle::Key(Arc::clone(&rule), key.into()), Handle::Actor(rule, actor.into())];
    Card { id, handles, severity, at: at(0) }
}

fn plain(id: u128, key: &str, actor: &str) -> Card {
    card(id, key, actor, Severity::Medium)
}

fn desk(group: u64, messages: u32, per: u64) -> Desk {
    Desk::new(Limits {
        group: Duration::from_secs(group),
        messages,
        per: Duration::from_secs(per),
        waits: true,
    })
}

fn told(sorted: &Sorted) -> Vec<Vec<usize>> {
    sorted.parcels.iter().map(|parcel| parcel.cards.clone()).collect()
}

#[test]
fn the_first_goes_at_once_and_those_that_follow_go_together() {
    let mut desk = desk(60, 20, 600);
    assert_eq!(told(&desk.sort(&[plain(1, "trail/a", "mallory")], at(0))), [[0]]);
    let same_key = plain(2, "trail/a", "eve");
    let same_actor = plain(3, "trail/b", "mallory");
    let other = plain(4, "trail/c", "alice");
    let sorted = desk.sort(&[same_key.clone(), same_actor.clone(), other], at(10));
    assert_eq!(told(&sorted), [[2]]);
    assert_eq!(sorted.later, [(0, at(60)), (1, at(60))]);
    // They have nothing in common by now but what was told before, so each is a message of its own.
    assert_eq!(told(&desk.sort(&[same_key, same_actor], at(60))), [[0], [1]]);
}

#[test]
fn a_chain_of_keys_and_actors_is_one_message() {
    let mut desk = desk(60, 20, 600);
    let cards =
        [plain(1, "a", "mallory"), plain(2, "b", "eve"), plain(3, "b", "mallory"), plain(4, "c", "alice")];
    assert_eq!(told(&desk.sort(&cards, at(0))), [vec![0, 1, 2], vec![3]]);
}

#[test]
fn nothing_waits_for_others_twice() {
    let mut desk = desk(60, 20, 600);
    desk.sort(&[plain(1, "a", "mallory")], at(0));
    let waits = plain(2, "a", "eve");
    assert_eq!(desk.sort(std::slice::from_ref(&waits), at(50)).later, [(0, at(60))]);
    // Somebody tells of eve in between, so that the card could wait for that as well.
    desk.sort(&[plain(3, "b", "eve")], at(59));
    assert_eq!(told(&desk.sort(&[waits], at(60))), [[0]]);
}

#[test]
fn what_there_is_no_room_for_is_summed_up_and_the_worst_goes_by_itself() {
    let mut desk = desk(60, 3, 30);
    let many: Vec<Card> = (0..40)
        .map(|n| {
            let severity = if n == 25 { Severity::Critical } else { Severity::Low };
            card(n, &format!("key{n}"), &format!("actor{n}"), severity)
        })
        .collect();
    let sorted = desk.sort(&many, at(0));
    assert_eq!(told(&sorted)[..2], [vec![25], vec![0]]);
    assert_eq!(
        (sorted.parcels.len(), sorted.parcels[2].cards.len(), sorted.parcels[2].sums_up),
        (3, 38, true)
    );
    assert!(sorted.later.is_empty());
    // All tokens are gone: the next comes after 10 s, and then it sums up.
    let more: Vec<Card> = (100..103).map(|n| plain(n, &format!("key{n}"), &format!("actor{n}"))).collect();
    let sorted = desk.sort(&more, at(1));
    assert_eq!((told(&sorted).len(), sorted.later.clone()), (0, vec![(0, at(10)), (1, at(10)), (2, at(10))]));
    let sorted = desk.sort(&more, at(10));
    assert_eq!((told(&sorted), sorted.parcels[0].sums_up), (vec![vec![0, 1, 2]], true));
}

#[test]
fn what_failed_is_as_if_it_had_never_been_told() {
    let mut desk = desk(60, 1, 600);
    let cards = [plain(1, "a", "mallory")];
    let sorted = desk.sort(&cards, at(0));
    desk.failed(&sorted.parcels[0], &cards);
    assert_eq!(desk.sort(&cards, at(1)), sorted);
    desk.pause(at(30));
    assert_eq!(desk.sort(&[plain(2, "b", "eve")], at(29)).later, [(0, at(30))]);
}

#[test]
fn where_nothing_may_wait_it_is_summed_up_at_once() {
    let limits = Limits {
        waits: false,
        ..Limits { group: Duration::from_secs(60), messages: 1, ..Limits::default() }
    };
    let mut desk = Desk::new(limits);
    for secs in 0..3 {
        let cards = [plain(1, "a", "mallory"), plain(2, "a", "eve"), plain(3, "b", "alice")];
        let sorted = desk.sort(&cards, at(secs));
        assert_eq!(
            (told(&sorted), sorted.parcels[0].sums_up, sorted.later),
            (vec![vec![0, 1, 2]], true, vec![])
        );
    }
}

#[test]
fn without_grouping_each_is_told_by_itself() {
    let mut desk = desk(0, 20, 600);
    for secs in 0..2 {
        let cards = [plain(1, "a", "mallory"), plain(2, "a", "mallory")];
        assert_eq!(told(&desk.sort(&cards, at(secs))), [[0], [1]]);
    }
}

/// A notice on its way through an outbox.
struct Line {
    card: Card,
    due: Timestamp,
    times_told: u32,
}

/// What came of a run.
struct Ran {
    lines: Vec<Line>,
    /// When messages arrived.
    sent: Vec<Timestamp>,
    /// The longest that a notice waited.
    longest: Duration,
}

/// Cards come at their times and go through an outbox that asks every second; sendings fail as `failing` says.
fn run(limits: Limits, comings: &[(u16, u8, u8, u8)], failing: &[bool]) -> Result<Ran, TestCaseError> {
    let mut desk = Desk::new(limits);
    let mut lines: Vec<Line> = Vec::new();
    let (mut sent, mut longest, mut failures) = (Vec::new(), Duration::ZERO, failing.iter());
    for (nth, (secs, key, actor, severity)) in comings.iter().enumerate() {
        let severity = Severity::ALL[usize::from(*severity) % Severity::ALL.len()];
        let card = card(nth as u128, &format!("key{key}"), &format!("actor{actor}"), severity);
        let when = at(i64::from(*secs));
        lines.push(Line { card: Card { at: when, ..card }, due: when, times_told: 0 });
    }
    let mut now = at(0);
    while lines.iter().any(|line| line.times_told == 0) {
        prop_assert!(now < at(200_000), "it does not come to an end");
        let due: Vec<usize> =
            (0..lines.len()).filter(|n| lines[*n].times_told == 0 && lines[*n].due <= now).collect();
        let cards: Vec<Card> = due.iter().map(|n| lines[*n].card.clone()).collect();
        let sorted = desk.sort(&cards, now);
        let mut seen: Vec<usize> = sorted.later.iter().map(|(place, _)| *place).collect();
        seen.extend(sorted.parcels.iter().flat_map(|parcel| parcel.cards.clone()));
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..cards.len()).collect::<Vec<_>>(), "each card has one answer");
        for (place, until) in &sorted.later {
            prop_assert!(*until > now, "what waits would come back at once");
            lines[due[*place]].due = *until;
        }
        for parcel in &sorted.parcels {
            if failures.next().copied().unwrap_or(false) {
                desk.failed(parcel, &cards);
                parcel
                    .cards
                    .iter()
                    .for_each(|place| lines[due[*place]].due = now.plus(Duration::from_secs(7)));
                continue;
            }
            sent.push(now);
            for place in &parcel.cards {
                let line = &mut lines[due[*place]];
                line.times_told += 1;
                longest = longest.max(now.since(line.card.at));
            }
        }
        now = now.plus(Duration::from_secs(1));
    }
    Ok(Ran { lines, sent, longest })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_is_lost_nothing_is_told_twice_and_no_more_is_sent_than_allowed(
        group in 0_u64..90,
        messages in 1_u32..6,
        per in 5_u64..120,
        comings in prop::collection::vec((0_u16..400, 0_u8..5, 0_u8..5, 0_u8..5), 1..120),
        failing in prop::collection::vec(prop::bool::weighted(0.3), 0..60),
    ) {
        let limits =
            Limits { group: Duration::from_secs(group), messages, per: Duration::from_secs(per), waits: true };
        let Ran { lines, sent, .. } = run(limits, &comings, &failing)?;
        prop_assert!(lines.iter().all(|line| line.times_told == 1));
        for (nth, first) in sent.iter().enumerate() {
            let within = sent.iter().skip(nth).filter(|when| when.since(*first) < limits.per).count();
            prop_assert!(within <= 2 * messages as usize, "{within} messages");
        }
        // Where nothing fails, nothing waits longer than for its group and a token.
        let Ran { longest, .. } = run(limits, &comings, &[])?;
        let token = limits.per / messages;
        prop_assert!(longest <= limits.group + token + Duration::from_secs(2), "{longest:?}");
    }
}
