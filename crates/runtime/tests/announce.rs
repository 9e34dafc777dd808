//! A daemon whose bans go to all hosts and to a function, against the emulator of AWS.
#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    dead_code,
    reason = "a test may fail loudly, and uses a part of what is shared"
)]

#[path = "../../respond/tests/aws/emulator.rs"]
mod emulator;
#[path = "support/world.rs"]
mod world;

use stockade_aws::wire::{Notice, Told};
use stockade_aws::{Aws, Call};
use stockade_runtime::control::Request;
use stockade_testkit::fault_proxy::{FaultProxy, Verdict};

use emulator::{Queue, name, url};
use world::{JAILS, World, failures, wait_for};

/// Makes a topic with a queue behind it that wants all that is said of sshd.
fn stage(aws: &Aws) -> (String, Queue) {
    let topic = name("F2B");
    let parameters = [("Name", topic.as_str())];
    let call = Call::query("make".into(), "sns", "CreateTopic", "2010-03-31", &parameters);
    let reply = aws.block_on(aws.call(&call)).unwrap();
    let text = String::from_utf8(reply.body).unwrap();
    let arn = text.split_once("<TopicArn>").unwrap().1.split_once('<').unwrap().0.to_owned();
    let queue = Queue::subscribed(aws, &arn, &["sshd"], true);
    (topic, queue)
}

/// A responder `sns` beside the dry run, at an address.
fn program(topic: &str, endpoint: &str) -> String {
    format!(
        "[aws]\nregion = \"{}\"\n[responders.fleet]\nkind = \"sns\"\ntopic = \"{topic}\"\nendpoint = \"{endpoint}\"\n",
        emulator::REGION
    )
}

/// What is said next.
fn next(queue: &Queue) -> Notice {
    wait_for("a message", || queue.notices().into_iter().next())
}

#[test]
fn a_ban_and_its_end_are_announced_and_a_restart_says_nothing_again() {
    let Some(url) = url() else { return };
    let (topic, queue) = stage(&emulator::aws(&url));
    let mut world = World::new(JAILS, &program(&topic, &url));
    world.write(&failures("203.0.113.7", 5));
    let ban = world.wait_banned("203.0.113.7");
    let said = next(&queue);
    assert_eq!((&*said.jail, said.key.to_string().as_str()), ("sshd", "203.0.113.7"));
    assert_eq!(said.told, Told::Ban { until: ban.until });
    assert_eq!((said.failures, said.nth), (Some(5), Some(1)));
    assert_eq!(said.reason.as_deref(), Some("5 matches within 600s"));
    world.stop();
    world.start();
    world.wait_banned("203.0.113.7");
    assert_eq!(queue.notices(), [], "nobody has forgotten it");
    let keys = vec!["203.0.113.7".parse().unwrap()];
    world.ask(&Request::Unban { keys, all: false, jail: None, reason: "sorry".to_owned() });
    let lifted = next(&queue);
    assert_eq!((lifted.told, lifted.reason.as_deref()), (Told::Unban, Some("by hand: sorry")));
    assert!(lifted.is_newer_than(&said) && !said.is_newer_than(&lifted));
}

#[test]
fn what_sns_did_not_take_is_announced_when_it_is_there_again() {
    let Some(url) = url() else { return };
    let (topic, queue) = stage(&emulator::aws(&url));
    let proxy = FaultProxy::before(&url);
    proxy.rule(|_| Verdict::Drop);
    let world = World::new(JAILS, &program(&topic, proxy.url()));
    world.write(&failures("203.0.113.7", 5));
    world.wait_banned("203.0.113.7");
    wait_for("a try", || (!proxy.seen().is_empty()).then_some(()));
    assert_eq!(queue.notices(), []);
    proxy.rule(|_| Verdict::Pass);
    assert_eq!(next(&queue).key.to_string(), "203.0.113.7");
    assert_eq!(queue.notices(), [], "once");
}
