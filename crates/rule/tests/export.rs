//! EventBridge's rules for rules of ours: nothing that a rule matches is missing, and AWS's limits hold.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

#[path = "support/export.rs"]
mod support;

use stockade_pattern::Pattern;
use stockade_rule::Rule;
use stockade_rule::export::{Export, MAX_DESCRIPTION_CHARS, Options, Reference};
use support::{check_limits, pattern_of, rule};

fn export(rules: &[Rule]) -> Export {
    Export::new(rules, Options::default())
}

#[test]
fn what_is_shared_stands_once() {
    let call = |service: &str, name: &str, more: &str| {
        format!(
            r#"{{"source": ["aws.{service}"], "detail-type": ["AWS API Call via CloudTrail"],
                 "detail": {{"eventName": ["{name}"], "errorCode": [{{"exists": false}}]{more}}}}}"#
        )
    };
    let rules = [
        rule("a", &[call("cloudtrail", "StopLogging", ""), call("cloudtrail", "DeleteTrail", "")]),
        rule("b", &[call("iam", "CreateUser", r#", "requestParameters": {"userName": [{"prefix": "x"}]}"#)]),
        rule("c", &[call("iam", "DeleteUser", "")]),
        // Covered by the one before.
        rule("d", &[call("iam", "DeleteUser", r#", "userIdentity": {"type": ["Root"]}"#)]),
    ];
    let export = export(&rules);
    assert_eq!(
        pattern_of(&export),
        [concat!(
            r#"{"detail-type":["AWS API Call via CloudTrail"],"detail":{"errorCode":[{"exists":false}]},"#,
            r#""$or":[{"source":["aws.iam"],"detail":{"$or":[{"eventName":["CreateUser"],"requestParameters":{"userName":[{"prefix":"x"}]}},"#,
            r#"{"eventName":["DeleteUser"]}]}},"#,
            r#"{"source":["aws.cloudtrail"],"detail":{"eventName":["DeleteTrail","StopLogging"]}}]}"#
        )]
    );
    assert_eq!(export.rules[0].name, "stockade-events-1");
    assert_eq!(export.rules[0].feeds.len(), 4);
}

#[test]
fn calls_that_read_have_rules_of_their_own() {
    let of = |pattern: &str| {
        let export = export(&[rule("x", &[pattern.to_owned()])]);
        assert_eq!(export.rules.len(), 1);
        export.rules[0].state() == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    };
    for (pattern, reads) in [
        (r#"{"detail": {"eventName": ["GetSecretValue"]}}"#, true),
        (r#"{"detail": {"eventName": ["StopLogging", "ListBuckets"]}}"#, true),
        (r#"{"detail": {"eventName": [{"prefix": "Desc"}]}}"#, true),
        (r#"{"detail": {"eventName": [{"prefix": "G"}]}}"#, true),
        (r#"{"detail": {"eventName": [{"wildcard": "Get*Policy"}]}}"#, true),
        (r#"{"detail": {"eventName": [{"anything-but": "x"}]}}"#, true),
        (r#"{"detail": {"userIdentity": {"type": ["Root"]}}}"#, true),
        (r#"{"detail": {"userIdentity": {"type": ["Root"]}, "readOnly": [false]}}"#, false),
        (r#"{"detail": {"eventName": ["GetFederationToken", "GetSessionToken"]}}"#, false),
        (r#"{"detail": {"eventName": ["StopLogging", {"prefix": "Delete"}]}}"#, false),
        (r#"{"source": ["own.app"]}"#, false),
        (r#"{"source": ["aws.s3"]}"#, true),
        (r#"{"detail-type": ["AWS Console Sign In via CloudTrail"]}"#, false),
        (r#"{"detail-type": ["GuardDuty Finding"], "detail": {"type": ["x"]}}"#, false),
        (r#"{"source": ["aws.guardduty"], "detail": {"service": {"archived": [false]}}}"#, false),
    ] {
        assert_eq!(of(pattern), reads, "{pattern}");
    }
    let both = rule(
        "x",
        &[r#"{"detail": {"eventName": ["A"]}}"#.into(), r#"{"detail": {"eventName": ["ListA"]}}"#.into()],
    );
    let names: Vec<String> = export(&[both]).rules.into_iter().map(|rule| rule.name).collect();
    assert_eq!(names, ["stockade-events-1", "stockade-reads-1"]);
}

#[test]
fn what_eventbridge_cannot_say_is_left_out_and_told() {
    let patterns = [
        r#"{"detail": {"eventName": ["CreateAccessKey"], "requestParameters": {"userName": [{"compare": {"differs": "detail.userIdentity.userName"}}]}}}"#,
        r#"{"detail": {"eventName": ["PutRolePolicy"], "requestParameters": {"policyDocument": [{"json": {"Statement": {"Action": ["*"]}}}]}}}"#,
        r#"{"detail": {"eventName": ["X"], "a": [{"wildcard": "arn:*:*:*:*:*:*"}], "b": [{"equals-ignore-case": "😀"}]}}"#,
        r#"{"detail": {"eventName": ["Y"], "a": [{"compare": {"equals": "b"}}, {"exists": false}]}}"#,
    ];
    let rules = [rule("keys", &patterns.map(str::to_owned))];
    let export = export(&rules);
    let told: Vec<String> = export.wider.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(
        told[0].contains("`compare`") && told[0].contains("detail.requestParameters.userName"),
        "{told:?}"
    );
    let text = &pattern_of(&export)[0];
    for part in [
        r#""requestParameters":{"userName":[{"exists":true}]}"#,
        r#""policyDocument":[{"exists":true}]"#,
        r#""a":[{"prefix":"arn:"}],"b":[{"exists":true}]"#,
        r#"{"eventName":["Y"]}"#,
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(export.cloudformation().unwrap().contains("#   keys: EventBridge does not know `compare`"));
    assert!(export.terraform().unwrap().contains("\n#   keys: EventBridge does not know `json`"));
    assert!(
        export.calls().unwrap()[0].put_rule["Description"].as_str().unwrap().contains("Wider than the rules")
    );
}

#[test]
fn what_is_too_long_is_cut_and_loses_nothing() {
    let names: Vec<String> = (0..300).map(|n| format!("\"DeleteNumber{n:04}\"")).collect();
    let long = format!(r#"{{"source": ["s"], "detail": {{"eventName": [{}]}}}}"#, names.join(","));
    let export = export(&[rule("long", std::slice::from_ref(&long))]);
    let patterns = check_limits(&export, 2_048);
    assert!((3..=4).contains(&patterns.len()) && export.wider.is_empty(), "{}", patterns.len());
    for n in 0..300 {
        let event = format!(r#"{{"source": "s", "detail": {{"eventName": "DeleteNumber{n:04}"}}}}"#);
        assert!(patterns.iter().any(|pattern| pattern.matches(event.as_bytes()).unwrap()), "{event}");
    }
    // Nothing to divide: what it excludes is not asked for.
    let excluded = long
        .replace("[\"DeleteNumber0000", "[{\"anything-but\": [\"DeleteNumber0000")
        .replace("]}}", "]}]}}");
    let export = Export::new([&rule("long", &[excluded])], Options::default());
    assert_eq!(pattern_of(&export), [r#"{"source":["s"],"detail":{"eventName":[{"exists":true}]}}"#]);
    assert!(export.wider[0].to_string().contains("too long"), "{:?}", export.wider);
}

#[test]
fn words_of_the_language_stay_out_of_or() {
    let rules = [
        rule("a", &[r#"{"source": ["x"], "detail": {"prefix": ["p"]}}"#.into()]),
        rule("b", &[r#"{"source": ["y"], "detail": {"name": ["q"]}}"#.into()]),
    ];
    assert_eq!(check_limits(&export(&rules), 2_048).len(), 2);
}

#[test]
fn five_targets_a_rule() {
    let target = |n: usize| Reference::parse(&format!("arn:aws:sqs:eu-central-1:111122223333:q{n}")).unwrap();
    let options = Options {
        targets: (0..7).map(target).collect(),
        dead_letter: Some(target(9)),
        bus: Some("own".into()),
        ..Options::default()
    };
    let export = Export::new([&rule("a", &[r#"{"source": ["x"]}"#.into()])], options);
    let calls = export.calls().unwrap();
    assert!(export.queue_calls().is_empty());
    let names: Vec<_> = calls.iter().map(|calls| calls.put_rule["Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["stockade-events-1", "stockade-events-1-targets-2"]);
    let counts: Vec<_> = calls
        .iter()
        .map(|calls| calls.put_targets.as_ref().unwrap()["Targets"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [5, 2]);
    let first = calls[0].put_targets.as_ref().unwrap();
    assert_eq!(first["EventBusName"], "own");
    assert!(first["Targets"][0]["DeadLetterConfig"]["Arn"].as_str().unwrap().ends_with(":q9"));
    let options = Options { targets: vec![target(1)], queue_policy: true, ..Options::default() };
    let queues = Export::new([&rule("a", &[r#"{"source": ["x"]}"#.into()])], options).queue_calls();
    assert_eq!(queues[0]["QueueUrl"], "https://sqs.eu-central-1.amazonaws.com/111122223333/q1");
    let policy: serde_json::Value =
        serde_json::from_str(queues[0]["Attributes"]["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(
        policy["Statement"][0]["Condition"]["ArnLike"]["aws:SourceArn"],
        "arn:aws:events:eu-central-1:111122223333:rule/stockade-*"
    );
}

#[test]
fn the_order_of_the_rules_does_not_matter_and_descriptions_end() {
    let many: Vec<Rule> = (0..60)
        .map(|n| {
            rule(
                &format!("a-rule-with-a-long-name-{n}"),
                &[format!(r#"{{"source": ["s{n}"], "detail": {{"k": [{n}]}}}}"#)],
            )
        })
        .collect();
    let forwards = Export::new(&many, Options::default());
    let backwards = Export::new(many.iter().rev(), Options::default());
    assert_eq!(forwards.cloudformation().unwrap(), backwards.cloudformation().unwrap());
    for calls in forwards.calls().unwrap() {
        assert!(calls.put_rule["Description"].as_str().unwrap().chars().count() <= MAX_DESCRIPTION_CHARS);
    }
}

#[test]
fn many_combinations_take_no_long_time() {
    let alternatives: Vec<String> =
        (0..1_000).map(|n| format!(r#"{{"n": [{n}], "k{}": ["v{}"]}}"#, n % 7, n % 13)).collect();
    let pattern = |n: usize| format!(r#"{{"source": ["s{n}"], "$or": [{}]}}"#, alternatives.join(","));
    let rules: Vec<Rule> = (0..4).map(|n| rule(&format!("r{n}"), &[pattern(n)])).collect();
    let start = std::time::Instant::now();
    let export = export(&rules);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    check_limits(&export, 2_048);
    assert!(export.wider.is_empty() && export.rules.len() < 50, "{}", export.rules.len());
}

/// The catalogue's triggers: how many EventBridge rules they come to, and that every one of them is in there.
#[test]
fn the_catalogue_fits() {
    let base = std::env::var_os("STOCKADE_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        std::path::PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(base.join("data/cloudtrail/playbook-patterns.json")) else {
        eprintln!("skipped: no shared data: set STOCKADE_SHARED to the folder that holds data/cloudtrail");
        return;
    };
    let catalogue: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let rules: Vec<Rule> = catalogue
        .iter()
        .map(|(name, patterns)| {
            let patterns = patterns.as_array().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
            rule(&name.to_lowercase(), &patterns)
        })
        .collect();
    let export = export(&rules);
    let exported = check_limits(&export, 2_048);
    let total: usize = pattern_of(&export).iter().map(String::len).sum();
    eprintln!("{} rules, {total} characters, {} wider", exported.len(), export.wider.len());
    assert!(exported.len() <= total.div_ceil(2_048) + 2, "{} for {total} characters", exported.len());
    // As combinations, each must be covered by one that is exported.
    let asked: Vec<_> = exported.iter().flat_map(Pattern::written).collect();
    for pattern in rules.iter().flat_map(|rule| &rule.patterns) {
        for combination in pattern.pattern.written() {
            let covered = asked.iter().any(|asked| {
                asked.iter().all(|field| {
                    let own = combination.iter().find(|own| own.path == field.path);
                    own.is_some_and(|own| own.conditions.iter().all(|one| field.conditions.contains(one)))
                })
            });
            assert!(covered, "{}", pattern.json);
        }
    }
}
