//! The schedule: ends, repetitions, the snapshot.

use serde_json::json;
use stockade_core::Timestamp;
use stockade_runtime::functions::Role;

use crate::world::{NOW, World, answer, failure, subscription};

fn attack(world: &World, address: &str) {
    let events: Vec<_> = (0..3).map(|n| failure(n, i64::try_from(n).unwrap(), address)).collect();
    let _ = world.function(Role::FilterAndJail).invoke(&subscription("Auth", "i-1", &events)).answer;
}

#[test]
fn a_ban_ends_once_and_its_end_is_told() {
    let world = World::new();
    world.clock.forward(100);
    attack(&world, "203.0.113.7");
    let mut expire = world.function(Role::Expire);
    assert_eq!(answer(&expire.invoke(b"{}")), json!({"live_bans": 1}));
    world.clock.forward(86_400);
    let schedule = br#"{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}"#;
    assert_eq!(answer(&expire.invoke(schedule)), json!({"unbans": 1}));
    assert_eq!(answer(&expire.invoke(schedule)), json!({}));
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1", "-sshd 203.0.113.7 v2"]);
    let ban = world.ban("sshd", "203.0.113.7").unwrap();
    assert_eq!((ban.record.live, ban.record.times), (false, 1));
    assert_eq!(ban.record.until, Timestamp::from_secs(NOW + 2 + 86_400));
}

#[test]
fn what_was_not_confirmed_is_told_again_until_it_is() {
    let world = World::new();
    world.clock.forward(100);
    *world.ear.deaf.lock().unwrap() = vec![0];
    attack(&world, "203.0.113.7");
    assert!(world.heard().is_empty() && world.ban("sshd", "203.0.113.7").unwrap().is_unannounced());
    *world.ear.deaf.lock().unwrap() = vec![0];
    let mut expire = world.function(Role::Expire);
    let invoked = expire.invoke(b"{}");
    assert_eq!((invoked.counts.repeats, invoked.counts.unannounced), (1, 1));
    expire.invoke(b"{}");
    expire.invoke(b"{}");
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"], "once");
    // The same with its end.
    world.clock.forward(86_400);
    *world.ear.deaf.lock().unwrap() = vec![0];
    expire.invoke(b"{}");
    expire.invoke(b"{}");
    expire.invoke(b"{}");
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1", "-sshd 203.0.113.7 v2"]);
}

#[test]
fn the_snapshot_holds_what_is_live() {
    use stockade_aws::wire::snapshot;

    let world = World::new();
    world.clock.forward(100);
    attack(&world, "203.0.113.7");
    attack(&world, "2001:db8::7");
    let mut expire = world.function(Role::Expire);
    expire.invoke(b"{}");
    let packed = world.snapshots.lock().unwrap().pop().unwrap();
    let mut keys = Vec::new();
    let now = Timestamp::from_secs(NOW + 100);
    snapshot::read(&packed[..], now, &mut |notice| keys.push(notice.key.to_string())).unwrap();
    keys.sort();
    assert_eq!(keys, ["2001:db8::7", "203.0.113.7"]);
}
