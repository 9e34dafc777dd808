//! SNS's bad days: one entry of ten refused, throttled, denied, gone for a while.

use stockade_core::Outcome;
use stockade_core::ports::{Plan, Responder as _};
use stockade_respond::aws::Sns;
use stockade_testkit::fault_proxy::{Answer, FaultProxy, Request, Verdict};

use crate::emulator::{Queue, at, aws, ban, name, url};

/// Ten jails, so ten messages, and one batch.
fn ten() -> Plan {
    let add = (0..10).map(|nth| ban(&format!("jail{nth}"), &format!("192.0.2.{nth}"), 600)).collect();
    Plan { add, remove: vec![] }
}

/// A proxy before the emulator, a responder that speaks to it, and a queue behind it that wants everything.
fn stage() -> Option<(FaultProxy, Sns, Queue)> {
    let url = url()?;
    let proxy = FaultProxy::before(&url);
    let mut sns = Sns::new(&aws(proxy.url()), &name("F2B"));
    sns.prepare(&[]).unwrap();
    let direct = aws(&url);
    let arn = aws(proxy.url()).block_on(sns.topic_arn()).unwrap();
    let jails: Vec<String> = (0..10).map(|nth| format!("jail{nth}")).collect();
    let jails: Vec<&str> = jails.iter().map(String::as_str).collect();
    Some((proxy, sns, Queue::subscribed(&direct, &arn, &jails, false)))
}

fn keys(queue: &Queue) -> Vec<String> {
    queue.notices().iter().map(|notice| notice.key.to_string()).collect()
}

fn publishes(proxy: &FaultProxy) -> usize {
    proxy.seen().iter().filter(|request| request.action() == Some("PublishBatch")).count()
}

/// The request with another message in one of its entries: one that no SNS takes, for it is too long.
fn with_one_too_long(request: &Request, entry: u32) -> Vec<u8> {
    let body = String::from_utf8(request.body.clone()).unwrap();
    let name = format!("PublishBatchRequestEntries.member.{entry}.Message=");
    let (before, after) = body.split_once(&name).unwrap();
    let rest = after.split_once('&').unwrap().1;
    format!("{before}{name}{}&{rest}", "x".repeat(300_000)).into_bytes()
}

#[test]
fn one_entry_of_ten_is_refused_and_the_others_go_out_once() {
    let Some((proxy, mut sns, queue)) = stage() else { return };
    proxy.rule(|request| match request.action() {
        Some("PublishBatch") => {
            Verdict::Change { body: with_one_too_long(request, 4), answer: Box::new(|answer| answer) }
        }
        _ => Verdict::Pass,
    });
    let outcomes = sns.apply(&ten(), at(0)).unwrap();
    let Some(Outcome::Failed { error }) = outcomes.get(3) else { panic!("{outcomes:?}") };
    assert!(error.contains("InvalidParameter"), "{error}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count(), 9);
    assert_eq!(publishes(&proxy), 1, "what is refused for good is not sent again");
    assert_eq!(keys(&queue).len(), 9);
    // The outbox comes again with what failed.
    proxy.rule(|_| Verdict::Pass);
    let again = Plan { add: ten().add.into_iter().skip(3).take(1).collect(), remove: vec![] };
    assert_eq!(sns.apply(&again, at(10)).unwrap(), [Outcome::Done]);
    assert_eq!(keys(&queue), ["192.0.2.3"]);
}

#[test]
fn an_entry_that_fails_at_the_service_is_sent_again_at_once() {
    let Some((proxy, mut sns, queue)) = stage() else { return };
    let mut first = true;
    proxy.rule(move |request| match request.action() {
        Some("PublishBatch") if std::mem::take(&mut first) => {
            // SNS took nine and failed at one: the emulator is given nine, the answer says the tenth failed.
            let body = String::from_utf8(request.body.clone()).unwrap();
            let nine = body.split('&').filter(|pair| !pair.contains(".member.10."));
            let nine = nine.collect::<Vec<_>>().join("&").into_bytes();
            let failed = "<Failed><member><Id>9</Id><Code>InternalError</Code><Message>try again</Message>\
                          <SenderFault>false</SenderFault></member></Failed></PublishBatchResult>";
            let answer = move |answer: Answer| {
                let text = String::from_utf8(answer.body).unwrap();
                let text = text.replace("<Failed></Failed>", "").replace("<Failed/>", "");
                Answer { body: text.replace("</PublishBatchResult>", failed).into_bytes(), ..answer }
            };
            Verdict::Change { body: nine, answer: Box::new(answer) }
        }
        _ => Verdict::Pass,
    });
    assert_eq!(sns.apply(&ten(), at(0)).unwrap(), vec![Outcome::Done; 10]);
    assert_eq!(publishes(&proxy), 2);
    assert_eq!(keys(&queue).len(), 10, "each once");
}

#[test]
fn throttled_it_waits_and_goes_on() {
    let Some((proxy, mut sns, queue)) = stage() else { return };
    // Both are words of SNS's.
    for (code, status) in [("Throttling", 400), ("Throttled", 429)] {
        let throttled = move || {
            let error = format!("<Type>Sender</Type><Code>{code}</Code><Message>Rate exceeded</Message>");
            let text = format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>");
            Verdict::answer(Answer::xml(status, &text))
        };
        let mut left = 2;
        proxy.rule(move |request| match request.action() {
            Some("PublishBatch") if left > 0 => {
                left -= 1;
                throttled()
            }
            _ => Verdict::Pass,
        });
        assert_eq!(sns.apply(&ten(), at(0)).unwrap(), vec![Outcome::Done; 10]);
        assert_eq!(keys(&queue).len(), 10);
        proxy.rule(move |_| throttled());
        let error = sns.apply(&ten(), at(0)).unwrap_err();
        assert!(error.message.contains(code) && !error.permanent, "{error:?}");
        assert!(error.hint.is_some());
    }
}

#[test]
fn denied_it_says_what_to_do() {
    let Some((proxy, mut sns, _queue)) = stage() else { return };
    let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>not allowed\
                  </Message></Error></ErrorResponse>";
    proxy.rule(move |_| Verdict::answer(Answer::xml(403, denied)));
    let error = sns.apply(&ten(), at(0)).unwrap_err();
    assert!(error.permanent && error.hint.is_some(), "{error:?}");
    let error = Sns::new(&aws(proxy.url()), "F2B").prepare(&[]).unwrap_err();
    assert!(error.permanent && error.hint.unwrap().contains("ARN"));
}

#[test]
fn gone_for_a_while_nothing_is_lost() {
    let Some((proxy, mut sns, queue)) = stage() else { return };
    proxy.rule(|_| Verdict::Drop);
    let error = sns.apply(&ten(), at(0)).unwrap_err();
    assert!(!error.permanent, "{error:?}");
    proxy.rule(|_| Verdict::Pass);
    assert_eq!(sns.apply(&ten(), at(30)).unwrap(), vec![Outcome::Done; 10]);
    assert_eq!(keys(&queue).len(), 10);
}

#[test]
fn a_topic_that_was_deleted_is_made_again_the_next_time() {
    let Some((proxy, mut sns, _queue)) = stage() else { return };
    let aws = aws(proxy.url());
    let arn = aws.block_on(sns.topic_arn()).unwrap();
    let delete = [("TopicArn", &*arn)];
    let delete = stockade_aws::Call::query("delete".into(), "sns", "DeleteTopic", "2010-03-31", &delete);
    aws.block_on(aws.call(&delete)).unwrap();
    assert!(sns.apply(&ten(), at(0)).is_err());
    assert_eq!(sns.apply(&ten(), at(10)).unwrap(), vec![Outcome::Done; 10]);
}
