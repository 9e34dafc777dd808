//! How events are read: keys, identities, times, evidence.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use stockade_core::limits::MAX_EVIDENCE_BYTES;
use stockade_core::{Key, Timestamp};
use stockade_rule::{Event, RuleBook, Scratch};
use support::{RECEIVED, book, keys, read, rule};

const CALL: &str = r#"{"eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "eventType": "AwsApiCall",
    "eventID": "3fcfb182-98f8-4744-bd45-10a395ab61cb", "eventTime": "2026-11-22T10:15:04Z", "awsRegion": "us-east-1",
    "recipientAccountId": "111122223333", "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2.0",
    "userIdentity": {"type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::111122223333:user/alice"},
    "requestParameters": {"userName": "bob", "tags": [{"key": "a"}, {"key": "b"}, {"key": "a"}]}}"#;

fn envelope(detail: &str) -> String {
    format!(
        r#"{{"version": "0", "id": "envelope-1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": "111122223333", "time": "2026-11-22T10:15:04Z", "region": "us-east-1", "resources": [], "detail": {detail}}}"#
    )
}

#[test]
fn a_record_is_read_like_its_event() {
    let pattern = r#"{"source": ["aws.iam"], "detail-type": ["AWS API Call via CloudTrail"], "account": ["111122223333"],
        "region": ["us-east-1"], "time": [{"prefix": "2026-11-22T10"}], "detail": {"eventName": ["CreateUser"]}}"#;
    let book = book(pattern, "{ user = 'detail.requestParameters.userName' }");
    let from_file = read(&book, Event::Record(CALL.as_bytes())).unwrap();
    assert_eq!(from_file, read(&book, Event::Envelope(envelope(CALL).as_bytes())).unwrap());
    let [(_, found)] = &from_file[..] else { panic!("one match") };
    assert_eq!((&found.key, found.user.as_deref()), (&Key::name("bob"), Some("alice")));
    assert_eq!(found.time, Timestamp::from_secs(1_795_342_504));
    assert_eq!(
        &*found.line,
        r#"{"rule":"rule","name":"CreateUser","source":"aws.iam","account":"111122223333","region":"us-east-1","id":"3fcfb182-98f8-4744-bd45-10a395ab61cb","actor":"arn:aws:iam::111122223333:user/alice","user":"alice","address":"203.0.113.7","agent":"aws-cli/2.0"}"#
    );
}

#[test]
fn what_only_the_envelope_says_is_asked_of_the_envelope() {
    let other =
        book(r#"{"source": ["aws.sts"], "detail": {"eventName": ["CreateUser"]}}"#, "{ user = 'account' }");
    assert!(read(&other, Event::Record(CALL.as_bytes())).unwrap().is_empty());
    let nothing_else = book(r#"{"source": ["aws.iam"]}"#, "{ user = 'account' }");
    assert_eq!(keys(&nothing_else, Event::Record(CALL.as_bytes())), ["111122223333"]);
}

#[test]
fn the_records_of_a_file_are_read_one_after_the_other() {
    let book = book(
        r#"{"detail": {"eventName": ["CreateUser"]}}"#,
        "{ user = 'detail.requestParameters.userName' }",
    );
    let file = format!(r#" {CALL} , {{"eventName": "ListUsers"}},{CALL}]}}"#);
    let (mut rest, mut lengths, mut found, mut scratch) = (file.as_bytes(), Vec::new(), 0, Scratch::new());
    while !rest.starts_with(b"]") {
        let length = book.read_first(rest, RECEIVED, &mut scratch, &mut |_| found += 1).unwrap();
        lengths.push(length);
        rest = rest[length..].trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest);
    }
    assert_eq!(
        (found, lengths),
        (2, vec![CALL.len() + 1, r#" {"eventName": "ListUsers"}"#.len(), CALL.len()])
    );
    let cut = &CALL.as_bytes()[..CALL.len() - 1];
    assert!(book.read_first(cut, RECEIVED, &mut scratch, &mut |_| found += 1).is_err());
    assert_eq!(found, 2);
}

#[test]
fn whoever_puts_events_on_a_bus_chooses_neither_their_identity_nor_their_time() {
    // An application tells of failed sign-ins, with a number and a time that come from whoever tries.
    let event = |source: &str, id: &str| {
        format!(
            r#"{{"id": "{id}", "source": "{source}", "detail-type": "Sign-in failed", "time": "2026-11-22T10:15:04Z",
            "detail": {{"user": "bob", "eventID": "1", "eventTime": "2020-01-01T00:00:00Z"}}}}"#
        )
    };
    let book = book(r#"{"detail": {"user": [{"exists": true}]}}"#, "{ user = 'detail.user' }");
    let one = |event: &str| {
        let (_, found) = read(&book, Event::Envelope(event.as_bytes())).unwrap().remove(0);
        (found.id, found.time)
    };
    for source in ["shop.accounts", "aws.partner/example.com/1/2"] {
        let (first, second) = (one(&event(source, "a")), one(&event(source, "b")));
        assert_ne!(first.0, second.0, "{source}: two events are two");
        assert_eq!(first.1, Timestamp::from_secs(1_795_342_504), "{source}");
    }
    assert_eq!(
        one(&event("aws.signin", "a")),
        one(&event("aws.signin", "b")),
        "AWS's own is one, delivered twice"
    );
}

#[test]
fn every_value_of_the_first_path_that_has_a_key_is_one() {
    let pattern = r#"{"detail": {"eventName": ["CreateUser"]}}"#;
    let of = |key: &str| keys(&book(pattern, key), Event::Record(CALL.as_bytes()));
    assert_eq!(of("{ resource = 'detail.requestParameters.tags.key' }"), ["a", "b"]);
    assert_eq!(
        of("{ resource = ['detail.nothing', 'detail.requestParameters.userName', 'account'] }"),
        ["bob"]
    );
    assert_eq!(of("{ address = ['detail.userAgent', 'detail.sourceIPAddress'] }"), ["203.0.113.7"]);
    assert_eq!(of("{ address = 'detail.userAgent' }"), [""; 0]);
    assert_eq!(of("{ user = 'detail.nothing' }"), [""; 0]);
    assert_eq!(of("{ resource = 'detail.nothing' }"), ["111122223333"], "not lost for want of a name");
    let bare = keys(
        &book(pattern, "{ principal = 'detail.nothing' }"),
        Event::Record(br#"{"eventName": "CreateUser", "eventSource": "iam.amazonaws.com"}"#),
    );
    assert_eq!(bare, ["aws.iam"]);
}

#[test]
fn an_address_that_is_none_is_no_match() {
    let login = |address: &str| format!(r#"{{"eventName": "X", "sourceIPAddress": "{address}"}}"#);
    let book = book(r#"{"detail": {"eventName": ["X"]}}"#, "{ address = 'detail.sourceIPAddress' }");
    for address in ["AWS Internal", "s3.amazonaws.com", "203.0.113.0/24"] {
        assert!(read(&book, Event::Record(login(address).as_bytes())).unwrap().is_empty());
        let why = book.rules()[0].explain(Event::Record(login(address).as_bytes())).unwrap();
        assert!(!why.finds());
        let text = why.to_string();
        assert!(
            text.contains(&format!("detail.sourceIPAddress: `{address}` is no address\n  NO KEY")),
            "{text}"
        );
    }
    assert!(book.rules()[0].explain(Event::Record(login("192.0.2.1").as_bytes())).unwrap().finds());
}

#[test]
fn a_rule_finds_something_once_in_an_event() {
    let text = r#"description = "x"
        [[pattern]]
        json = '{"detail": {"eventName": ["CreateUser"]}}'
        key = { address = "detail.nothing" }
        [[pattern]]
        json = '{"detail": {"eventName": [{"prefix": "Create"}]}}'
        key = { user = "detail.requestParameters.userName" }
        [[pattern]]
        json = '{"detail": {"eventName": [{"prefix": "C"}]}}'
        key = { user = "account" }"#;
    let book = RuleBook::new(vec![rule("one", text), rule("two", text)]);
    let found = read(&book, Event::Record(CALL.as_bytes())).unwrap();
    let found: Vec<_> = found.iter().map(|(rule, found)| (&**rule, found.key.to_string())).collect();
    assert_eq!(
        found,
        [("one", "bob".to_owned()), ("two", "bob".to_owned())],
        "the first pattern that has a key"
    );
}

/// The identities that a book of a rule for everything finds.
fn identity(event: Event<'_>) -> String {
    let book = book(r#"{"source": [{"exists": true}]}"#, "{ resource = 'source' }");
    let mut identity = None;
    book.read(event, RECEIVED, &mut Scratch::new(), &mut |found| identity = Some(found.identity.to_owned()))
        .unwrap();
    identity.unwrap()
}

#[test]
fn every_source_has_its_identity() {
    let guardduty = |count: u32, envelope: &str| {
        identity(Event::Envelope(
            format!(
                r#"{{"id": "{envelope}", "source": "aws.guardduty", "account": "111122223333", "region": "eu-west-1",
                "detail": {{"id": "f1", "updatedAt": "2026-11-22T10:00:00Z", "service": {{"count": {count}}}}}}}"#
            )
            .as_bytes(),
        ))
    };
    assert_eq!(guardduty(1, "a"), guardduty(1, "b"), "one finding, sent twice");
    assert_ne!(guardduty(1, "a"), guardduty(2, "a"), "it was seen again");

    let config = |time: &str| {
        identity(Event::Envelope(
            format!(
                r#"{{"id": "{time}x", "source": "aws.config", "account": "111122223333", "region": "eu-west-1", "detail":
                {{"configRuleName": "restricted-ssh", "resourceType": "AWS::EC2::SecurityGroup", "resourceId": "sg-1",
                "newEvaluationResult": {{"evaluationResultIdentifier": {{"orderingTimestamp": "{time}"}}}}}}}}"#
            )
            .as_bytes(),
        ))
    };
    assert_eq!(config("t1"), "111122223333/eu-west-1/restricted-ssh/AWS::EC2::SecurityGroup/sg-1/t1");
    assert_ne!(config("t1"), config("t2"));

    assert_eq!(identity(Event::Record(CALL.as_bytes())), "3fcfb182-98f8-4744-bd45-10a395ab61cb");
    assert_eq!(identity(Event::Envelope(envelope(CALL).as_bytes())), "3fcfb182-98f8-4744-bd45-10a395ab61cb");
    assert_eq!(identity(Event::Envelope(envelope("{}").as_bytes())), "envelope-1");
    let bare = identity(Event::Envelope(br#"{"source": "x"}"#));
    assert_eq!(bare.len(), 32);
    assert_ne!(bare, identity(Event::Envelope(br#"{"source": "y"}"#)));
    assert_eq!(identity(Event::Record(b"{}")).len(), 32);
}

#[test]
fn keys_of_one_event_and_rules_have_ids_of_their_own() {
    let text = |key: &str| {
        format!(
            "description = 'x'\nkey = {{ resource = '{key}' }}\n[[pattern]]\njson = '{{\"detail\": {{\"eventName\": [\"CreateUser\"]}}}}'"
        )
    };
    let tags = text("detail.requestParameters.tags.key");
    let book = RuleBook::new(vec![rule("one", &tags), rule("two", &tags)]);
    let ids = |book: &RuleBook| -> Vec<u128> {
        read(book, Event::Record(CALL.as_bytes())).unwrap().iter().map(|(_, found)| found.id.0).collect()
    };
    let mut all = ids(&book);
    assert_eq!(all, ids(&book), "the same again");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4);
}

#[test]
fn a_repair_keeps_the_whole_event() {
    let text = "description = 'x'\ntarget = 'repair'\nkey = { user = 'account' }\n[[pattern]]\njson = '{\"detail\": {\"eventName\": [\"CreateUser\"]}}'";
    let book = RuleBook::new(vec![rule("one", text)]);
    let line = |event: Event<'_>| read(&book, event).unwrap().remove(0).1.line;
    let parse = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };

    let from_file = line(Event::Record(CALL.as_bytes()));
    assert!(!from_file.contains('\n'));
    assert_eq!(parse(&from_file)["detail"], parse(CALL));
    assert_eq!(parse(&from_file)["source"], "aws.iam");
    assert_eq!(parse(&line(Event::Envelope(envelope(CALL).as_bytes()))), parse(&envelope(CALL)));

    let padded = CALL.replacen('{', &format!("{{\"pad\": \"{}\",", "x".repeat(300_000)), 1);
    let digest = line(Event::Record(padded.as_bytes()));
    assert!(digest.len() <= MAX_EVIDENCE_BYTES, "too long to be kept");
    assert_eq!(parse(&digest)["name"], "CreateUser");
}

#[test]
fn a_digest_is_bounded_whatever_the_event_says() {
    let hostile = "\\u0007\\\"é".repeat(2_000);
    let event = format!(
        r#"{{"eventName": "{hostile}", "awsRegion": "{hostile}", "eventID": "{hostile}", "userAgent": "{hostile}",
        "userIdentity": {{"arn": "{hostile}", "userName": "{hostile}"}}, "sourceIPAddress": "{hostile}", "x": 1}}"#
    );
    let book = book(r#"{"detail": {"x": [1]}}"#, "{ user = 'detail.userIdentity.userName' }");
    let found = read(&book, Event::Record(event.as_bytes())).unwrap();
    let [(_, found)] = &found[..] else { panic!("one match") };
    assert!(found.line.len() <= MAX_EVIDENCE_BYTES && !found.line.chars().any(char::is_control));
    let digest: serde_json::Value = serde_json::from_str(&found.line).unwrap();
    assert!(digest["name"].as_str().unwrap().ends_with('…'));
    assert!(found.user.as_ref().unwrap().len() <= Key::MAX_NAME_BYTES);
}

#[test]
fn an_event_without_a_time_happened_when_it_came() {
    let book = book(r#"{"source": ["x"]}"#, "{ user = 'source' }");
    for event in [r#"{"source": "x"}"#, r#"{"source": "x", "time": "soon"}"#] {
        assert_eq!(read(&book, Event::Envelope(event.as_bytes())).unwrap()[0].1.time, RECEIVED);
    }
    let later = read(&book, Event::Envelope(br#"{"source": "x", "time": "2026-11-22T10:15:04Z"}"#)).unwrap();
    assert_eq!(later[0].1.time, Timestamp::from_secs(1_795_342_504));
}

#[test]
fn the_tests_of_a_rule_say_what_is_wrong() {
    let text = r#"description = "x"
        key = { user = "detail.user" }
        [[pattern]]
        name = "p"
        json = '{"detail": {"a": [1]}}'
        [[test]]
        name = "good"
        event = '{"detail": {"a": 1, "user": ["u", "v"]}}'
        matches = true
        keys = ["v", "u"]
        [[test]]
        record = '{"a": 2, "user": "u"}'
        matches = true
        [[test]]
        record = '{"a": 1, "user": "u"}'
        matches = false
        [[test]]
        record = '{"a": 1, "user": "u"}'
        matches = true
        keys = ["w"]
        [[test]]
        record = '{"a": 1}'
        matches = true"#;
    let outcomes = rule("x", text).run_tests();
    let names: Vec<_> = outcomes.iter().map(|outcome| &*outcome.name).collect();
    assert_eq!(names, ["good", "test 2", "test 3", "test 4", "test 5"]);
    assert_eq!(outcomes[0].failure, None);
    assert_eq!(outcomes[1].place.line, 11);
    let failure = |at: usize| outcomes[at].failure.clone().unwrap();
    assert_eq!(
        failure(1),
        "expected a match, found nothing\npattern 1 (p): no match\n  DIFFERS detail.a: wanted 1, is 2\n  \
         ok      detail.errorCode: absent, as wanted\n  key: u\n"
    );
    assert!(failure(2).starts_with("expected no match, found `u`\n"));
    assert_eq!(failure(3), "expected keys `w`, found `u`");
    assert!(failure(4).ends_with("  NO KEY: user at `detail.user`\n"));
}

#[test]
fn events_of_one_session_are_one_match_where_the_rule_says_so() {
    let text = |once: &str| {
        format!(
            "description = 'x'\nkey = {{ user = 'detail.user' }}\n{once}\n[[pattern]]\njson = '{{\"detail\": {{\"user\": [{{\"exists\": true}}]}}}}'"
        )
    };
    let ids = |once: &str| -> Vec<u128> {
        let book = RuleBook::new(vec![rule("x", &text(once))]);
        let events = [
            r#"{"eventID": "1", "user": "a", "session": "s"}"#,
            r#"{"eventID": "2", "user": "a", "session": "s"}"#,
            r#"{"eventID": "3", "user": "b", "session": "s"}"#,
            r#"{"eventID": "4", "user": "a", "session": "t"}"#,
            r#"{"eventID": "5", "user": "a"}"#,
            r#"{"eventID": "6", "user": "a"}"#,
        ];
        let id = |event: &&str| read(&book, Event::Record(event.as_bytes())).unwrap()[0].1.id.0;
        events.iter().map(id).collect()
    };
    let distinct = |mut ids: Vec<u128>| {
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    };
    assert_eq!(distinct(ids("")), 6);
    let once = ids("once_per = ['detail.nothing', 'detail.session']");
    assert_eq!(once[0], once[1]);
    assert_eq!(distinct(once), 5);
}
