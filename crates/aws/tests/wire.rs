//! Messages: what is written is read again, within SNS's limits; what is foreign, broken or too much is told apart.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use proptest::prelude::*;
use serde_json::{Value, json};
use stockade_aws::wire::{self, Notice, Origins, Told, WireError};
use stockade_core::{Key, Timestamp};

const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:F2B";

fn origins() -> Origins {
    Origins::of([TOPIC.to_owned()])
}

fn envelope_of(message: &str, attributes: &Value) -> String {
    json!({
        "Type": "Notification", "MessageId": "1", "TopicArn": TOPIC, "Message": message,
        "MessageAttributes": attributes,
    })
    .to_string()
}

/// A message as a queue delivers it.
fn envelope(message: &wire::Message) -> String {
    let attribute =
        |one: &wire::Attribute| (one.name.to_owned(), json!({"Type": "String", "Value": one.value}));
    envelope_of(&message.body, &Value::Object(message.attributes.iter().map(attribute).collect()))
}

fn jail() -> impl Strategy<Value = String> {
    let odd = "ünïcödé \"'\\ {}".to_owned();
    prop_oneof![Just("sshd".to_owned()), Just("dovecot".to_owned()), Just(odd), "[a-z]{1,12}"]
}

fn key() -> impl Strategy<Value = Key> {
    let net4 = |(bits, prefix)| Key::net(Ipv4Net::new(Ipv4Addr::from_bits(bits), prefix).unwrap().into());
    let net6 = |(bits, prefix)| Key::net(Ipv6Net::new(Ipv6Addr::from_bits(bits), prefix).unwrap().into());
    prop_oneof![
        any::<u32>().prop_map(|bits| Key::addr(Ipv4Addr::from(bits).into())),
        any::<u128>().prop_map(|bits| Key::addr(Ipv6Addr::from(bits).into())),
        (any::<u32>(), 1_u8..32).prop_map(net4),
        (any::<u128>(), 1_u8..128).prop_map(net6),
    ]
}

fn told() -> impl Strategy<Value = Told> {
    let until = prop_oneof![
        Just(None),
        Just(Some(Timestamp::MAX)),
        (0_i64..i64::MAX).prop_map(|millis| Some(Timestamp::from_millis(millis))),
        Just(Some(Timestamp::from_secs(1_700_000_600))),
    ];
    prop_oneof![3 => until.prop_map(|until| Told::Ban { until }), 1 => Just(Told::Unban)]
}

prop_compose! {
    fn notice()(
        jail in jail(), key in key(), told in told(),
        at in proptest::option::of(any::<i64>()),
        version in proptest::option::of(any::<u64>()),
        nth in proptest::option::of(0_u32..3),
        failures in proptest::option::of(any::<u32>()),
        reason in proptest::option::of(r"(\[|\PC){0,40}"),
        id in proptest::option::of("[0-9a-f]{16}"),
    ) -> Notice {
        let at = at.map(Timestamp::from_millis);
        let (jail, id) = (jail.into(), id.map(Into::into));
        let notice = Notice { jail, key, told, at, version, nth, failures, reason: None, id };
        notice.because(&reason.unwrap_or_default())
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(notices in proptest::collection::vec(notice(), 0..60)) {
        let packed = wire::pack(&notices);
        prop_assert_eq!(&packed.refused, &[]);
        let mut read = BTreeMap::new();
        for message in &packed.messages {
            prop_assert!(message.bytes() <= wire::MAX_MESSAGE_BYTES && message.attributes.len() <= 10);
            prop_assert!(message.attributes.iter().all(|attribute| !attribute.value.is_empty()));
            let delivery = wire::read(&envelope(message), &[], &origins()).unwrap();
            prop_assert_eq!(&delivery.bad, &[]);
            prop_assert_eq!(delivery.notices.len(), message.notices.len());
            read.extend(message.notices.iter().copied().zip(delivery.notices));
        }
        prop_assert_eq!(read.into_values().collect::<Vec<_>>(), notices);
    }

    #[test]
    fn raw_delivery_says_the_same(notices in proptest::collection::vec(notice(), 1..9)) {
        let packed = wire::pack(&notices);
        let message = packed.messages.first().unwrap();
        let attributes: Vec<(String, String)> =
            message.attributes.iter().map(|one| (one.name.to_owned(), one.value.clone())).collect();
        prop_assert_eq!(wire::read(&message.body, &attributes, &origins()), Err(WireError::NoTopic));
        let raw = wire::read(&message.body, &attributes, &Origins { raw: true, ..origins() }).unwrap();
        let enveloped = wire::read(&envelope(message), &[], &origins()).unwrap();
        prop_assert_eq!(raw.notices, enveloped.notices);
    }

    #[test]
    fn anything_at_all_is_an_error_or_nothing(text in r"\PC{0,300}") {
        let read = wire::read(&text, &[], &Origins { raw: true, ..origins() });
        prop_assert!(read.map_or(true, |delivery| delivery.notices.is_empty()));
    }

    #[test]
    fn attributes_of_any_kind_lose_no_ban(value in r"\PC{1,60}", which in 0_usize..7) {
        let (name, _) = wire::ATTRIBUTES[which];
        let attributes = json!({name: {"Type": "String", "Value": value}});
        let body = envelope_of(r#"{"sshd": ["192.0.2.1", "192.0.2.2"]}"#, &attributes);
        prop_assert_eq!(wire::read(&body, &[], &origins()).unwrap().notices.len(), 2);
    }
}

#[test]
fn many_bans_share_a_message_and_none_is_too_heavy() {
    let since = Timestamp::from_secs(1_700_000_000);
    let ban = |nth: u32, until: i64| {
        let key = Key::addr(Ipv4Addr::from(0xC633_6400 + nth).into());
        Notice::ban("sshd".into(), key, since, Timestamp::from_secs(until)).because("5 matches within 600s")
    };
    // The same end, no ids: addresses are all there is to say.
    let alike: Vec<Notice> = (0..100_000).map(|nth| Notice { id: None, ..ban(nth, 1_700_000_600) }).collect();
    let packed = wire::pack(&alike);
    assert!(packed.messages.len() <= 8, "{} messages", packed.messages.len());
    // Each with its own end and id.
    let apart: Vec<Notice> = (0..20_000).map(|nth| ban(nth, 1_700_000_600 + i64::from(nth))).collect();
    for packed in [packed, wire::pack(&apart)] {
        let (last, full) = packed.messages.split_last().unwrap();
        assert!(last.bytes() <= wire::MAX_MESSAGE_BYTES);
        for message in full {
            let room = wire::MAX_MESSAGE_BYTES - message.bytes();
            assert!(room < 100, "{room} bytes are left");
            assert!(wire::read(&envelope(message), &[], &origins()).unwrap().bad.is_empty());
        }
    }
}

#[test]
fn what_no_message_can_carry_is_refused_by_itself() {
    let key: Key = "192.0.2.1".parse().unwrap();
    let at = Timestamp::from_secs(1_700_000_000);
    let ban = |jail: &str, key: &Key| Notice::ban(jail.into(), key.clone(), at, Timestamp::MAX);
    let notices = [
        ban("", &key),
        ban("unban:sshd", &key),
        ban("a\0b", &key),
        ban(&"x".repeat(600), &key),
        ban("sshd", &Key::name("root")),
        ban("sshd", &key),
    ];
    let packed = wire::pack(&notices);
    assert_eq!(packed.messages.len(), 1);
    assert_eq!(packed.messages[0].notices, [5]);
    let refused: Vec<usize> = packed.refused.iter().map(|(place, _)| *place).collect();
    assert_eq!(refused, [0, 1, 2, 3, 4]);
    let name = WireError::NotAnAddress { jail: "sshd".to_owned(), text: "root".to_owned() };
    assert_eq!(packed.refused[4].1, name);
}

#[test]
fn one_bad_address_costs_no_other() {
    let attributes = json!({
        "jail": {"Type": "String", "Value": "sshd"},
        "nth": {"Type": "String", "Value": "[1,2,3,4]"},
        "until": {"Type": "String", "Value": "[1,2]"},
        "failures": {"Type": "String", "Value": "-4"},
        "reason": {"Type": "Binary"},
    });
    let body = r#"{"sshd": ["192.0.2.1", "192.0.2.1; reboot", 7, "2001:db8::/64"]}"#;
    let delivery = wire::read(&envelope_of(body, &attributes), &[], &origins()).unwrap();
    let said: Vec<(String, Option<u32>)> =
        delivery.notices.iter().map(|notice| (notice.key.to_string(), notice.nth)).collect();
    assert_eq!(said, [("192.0.2.1".to_owned(), Some(1)), ("2001:db8::/64".to_owned(), Some(4))]);
    let bad: Vec<String> = delivery.bad.iter().map(ToString::to_string).collect();
    let expected = [
        "in the jail `sshd`: not an address or network: `192.0.2.1; reboot`",
        "in the jail `sshd`: not an address or network: `7`",
        "the attribute `failures` holds a value of another kind",
        "the attribute `until` holds another number of values than addresses",
    ];
    assert_eq!(bad, expected);
}

#[test]
fn several_jails_in_one_message_are_read() {
    let body = r#"{"sshd": ["192.0.2.1"], "unban:dovecot": ["192.0.2.2"]}"#;
    let attributes = json!({"nth": {"Type": "String", "Value": "7"}});
    let delivery = wire::read(&envelope_of(body, &attributes), &[], &origins()).unwrap();
    let said: Vec<_> = delivery.notices.iter().map(|one| (&*one.jail, one.told, one.nth)).collect();
    assert_eq!(said, [("sshd", Told::Ban { until: None }, None), ("dovecot", Told::Unban, None)]);
}

#[test]
fn what_is_wrong_as_a_whole_says_why() {
    let refused = |body: &str| wire::read(body, &[], &origins()).unwrap_err().to_string();
    let none = Value::Null;
    let foreign = envelope_of("{}", &none).replace("F2B", "Other");
    let another = "it comes from another topic: `arn:aws:sns:eu-central-1:111122223333:Other`";
    assert_eq!(refused(&foreign), another);
    assert!(refused("nonsense").starts_with("cannot read the body: not JSON: "));
    assert!(refused(&envelope_of("{", &none)).starts_with("cannot read the message: not JSON: "));
    for message in ["[]", "7", r#"{"sshd": "192.0.2.1"}"#, r#"{"sshd": {"a": []}}"#] {
        assert_eq!(refused(&envelope_of(message, &none)), "not a list of addresses for each jail");
    }
    assert_eq!(refused(r#"{"sshd": ["192.0.2.1"]}"#), "it does not say which topic it comes from");
    let confirmation = r#"{"Type": "SubscriptionConfirmation", "Token": "x"}"#;
    assert_eq!(refused(confirmation), "not a notification but: `SubscriptionConfirmation`");
    let long = " ".repeat(wire::MAX_BODY_BYTES + 1);
    assert_eq!(refused(&long), "the body has 1048577 bytes, more than 1048576");
    assert!(refused(&"[".repeat(100_000)).starts_with("cannot read the body: not JSON: recursion limit"));
    let many = format!("{{\"sshd\": [{}1]}}", "1,".repeat(wire::MAX_KEYS));
    assert_eq!(refused(&envelope_of(&many, &none)), "it holds more than 32768 addresses");
}
