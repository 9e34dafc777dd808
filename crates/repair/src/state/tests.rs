//! What holds for what is kept.

use super::*;

#[test]
fn what_older_versions_wrote_is_read() {
    let case = r#"{"lease":{"by":"p01-x","until":5},"hold":null,"approval":null,
        "recent":[{"at":1,"id":"p01-x","done":true,"actor":null}]}"#;
    let case: Case = parsed("case/x", case.as_bytes()).unwrap();
    let lease = case.lease.unwrap();
    assert_eq!((lease.by.as_str(), lease.turn, case.turn, case.doing), ("p01-x", 0, 0, None));
    let open = r#"{"repairs":{"P01/k":"p01-x"},"told":{"P01/k":{"digest":"d","id":"i"}},"held":["P01/h"]}"#;
    let open: Open = parsed("open/x", open.as_bytes()).unwrap();
    assert_eq!((open.repairs.len(), open.told.len(), open.held.len(), open.turn), (1, 1, 1, 0));
    let one: Installation = parsed("installation", br#"{"first_run":5}"#).unwrap();
    assert_eq!((one.reported, one.format), (false, 0));
}

#[test]
fn what_is_open_is_bounded_and_the_newest_stays() {
    let mut open = Open::default();
    for nth in 0..3 * MAX_OPEN {
        open.began(&format!("P01/{nth:06}"), "id");
        open.hold(&format!("P01/{nth:06}"));
    }
    assert_eq!((open.repairs.len(), open.held.len(), open.turns.len()), (MAX_OPEN, MAX_OPEN, MAX_TURNS));
    assert!(open.repairs.contains_key(&format!("P01/{:06}", 3 * MAX_OPEN - 1)));
    // One that comes first in order is not the one that goes.
    open.began("A", "id");
    open.began("B", "id");
    assert!(open.repairs.contains_key("A"));
}
