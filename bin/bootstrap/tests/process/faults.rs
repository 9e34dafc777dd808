//! Bad days, with a proxy before the emulator that makes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use stockade_testkit::emulator::wait;
use stockade_testkit::fault_proxy::{Answer, FaultProxy, Verdict};
use stockade_testkit::runtime_api;

use crate::site::{PATIENCE, Site, failures, kinesis, packed, subscription};

const THROTTLED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#;

#[test]
fn a_throttled_table_is_waited_for() {
    let Some(site) = Site::new() else { return };
    let proxy = FaultProxy::before(site.emulator.endpoint());
    let left = AtomicUsize::new(6);
    proxy.rule(move |request| match request.action() {
        Some("BatchWriteItem" | "Query" | "PutItem")
            if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() =>
        {
            Verdict::answer(Answer::json(400, THROTTLED))
        }
        _ => Verdict::Pass,
    });
    let function = site.function("cloudwatch_filter_and_jail", proxy.url(), &[]);
    let answer = function.answer(&subscription(&failures("203.0.113.7", 3)));
    assert_eq!(answer["bans"], 1, "{answer}");
    assert_eq!(site.heard(1), ["sshd 203.0.113.7"]);
}

#[test]
fn a_table_that_is_gone_gives_the_records_back_and_later_they_count() {
    let Some(site) = Site::new() else { return };
    let proxy = FaultProxy::before(site.emulator.endpoint());
    let gone = Arc::new(AtomicBool::new(true));
    let is_gone = Arc::clone(&gone);
    proxy.rule(move |request| match request.action() {
        Some("BatchWriteItem" | "Query" | "PutItem") if is_gone.load(Ordering::SeqCst) => Verdict::Drop,
        _ => Verdict::Pass,
    });
    let function = site.function("cloudwatch_filter_and_jail", proxy.url(), &[]);
    let records = ["$$$".to_owned(), packed(failures("203.0.113.7", 3).to_string().as_bytes())];
    let answer = function.api.invoke(kinesis(&records), Duration::from_secs(120)).unwrap();
    let runtime_api::Answer::Response(answer) = answer else { panic!("{answer:?}") };
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "seq1"}]}));
    gone.store(false, Ordering::SeqCst);
    assert_eq!(function.answer(&kinesis(&records)), json!({"batchItemFailures": []}));
    assert_eq!(site.heard(1), ["sshd 203.0.113.7"]);
}

#[test]
fn killed_between_write_and_publish_the_ban_still_goes_out_once() {
    for again in ["cloudwatch_filter_and_jail", "expire"] {
        let Some(site) = Site::new() else { return };
        let proxy = FaultProxy::before(site.emulator.endpoint());
        let (reached, tell) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (reach, may_tell) = (Arc::clone(&reached), Arc::clone(&tell));
        proxy.rule(move |request| match request.action() {
            Some("Publish" | "PublishBatch") if !may_tell.load(Ordering::SeqCst) => {
                reach.store(true, Ordering::SeqCst);
                Verdict::Drop
            }
            _ => Verdict::Pass,
        });
        let payload = subscription(&failures("203.0.113.7", 3));
        let mut killed = site.function("cloudwatch_filter_and_jail", proxy.url(), &[]);
        killed.api.ready(PATIENCE).unwrap();
        // Nobody waits for the answer.
        assert!(killed.api.invoke(payload.clone(), Duration::from_millis(1)).is_err());
        wait("the ban is on record", PATIENCE, || reached.load(Ordering::SeqCst).then_some(()));
        killed.kill();
        tell.store(true, Ordering::SeqCst);
        let expire = site.function("expire", proxy.url(), &[]);
        if again == "expire" {
            let answer = expire.answer(b"{}");
            assert_eq!(answer["repeated_announcements"], 1, "{answer}");
        } else {
            let _ = site.function(again, proxy.url(), &[]).answer(&payload);
        }
        assert_eq!(site.heard(1), ["sshd 203.0.113.7"], "by {again}");
        let _ = expire.answer(b"{}");
        let _ = site.function("cloudwatch_filter_and_jail", proxy.url(), &[]).answer(&payload);
        assert!(site.heard(1).is_empty(), "once, by {again}");
    }
}
