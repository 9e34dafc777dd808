//! Repairs in the daemon: its own process, a queue and CloudTrail in moto, a proxy between them that fails on demand.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[path = "repair/host.rs"]
mod host;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use host::Host;
use stockade_core::{Outcome, Verdict as Decided};
use stockade_testkit::fault_proxy::{Answer, Verdict};
use support::wait_for;

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

/// The event by the queue, the repair, the end of the message; and the same event again.
#[test]
fn a_stopped_trail_logs_again_and_its_event_repairs_it_once() {
    let Some(host) = Host::new("1h") else { return };
    let trail = host.account.trail("main");
    let daemon = host.start();
    host.looked(1);
    let event = host.account.stop_logging(&trail);
    host.account.send(&host.queue, &event.to_string());
    wait_for("the trail to log", || host.account.is_logging(&trail).then_some(()));
    wait_for("the end of the message", || (host.account.depth(&host.queue) == 0).then_some(()));
    wait_for("the outcome", || (host.outcome(&trail) == Outcome::Done).then_some(()));
    assert_eq!(host.calls("StartLogging"), 1);

    // Stopped by somebody else, of whom no event has come yet: the one before says nothing of it.
    host.account.stop_logging(&trail);
    for _ in 0..2 {
        host.account.send(&host.queue, &event.to_string());
    }
    wait_for("the end of the messages", || (host.account.depth(&host.queue) == 0).then_some(()));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(host.calls("StartLogging"), 0);
    assert!(!host.account.is_logging(&trail));
    host.stop(daemon);
    // What a person is told of it.
    assert_eq!(host.lines_said(&["repaired and verified", "P01"]), 1, "{}", host.said());
}

/// A call fails as AWS fails on a bad day; the order waits in the store, also when the daemon is killed.
#[test]
fn a_repair_that_fails_is_tried_again_also_by_the_next_process() {
    let Some(host) = Host::new("1h") else { return };
    let trail = host.account.trail("main");
    let daemon = host.start();
    host.looked(1);
    host.proxy.rule(|request| match request.action() {
        Some("StartLogging") => Verdict::answer(Answer::json(500, r#"{"__type":"InternalFailure"}"#)),
        _ => Verdict::Pass,
    });
    let event = host.account.stop_logging(&trail);
    host.account.send(&host.queue, &event.to_string());
    wait_for("a failure", || {
        (host.lines_said(&["could not be carried out, it is tried again"]) > 0).then_some(())
    });
    // The order is on disk, so the message is done with.
    wait_for("the end of the message", || (host.account.depth(&host.queue) == 0).then_some(()));
    assert!(!host.account.is_logging(&trail));
    daemon.kill();
    host.proxy.rule(|_| Verdict::Pass);
    let daemon = host.start();
    wait_for("the trail to log", || host.account.is_logging(&trail).then_some(()));
    // What looks without events may have been first; the order itself has its outcome all the same.
    wait_for("the outcome", || (host.outcome(&trail) == Outcome::Done).then_some(()));
    host.stop(daemon);
}

/// Killed at the worst moment: AWS has started the trail, nobody has heard of it.
#[test]
fn a_process_that_dies_in_the_middle_of_a_repair_leaves_it_to_the_next() {
    let Some(host) = Host::new("1h") else { return };
    let trail = host.account.trail("main");
    let daemon = host.start();
    host.looked(1);
    let reached = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&reached);
    host.proxy.rule(move |request| match request.action() {
        Some("StartLogging") => {
            told.store(true, Ordering::Relaxed);
            Verdict::Swallow
        }
        // Nor does any look afterwards get through.
        Some("GetTrailStatus") if told.load(Ordering::Relaxed) => Verdict::Drop,
        _ => Verdict::Pass,
    });
    let event = host.account.stop_logging(&trail);
    host.account.send(&host.queue, &event.to_string());
    wait_for("the call", || reached.load(Ordering::Relaxed).then_some(()));
    daemon.kill();
    host.proxy.rule(|_| Verdict::Pass);
    host.calls("");
    let daemon = host.start();
    // Whoever made it may still live, as far as anybody knows, until its lease is over.
    let held =
        |outcome| matches!(outcome, Outcome::Failed { error } if error.contains("another run works on it"));
    wait_for("a try", || held(host.outcome(&trail)).then_some(()));
    host.expire_leases();
    wait_for("the outcome", || (host.outcome(&trail) == Outcome::Done).then_some(()));
    assert!(host.account.is_logging(&trail));
    assert_eq!(host.calls("StartLogging"), 0, "it was done already");
    host.stop(daemon);
}

/// A repair that may not be made is told and not tried for ever; the look without an event goes on asking.
#[test]
fn a_refused_repair_is_on_record_as_refused() {
    let Some(host) = Host::new("1h") else { return };
    let trail = host.account.trail("main");
    let daemon = host.start();
    host.looked(1);
    host.proxy.rule(|request| match request.action() {
        Some("StartLogging") => Verdict::answer(Answer::json(
            400,
            r#"{"__type":"AccessDeniedException","message":"not authorized to perform: cloudtrail:StartLogging"}"#,
        )),
        _ => Verdict::Pass,
    });
    let event = host.account.stop_logging(&trail);
    host.account.send(&host.queue, &event.to_string());
    let outcome = wait_for("an outcome", || match host.outcome(&trail) {
        Outcome::Refused { reason } => Some(reason),
        _ => None,
    });
    assert!(outcome.contains("AccessDenied"), "{outcome}");
    assert_eq!(host.calls("StartLogging"), 1, "nobody asks twice for what is not allowed");
    host.stop(daemon);
}

/// Once the last trail is stopped no event comes any more.
#[test]
fn a_trail_that_no_event_tells_of_is_found_by_the_clock() {
    let Some(host) = Host::new("1s") else { return };
    let trail = host.account.trail("main");
    let daemon = host.start();
    host.looked(1);
    host.account.stop_logging(&trail);
    wait_for("the trail to log", || host.account.is_logging(&trail).then_some(()));
    // It goes on in the next life, with what the configuration says there.
    host.reload();
    let looks = host.lines_said(&["looked at everything"]);
    host.looked(looks + 2);
    host.account.stop_logging(&trail);
    wait_for("the trail to log", || host.account.is_logging(&trail).then_some(()));
    host.configure(&host.settings("1s").replace("mode = \"act\"", "mode = \"off\""));
    host.reload();
    host.account.stop_logging(&trail);
    std::thread::sleep(Duration::from_secs(3));
    assert!(!host.account.is_logging(&trail), "it is off");
    host.stop(daemon);
    assert_eq!(host.lines_said(&["panicked"]), 0, "{}", host.said());
}

/// AWS answers slowly: neither a stop nor a reload waits for a whole look, and nothing is broken off in the middle.
#[test]
fn a_slow_look_holds_up_neither_a_reload_nor_the_end() {
    let Some(host) = Host::new("1s") else { return };
    host.account.trail("main");
    let daemon = host.start();
    host.looked(1);
    let slow = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&slow);
    host.proxy.rule(move |request| {
        if request.action() == Some("DescribeTrails") {
            told.store(true, Ordering::Relaxed);
            std::thread::sleep(Duration::from_secs(4));
        }
        Verdict::Pass
    });
    for end in [false, true] {
        slow.store(false, Ordering::Relaxed);
        wait_for("a look", || slow.load(Ordering::Relaxed).then_some(()));
        let began = Instant::now();
        if !end {
            host.reload();
            assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        }
    }
    let began = Instant::now();
    host.stop(daemon);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(host.lines_said(&["panicked"]), 0, "{}", host.said());
}

/// Many repairs at once take a second each; a reload waits for some of them, and the next life makes the others.
#[test]
fn a_reload_does_not_wait_for_all_repairs_and_loses_none() {
    const TRAILS: usize = 40;
    let Some(host) = Host::new("1h") else { return };
    let many = "max_per_account = 1000\nmax_percent = 100\nmin_of_kind = 1000\n";
    host.configure(&(host.settings("1h") + many));
    let bucket = host.account.bucket();
    let trails: Vec<String> =
        (0..TRAILS).map(|n| host.account.trail_in(&format!("trail-{n}"), &bucket)).collect();
    let daemon = host.start();
    host.looked(1);
    for trail in &trails {
        let event = host.account.stop_logging(trail);
        host.account.send(&host.queue, &event.to_string());
    }
    wait_for("the messages", || (host.account.depth(&host.queue) == 0).then_some(()));
    let began = Instant::now();
    host.reload();
    wait_for("the new life", || (host.lines_said(&["running jails="]) == 2).then_some(()));
    let waited = began.elapsed();
    let left = trails.iter().filter(|trail| !host.account.is_logging(trail)).count();
    assert!(left > 0, "all were waited for, {waited:?}");
    for trail in &trails {
        let until = Instant::now() + Duration::from_secs(120);
        while host.outcome(trail) != Outcome::Done {
            assert!(Instant::now() < until, "{trail}: {:?}", host.outcome(trail));
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(host.account.is_logging(trail));
    }
    // What the new life's clock has looked at before the event was followed, it may start once more: that changes nothing.
    let calls = host.calls("StartLogging");
    assert!((TRAILS..=2 * TRAILS).contains(&calls), "{calls}");
    host.stop(daemon);
}

/// The event and the clock find the same trail at the same time: it is started once.
#[test]
fn the_event_and_the_clock_do_not_repair_one_thing_twice() {
    let Some(host) = Host::new("1s") else { return };
    let trails: Vec<String> = (0..3).map(|n| host.account.trail(&format!("trail-{n}"))).collect();
    let daemon = host.start();
    host.looked(1);
    host.calls("");
    let events: Vec<_> = trails.iter().map(|trail| host.account.stop_logging(trail)).collect();
    for event in &events {
        host.account.send(&host.queue, &event.to_string());
    }
    for trail in &trails {
        wait_for("the trail to log", || host.account.is_logging(trail).then_some(()));
        wait_for("the outcome", || (host.outcome(trail) == Outcome::Done).then_some(()));
    }
    let of_one = host.decisions(&trails[0]);
    assert!(of_one.len() == 1 && of_one[0].decision.verdict == Decided::Repair, "{of_one:?}");
    host.stop(daemon);
    assert_eq!(host.calls("StartLogging"), 3, "{}", host.said());
}
