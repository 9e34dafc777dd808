use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;
use stockade_core::ports::{Plan, Responder as _};
use stockade_core::{Outcome, Verdict};
use stockade_respond::notice::{Limits, Webhook};

use crate::make::{after, at, ban, book, notice, unlimited};
use crate::python;
use crate::receiver::{Answer, Got, Other, status};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

fn hook(url: &str, timeout: Duration, limits: Limits) -> Webhook {
    Webhook::new(url, Some(SECRET), timeout, None, limits, book()).unwrap()
}

fn quick(url: &str) -> Webhook {
    hook(url, Duration::from_secs(5), unlimited())
}

/// Checks a signature as somebody would who read the book and uses Python.
fn signed(got: &Got) -> bool {
    const CHECK: &str = r#"
import hashlib, hmac, sys
header, secret = sys.argv[1:]
parts = dict(part.split("=", 1) for part in header.split(","))
body = sys.stdin.buffer.read()
wanted = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
sys.exit(0 if hmac.compare_digest(wanted, parts["v1"]) else 1)
"#;
    let header = got.header("x-stockade-signature").unwrap();
    python::run_with_input(CHECK, &[header, std::str::from_utf8(SECRET).unwrap()], &got.body)
}

#[test]
fn a_notice_is_one_signed_request() {
    let other = Other::new(vec![status(204)]);
    let mut hook = quick(&other.url("/hooks/stockade?x=1"));
    let told = notice("trail/main", "mallory", 0);
    assert_eq!(hook.tell(std::slice::from_ref(&told), at(1)).unwrap(), [Outcome::Done]);
    let got = other.got();
    assert_eq!((got.len(), got[0].method.as_str(), got[0].path.as_str()), (1, "POST", "/hooks/stockade?x=1"));
    assert_eq!(got[0].header("content-type"), Some("application/json; charset=utf-8"));
    assert!(got[0].header("x-stockade-signature").unwrap().starts_with("t=1700000001,v1="));
    assert!(signed(&got[0]));
    let mut forged = Got { body: got[0].body.clone(), headers: got[0].headers.clone(), ..Got::default() };
    forged.body[10] ^= 1;
    assert!(!signed(&forged), "the check can fail");
    let body = got[0].json();
    assert_eq!((&body["version"], &body["type"], &body["count"]), (&json!(1), &json!("notice"), &json!(1)));
    assert_eq!((&body["severity"], &body["host"]), (&json!("high"), &json!("web01")));
    let told_of = &body["notices"][0];
    assert_eq!(told_of["event"]["name"], "StopLogging");
    assert_eq!(told_of["playbook"], "P01");
    assert_eq!(told_of["evidence"], format!("{:032x}", told.matches[0].id.0));
    assert_eq!(told_of["done"], json!(["Nothing was changed: this rule only tells."]));
    // Told again, it is known by its id.
    hook.tell(&[told], at(2)).unwrap();
    assert_eq!(other.got()[0].json()["notices"][0]["id"], told_of["id"]);
}

#[test]
fn without_a_secret_nothing_is_signed() {
    let other = Other::new(vec![status(200)]);
    let mut hook =
        Webhook::new(&other.url("/"), None, Duration::from_secs(5), None, unlimited(), book()).unwrap();
    hook.tell(&[notice("trail/main", "mallory", 0)], at(0)).unwrap();
    assert_eq!(other.got()[0].header("x-stockade-signature"), None);
}

#[test]
fn bans_and_their_ends_are_handed_on_whole_and_in_order() {
    let other = Other::new(vec![status(200)]);
    let mut hook = hook(&other.url("/"), Duration::from_secs(5), Limits::default());
    let plan = Plan {
        add: (0..450).map(|n| ban("sshd", &format!("198.51.{}.{}", 100 + n / 250, n % 250), 600)).collect(),
        remove: vec![("sshd".into(), "2001:db8::1".parse().unwrap())],
    };
    assert!(hook.takes(&Verdict::Unban));
    let outcomes = hook.apply_with(&plan, &[after(5)], at(0)).unwrap();
    assert_eq!(outcomes, vec![Outcome::Done; 451], "no limit holds for decisions");
    let got = other.got();
    assert!(got.iter().all(signed));
    let decisions: Vec<_> =
        got.iter().flat_map(|got| got.json()["decisions"].as_array().unwrap().clone()).collect();
    assert_eq!((got.len(), decisions.len()), (3, 451));
    assert_eq!(got[0].json()["type"], "decisions");
    let first = &decisions[0];
    assert_eq!((&first["verdict"], &first["key"]), (&json!("ban"), &json!("198.51.100.0")));
    assert_eq!((&first["until"], &first["nth"]), (&json!("2023-11-14T22:23:20Z"), &json!(2)));
    assert_eq!((&first["matches"], &first["reason"]), (&json!(5), &json!("5 matches within 600s")));
    assert_eq!(first["undo"], json!(["stockade unban 198.51.100.0 --jail sshd"]));
    assert_eq!((&decisions[450]["verdict"], &decisions[450]["family"]), (&json!("unban"), &json!("ipv6")));
    // What is flushed is let in again, there as well.
    hook.flush().unwrap();
    let ends: usize = other.got().iter().map(|got| got.json()["decisions"].as_array().unwrap().len()).sum();
    assert_eq!(ends, 450);
}

#[test]
fn one_request_that_fails_holds_back_those_after_it() {
    let other = Other::new(vec![status(200), status(500), status(200)]);
    let mut hook = quick(&other.url("/"));
    let add = (0..600).map(|n| ban("sshd", &format!("198.51.{}.{}", 100 + n / 250, n % 250), 600)).collect();
    let outcomes = hook.apply(&Plan { add, remove: Vec::new() }, at(0)).unwrap();
    assert!(outcomes[..200].iter().all(|outcome| *outcome == Outcome::Done));
    let failed =
        |outcome: &Outcome| matches!(outcome, Outcome::Failed { error } if error.contains("answered 500"));
    assert!(outcomes[200..].iter().all(failed));
    assert_eq!(other.got().len(), 2, "a later ban does not overtake an earlier one");
}

#[test]
fn what_is_answered_decides_what_comes_of_it() {
    let answer = |status, header, body| Answer { header, body, ..self::status(status) };
    for (answer, wanted) in [
        (answer(500, None, "no\u{1b}[31m luck"), "failed: http://127.0.0.1:PORT answered 500: no�[31m luck"),
        (
            answer(404, None, ""),
            "failed: http://127.0.0.1:PORT answered 404 (see whether the address is right, and still there)",
        ),
        (
            answer(302, Some(("location", "http://127.0.0.1:1/".to_owned())), ""),
            "failed: http://127.0.0.1:PORT answered 302 (redirects are not followed: set the address that it leads to)",
        ),
        (answer(400, None, "bad"), "refused: http://127.0.0.1:PORT answered 400: bad"),
        (answer(429, Some(("retry-after", "120".to_owned())), ""), "later: 120"),
        (answer(429, None, ""), "later: 60"),
        (answer(503, Some(("retry-after", "999999".to_owned())), ""), "later: 3600"),
        (answer(503, None, ""), "failed: http://127.0.0.1:PORT answered 503"),
    ] {
        let other = Other::new(vec![answer]);
        let mut hook = quick(&other.url("/secret"));
        let notices = [notice("a", "x", 0), notice("b", "y", 0)];
        let outcomes = hook.tell(&notices, at(0)).unwrap();
        let told = match &outcomes[0] {
            Outcome::Failed { error } => format!("failed: {error}"),
            Outcome::Refused { reason } => format!("refused: {reason}"),
            Outcome::Later { until } => format!("later: {}", until.since(at(0)).as_secs()),
            other => format!("{other:?}"),
        };
        let port = other.url("").rsplit(':').next().unwrap().to_owned();
        assert_eq!(told.replace(&port, "PORT"), wanted);
        // A refusal is about one message; everything else about the other end.
        let tries = if wanted.starts_with("refused") { 2 } else { 1 };
        assert_eq!((other.got().len(), outcomes[0] == outcomes[1]), (tries, true), "{wanted}");
    }
}

#[test]
fn who_asks_for_silence_gets_it() {
    let wait = Answer { header: Some(("retry-after", "30".to_owned())), ..status(429) };
    let other = Other::new(vec![wait, status(200)]);
    let mut hook = quick(&other.url("/"));
    let until = at(30);
    assert_eq!(hook.tell(&[notice("a", "x", 0)], at(0)).unwrap(), [Outcome::Later { until }]);
    assert_eq!(hook.tell(&[notice("b", "y", 9)], at(10)).unwrap(), [Outcome::Later { until }]);
    assert_eq!(other.got().len(), 1);
    let both = [notice("a", "x", 0), notice("b", "y", 9)];
    assert_eq!(hook.tell(&both, at(30)).unwrap(), vec![Outcome::Done; 2]);
    assert_eq!(other.got().len(), 2);
}

#[test]
fn a_slow_or_absent_other_end_holds_up_nothing_for_long() {
    let slow = Answer { after: Duration::from_secs(3), ..status(200) };
    let other = Other::new(vec![slow]);
    let mut hook = hook(&other.url("/"), Duration::from_millis(300), unlimited());
    let begun = Instant::now();
    let outcomes = hook.tell(&[notice("a", "x", 0), notice("b", "y", 0)], at(0)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "the second is not tried");
    let Outcome::Failed { error } = &outcomes[1] else { panic!("{outcomes:?}") };
    assert!(error.ends_with("no answer within 0.3 s"), "{error}");

    // It takes the connection and says nothing at all.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut hook = self::hook(
        &format!("http://{}/", silent.local_addr().unwrap()),
        Duration::from_millis(300),
        unlimited(),
    );
    let outcomes = hook.tell(&[notice("a", "x", 0)], at(0)).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Failed { error } if error.contains("no answer")), "{outcomes:?}");
    let gone = silent.local_addr().unwrap();
    drop(silent);
    let outcomes = quick(&format!("http://{gone}/")).tell(&[notice("a", "x", 0)], at(0)).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Failed { error } if error.contains("refused")), "{outcomes:?}");
}

#[test]
fn a_storm_becomes_few_messages_and_loses_nothing() {
    let other = Other::new(vec![status(200)]);
    let limits =
        Limits { group: Duration::from_secs(60), messages: 3, per: Duration::from_secs(30), waits: true };
    let mut hook = hook(&other.url("/"), Duration::from_secs(5), limits);
    let storm: Vec<_> = (0..40).map(|n| notice(&format!("trail/{n}"), &format!("user{n}"), 0)).collect();
    assert_eq!(hook.tell(&storm, at(0)).unwrap(), vec![Outcome::Done; 40]);
    let bodies: Vec<_> = other.got().iter().map(Got::json).collect();
    assert_eq!(bodies.iter().map(|body| body["count"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 1, 38]);
    assert_eq!(bodies[2]["type"], "summary");
    assert_eq!(bodies[2]["title"], "38 more notices were not sent one by one");
    // The same actor again, within the minute: one message, when it is over.
    let more: Vec<_> = (0..5).map(|n| notice(&format!("other/{n}"), "user0", 20)).collect();
    assert_eq!(hook.tell(&more, at(20)).unwrap(), vec![Outcome::Later { until: at(60) }; 5]);
    assert_eq!(hook.tell(&more, at(60)).unwrap(), vec![Outcome::Done; 5]);
    let got = other.got();
    assert_eq!((got.len(), &got[0].json()["type"], &got[0].json()["count"]), (1, &json!("group"), &json!(5)));
}
