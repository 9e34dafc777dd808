//! Windows, bans and positions: what a daemon goes on with.

use stockade_core::ports::{Batch, Store};

use super::Case;
use super::make::{State, at, ban, position, window};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a fresh store is empty", fresh_is_empty),
    ("load gives what was committed", load_gives_what_was_committed),
    ("the newest word counts", the_newest_word_counts),
    ("an empty window goes", an_empty_window_goes),
    ("a window or ban is of one key in one jail", one_key_in_one_jail),
    ("an empty batch changes nothing", an_empty_batch_changes_nothing),
];

fn fresh_is_empty(store: &mut dyn Store) {
    assert_eq!(State::of(store), State::sorted(vec![], vec![], vec![]));
    assert_eq!(store.outbox(at(0), 10).expect("the outbox"), []);
    assert_eq!(store.decisions(None, 10).expect("decisions"), []);
}

fn load_gives_what_was_committed(store: &mut dyn Store) {
    let mut cursor = position("journal", 7);
    cursor.cursor = Some("s=1;i=2".into());
    cursor.generation = String::new();
    let batch = Batch {
        windows: vec![window("sshd", "192.0.2.1", &[1, 1, 60]), window("nginx", "2001:db8::/48", &[-5])],
        bans: vec![
            ban("sshd", "192.0.2.1", at(600), true),
            ban("sshd", "198.51.100.0/24", at(1), false),
            ban("sshd", "root", at(2), true),
        ],
        positions: vec![position("/var/log/auth.log", 4_711), cursor],
        ..Batch::default()
    };
    assert_eq!(store.commit(&batch).expect("a commit"), 0);
    let committed = State::sorted(batch.positions, batch.windows, batch.bans);
    assert_eq!(State::of(store), committed);
    assert_eq!(State::of(store), committed, "a second load");
}

fn the_newest_word_counts(store: &mut dyn Store) {
    let mut second = ban("sshd", "192.0.2.1", at(9_000), false);
    second.times = 2;
    second.since = at(500);
    second.reason = stockade_core::Reason::Manual { note: "by me".into() };
    let mut moved = position("/var/log/auth.log", 5);
    moved.generation = "5678-ef".into();
    let last = Batch {
        windows: vec![window("sshd", "192.0.2.1", &[7, 8])],
        bans: vec![second],
        positions: vec![moved],
        ..Batch::default()
    };
    for batch in [
        Batch {
            windows: vec![window("sshd", "192.0.2.1", &[1, 2, 3])],
            bans: vec![ban("sshd", "192.0.2.1", at(1), true)],
            positions: vec![position("/var/log/auth.log", 900)],
            ..Batch::default()
        },
        // Within one batch too.
        Batch {
            windows: [vec![window("sshd", "192.0.2.1", &[4])], last.windows.clone()].concat(),
            bans: [vec![ban("sshd", "192.0.2.1", at(2), true)], last.bans.clone()].concat(),
            positions: [vec![position("/var/log/auth.log", 901)], last.positions.clone()].concat(),
            ..Batch::default()
        },
    ] {
        store.commit(&batch).expect("a commit");
    }
    assert_eq!(State::of(store), State::sorted(last.positions, last.windows, last.bans));
}

fn an_empty_window_goes(store: &mut dyn Store) {
    let put = |windows| Batch { windows, ..Batch::default() };
    let both = vec![window("sshd", "192.0.2.1", &[1]), window("sshd", "192.0.2.2", &[1])];
    store.commit(&put(both)).expect("two windows");
    // The second was never there: taking it away is no error.
    let gone = vec![window("sshd", "192.0.2.1", &[]), window("sshd", "192.0.2.9", &[])];
    store.commit(&put(gone)).expect("emptied windows");
    assert_eq!(State::of(store).windows, [window("sshd", "192.0.2.2", &[1])]);
    store.commit(&put(vec![window("sshd", "192.0.2.1", &[5])])).expect("a window again");
    assert_eq!(State::of(store).windows.len(), 2);
}

fn one_key_in_one_jail(store: &mut dyn Store) {
    let batch = Batch {
        windows: vec![
            window("a", "192.0.2.1", &[1]),
            window("b", "192.0.2.1", &[2]),
            window("A", "192.0.2.1", &[3]),
        ],
        bans: vec![
            ban("a", "192.0.2.1", at(1), true),
            ban("b", "192.0.2.1", at(2), false),
            ban("a", "192.0.2.0/25", at(3), true),
        ],
        ..Batch::default()
    };
    store.commit(&batch).expect("a commit");
    store
        .commit(&Batch { windows: vec![window("b", "192.0.2.1", &[])], ..Batch::default() })
        .expect("one of them emptied");
    let state = State::of(store);
    assert_eq!(state.windows.len(), 2);
    assert!(state.windows.iter().all(|w| *w.jail != *"b"));
    assert_eq!(state.bans.len(), 3);
}

fn an_empty_batch_changes_nothing(store: &mut dyn Store) {
    let batch = Batch { positions: vec![position("s", 1)], ..Batch::default() };
    store.commit(&batch).expect("a commit");
    assert_eq!(store.commit(&Batch::default()).expect("nothing"), 0);
    store.settle(&[]).expect("nothing to settle");
    assert_eq!(State::of(store).positions, batch.positions);
}
