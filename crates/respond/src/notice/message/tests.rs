use std::sync::Arc;

use proptest::prelude::*;
use stockade_core::ports::Notice;
use stockade_core::{Decision, Key, Match, MatchId, Reason, Verdict};

use super::*;
use crate::notice::{About, Book};

const AT: Timestamp = Timestamp::from_secs(1_700_000_000);

fn book() -> Book {
    let about = About {
        description: "Who stops a trail".into(),
        severity: Severity::Critical,
        playbook: Some("P01".into()),
    };
    Book { rules: [(Arc::from("trail-stopped"), about)].into(), host: "web01".into(), ..Book::default() }
}

fn digest(actor: &str, address: &str) -> String {
    serde_json::json!({
        "rule": "trail-stopped", "name": "StopLogging", "source": "cloudtrail.amazonaws.com",
        "account": "111122223333", "region": "eu-central-1", "actor": actor, "address": address,
    })
    .to_string()
}

fn notice(key: &str, line: &str, secs: u64) -> Notice {
    let at = AT.plus(std::time::Duration::from_secs(secs));
    let id = MatchId::derive(key, line, "", secs, 0);
    let key = Key::parse_addr_or_net(key).unwrap_or_else(|| Key::name(key));
    let found = Match {
        id,
        jail: "trail-stopped".into(),
        key: key.clone(),
        time: at,
        count: 1,
        user: None,
        stream: "queue".into(),
        line: line.into(),
    };
    let decision = Decision {
        jail: "trail-stopped".into(),
        key,
        verdict: Verdict::Notify,
        at,
        reason: Reason::Match { id },
        nth: 0,
    };
    Notice { decision, matches: vec![found] }
}

fn story(key: &str, secs: u64) -> Story {
    let line = digest("arn:aws:iam::111122223333:user/mallory", "203.0.113.7");
    Story::of(&notice(key, &line, secs), &book())
}

fn message(stories: Vec<Story>, sums_up: bool) -> Message {
    Message::of(stories, sums_up, "web01").unwrap()
}

const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:111122223333:trail/main";

#[test]
fn one_notice_says_what_happened_what_was_done_and_how_to_undo_it() {
    let id = story(TRAIL, 0).evidence.unwrap().0;
    let text = message(vec![story(TRAIL, 0)], false).text();
    let expected = format!(
        "[critical] Who stops a trail: {TRAIL}

What happened
  rule      trail-stopped, playbook P01
  event     StopLogging of cloudtrail.amazonaws.com
  about     {TRAIL}
  actor     arn:aws:iam::111122223333:user/mallory
  from      203.0.113.7
  account   111122223333
  region    eu-central-1
  time      2023-11-14 22:13:20 UTC

What was done
  Nothing was changed: this rule only tells.

How to undo it
  Nothing was changed, so there is nothing to undo.

more: stockade why {TRAIL} · evidence {id:032x} · told by web01
"
    );
    assert_eq!(text, expected);
}

#[test]
fn several_about_one_thing_are_one_message_with_the_first_keys() {
    let stories = (0..12).map(|n| story(&format!("trail/{n:02}"), n)).collect();
    let message = message(stories, false);
    assert_eq!(message.title, "12 × Who stops a trail: trail/00 and 11 more");
    assert_eq!((message.kind, message.stories.len(), message.more_keys), (MessageKind::Group, 10, 7));
    let more = "\nAnd more of it
  notices   12 in all, 2023-11-14 22:13:20 UTC to 2023-11-14 22:13:31 UTC
  about     trail/00, trail/01, trail/02, trail/03, trail/04 and 7 more\n";
    assert!(message.text().contains(more), "{}", message.text());
}

#[test]
fn a_sum_names_each_rule_and_the_worst_first() {
    let plain = |key: &str| Story { about: None, rule: "logins".into(), ..story(key, 3) };
    let mut stories: Vec<Story> = (0..30).map(|n| plain(&format!("203.0.113.{n}"))).collect();
    stories.extend((0..7).map(|n| story(&format!("trail/{n}"), n)));
    let message = message(stories, true);
    assert_eq!(message.title, "37 more notices were not sent one by one");
    assert_eq!(message.severity, Severity::Critical);
    let text = message.text();
    for line in [
        "  7 × trail-stopped (notify, critical): trail/0, trail/1, trail/2, trail/3, trail/4 and 2 more\n",
        "  30 × logins (notify, medium): 203.0.113.0, 203.0.113.1, ",
        "  time      2023-11-14 22:13:20 UTC to 2023-11-14 22:13:26 UTC\n",
        "  Each is on record: stockade why KEY\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.find("trail-stopped") < text.find("logins"));
}

#[test]
fn a_ban_and_a_repair_say_the_way_back() {
    let until = AT.plus(std::time::Duration::from_secs(600));
    let ban =
        Story { what: What::Ban { until, extends: false, nth: 3 }, about: None, ..story("203.0.113.7", 0) };
    let text = message(vec![ban], false).text();
    assert!(text.contains(
        "203.0.113.7 was banned in jail trail-stopped until 2023-11-14 22:23:20 UTC, the 3. time."
    ));
    assert!(text.contains("stockade unban 203.0.113.7 --jail trail-stopped"), "{text}");
    let repair = Story { what: What::Repair, ..story(TRAIL, 0) };
    let text = message(vec![repair.clone()], false).text();
    assert!(text.contains("A repair was ordered by the playbook P01."), "{text}");
    let done = vec![format!("StartLogging on {TRAIL}")];
    let repaired = repair.with_report(done, vec!["stockade repair undo 7f3a".into()]);
    let text = message(vec![repaired], false).text();
    assert!(text.contains("StartLogging on arn") && text.contains("  stockade repair undo 7f3a\n"), "{text}");
    assert!(!text.contains("was ordered"), "{text}");
}

#[test]
fn what_others_wrote_is_neither_a_line_nor_a_mention_nor_a_command() {
    let hostile = "x`*b*`<!channel> & <https://evil.example|ok>\r\nBcc: all@example.com\u{202e}";
    let line = digest(hostile, hostile);
    let story = Story::of(&notice(hostile, &line, 0), &book());
    let message = message(vec![story], false);
    let lines = message.text().lines().filter(|line| line.contains("Bcc")).count();
    assert_eq!(message.text().lines().filter(|line| line.trim_start().starts_with("Bcc")).count(), 0);
    assert!(lines > 0 && !message.text().contains(['\r', '\u{202e}']));
    assert!(!message.subject().contains(['\r', '\n']) && message.ascii_subject().is_ascii());
    assert!(message.text().contains("stockade why 'x`*b*`<!channel> "), "{}", message.text());
    let slack = message.slack();
    let mut texts = Vec::new();
    mrkdwn(&slack["blocks"], &mut texts);
    assert!(texts.iter().any(|text| text.contains("&lt;!channel&gt; &amp; &lt;https:")), "{texts:?}");
    for text in texts {
        let outside: String = text.split('`').step_by(2).collect();
        assert!(!text.contains(['<', '>']) && !outside.contains("channel"), "{text}");
        assert_eq!(text.matches('`').count() % 2, 0, "{text}");
    }
    // A program gets the key as it is, with JSON's own escapes.
    assert_eq!(message.json()["notices"][0]["key"], hostile);
}

/// All texts that Slack reads for formats.
fn mrkdwn(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            if fields.get("type").is_some_and(|kind| kind == "mrkdwn") {
                texts.push(fields["text"].as_str().unwrap().to_owned());
            }
            fields.values().for_each(|value| mrkdwn(value, texts));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| mrkdwn(value, texts)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_form_of_any_message_is_bounded(
        keys in prop::collection::vec("\\PC{0,400}|[&<>`*\n\u{202e}]{0,300}", 1..40),
        actor in ".{0,400}",
        sums_up: bool,
    ) {
        let line = digest(&actor, "AWS Internal");
        let stories = keys.iter().map(|key| Story::of(&notice(key, &line, 0), &book())).collect();
        let message = message(stories, sums_up);
        prop_assert!(message.text().len() < 64 << 10, "{}", message.text().len());
        prop_assert!(message.json().to_string().len() < 200 << 10);
        prop_assert!(message.ascii_subject().len() <= 100);
        prop_assert!(!message.subject().contains(|c: char| c.is_control()));
        let slack = message.slack();
        let blocks = slack["blocks"].as_array().unwrap();
        prop_assert!(blocks.len() <= 50);
        prop_assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        let mut texts = Vec::new();
        mrkdwn(&slack, &mut texts);
        prop_assert!(texts.iter().all(|text| text.chars().count() <= 3000 && !text.is_empty()));
    }
}

/// The fenced blocks of the book's page in a language.
fn blocks(language: &str) -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../book/src/notices.md");
    let page = std::fs::read_to_string(page).unwrap();
    let begins = format!("```{language}\n");
    page.split(&begins).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_book_shows_what_a_message_looks_like() {
    let about = About {
        description: "Who stops a trail".into(),
        severity: Severity::Critical,
        playbook: Some("P01".into()),
    };
    let book = Book {
        rules: [(Arc::from("cloudtrail-stopped"), about)].into(),
        host: "web01".into(),
        ..Book::default()
    };
    let line = digest("arn:aws:iam::111122223333:user/mallory", "203.0.113.7")
        .replace("trail-stopped", "cloudtrail-stopped")
        .replace("cloudtrail.amazonaws.com", "aws.cloudtrail");
    let mut told = notice(TRAIL, &line, 0);
    told.decision.at = Timestamp::from_secs(1_795_342_504);
    told.matches[0].id = MatchId(0x0a9a_174c_5d9b_658b_82ec_8cdd_586f_fb65);
    let message = message(vec![Story::of(&told, &book)], false);
    assert_eq!(blocks("text")[0], message.text());
    // The forms for programs have the fields that the page shows, and no others.
    let keys = |value: &serde_json::Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let shown: serde_json::Value = serde_json::from_str(&blocks("json")[0]).unwrap();
    let made = message.json();
    assert_eq!((keys(&shown), keys(&shown["rules"][0])), (keys(&made), keys(&made["rules"][0])));
    assert_eq!(keys(&shown["notices"][0]), keys(&made["notices"][0]));
    let known = keys(&made["notices"][0]["event"]);
    assert!(keys(&shown["notices"][0]["event"]).iter().all(|key| known.contains(key)));
}

#[test]
fn a_key_that_looks_like_an_option_is_none() {
    let text = message(vec![story("-rf", 0)], false).text();
    assert!(text.contains("more: stockade why -- '-rf' ·"), "{text}");
}

fn report(key: &str, answers: Vec<(&'static str, String)>) -> stockade_core::ports::Report {
    stockade_core::ports::Report {
        id: MatchId::derive("repair", "record", key, 1, 0),
        topic: "repair/trail-stopped".into(),
        description: "CloudTrail logging stopped".into(),
        playbook: Some("P01".into()),
        severity: Severity::High,
        outcome: if answers.is_empty() { "repaired" } else { "waiting" },
        came_to: "was repaired, and is good again".into(),
        repair: format!("p01-{key}"),
        key: Key::name(key),
        at: AT,
        found: "the trail `main` does not log".into(),
        event: digest("arn:aws:iam::111122223333:user/mallory", "203.0.113.7"),
        done: vec!["start logging (cloudtrail:StartLogging, request r-1)".into()],
        undo: vec![format!("stockade repair undo p01-{key}")],
        answers,
        more: format!("stockade repair show p01-{key}"),
        mark: "12 9f86d081".into(),
    }
}

#[test]
fn a_report_says_what_was_done_and_how_to_undo_it() {
    let text = message(vec![Story::of_report(&report(TRAIL, Vec::new()))], false).text();
    let expected = format!(
        "[high] CloudTrail logging stopped: {TRAIL} was repaired, and is good again

What happened
  repair    CloudTrail logging stopped P01
  event     StopLogging of cloudtrail.amazonaws.com
  about     {TRAIL}
  actor     arn:aws:iam::111122223333:user/mallory
  from      203.0.113.7
  account   111122223333
  region    eu-central-1
  time      2023-11-14 22:13:20 UTC
  found     the trail `main` does not log

What was done
  start logging (cloudtrail:StartLogging, request r-1)

How to undo it
  stockade repair undo p01-{TRAIL}

more: stockade repair show p01-{TRAIL} · record 12 9f86d081 · told by web01
"
    );
    assert_eq!(text, expected);
}

#[test]
fn who_is_asked_gets_links_and_a_message_of_their_own() {
    let link = "https://guard.example.com/?answer=v1.approve.p01-a.1.ff".to_owned();
    let asked = Story::of_report(&report("a", vec![("approve", link.clone())]));
    assert!(asked.card().handles.is_empty());
    let asked = message(vec![asked], false);
    assert!(asked.text().contains(&format!("What you can answer\n  approve   {link}\n")), "{}", asked.text());
    assert!(asked.slack().to_string().contains(&format!("approve: <{link}>")), "{}", asked.slack());
    let json = asked.json();
    assert_eq!(json["notices"][0]["answers"]["approve"], link);
    assert_eq!(
        (&json["notices"][0]["verdict"], &json["notices"][0]["outcome"]),
        (&"repair".into(), &"waiting".into())
    );

    // Several at once: each way back is there.
    let several = ["a", "b", "c"].map(|key| Story::of_report(&report(key, Vec::new())));
    let several = message(several.into(), false);
    assert_eq!(several.title, "3 × CloudTrail logging stopped: a and 2 more");
    for key in ["a", "b", "c"] {
        assert!(
            several.text().contains(&format!("  stockade repair undo p01-{key}\n")),
            "{}",
            several.text()
        );
    }
}
