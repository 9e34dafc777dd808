//! The function's home: what an invocation tells, and the page behind a link.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use stockade_config::{Config, Paths, ReadRules, load_with};
use stockade_core::Timestamp;
use stockade_core::ports::Clock;
use stockade_repair::{Link, LinkKey, Verb};
use stockade_runtime::functions::{Function, Parts, Role, Setup, Tellers};

use super::account::Account;
use super::receiver::{Other, status};
use super::{NO_LOGS, notices};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const BASE: &str = "https://guard.example.com/";

#[derive(Debug)]
struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

/// A folder with the configuration and the shelf of functions.
struct Home {
    folder: tempfile::TempDir,
    account: Account,
    other: Other,
}

impl Home {
    fn new(region: &'static str, mode: &str, more: &str) -> Option<Self> {
        let account = Account::new(region)?;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let other = Other::new(vec![status(200)]);
        let hook = format!("[responders.hook]\nkind = \"webhook\"\nurl = \"{}\"\n", other.url("/"));
        let more = format!("shelf = \"{at}/repairs.db\"\n{}", more.replace("{at}", &at.to_string()));
        fs::write(folder.path().join("stockade.toml"), account.settings(&more, mode, &hook)).unwrap();
        fs::write(folder.path().join("jail.local"), NO_LOGS).unwrap();
        fs::write(folder.path().join("secret"), SECRET).unwrap();
        Some(Self { folder, account, other })
    }

    fn config(&self) -> Config {
        let paths = Paths { directory: Some(self.folder.path().to_owned()), ..Paths::default() };
        load_with(&paths, &|_| None, ReadRules::Yes).unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// A function as Lambda starts one: it remembers nothing of those before.
    fn function(&self) -> Function {
        let config = self.config();
        let tellers = Tellers::new(&config, &self.account.aws);
        let setup = Setup::new(config, Role::Events, |warning| eprintln!("{warning}")).unwrap();
        let aws = Some(self.account.aws.clone());
        Function::new(Role::Events, setup, Parts { tellers, aws, ..Parts::rehearsal(Arc::new(Now)) })
    }

    fn silent(&self) {
        std::thread::sleep(Duration::from_millis(300));
        let got = self.other.got();
        assert!(got.is_empty(), "{}", got[0].json());
    }
}

fn invoke(function: &mut Function, payload: &Value) -> Value {
    let answer =
        function.invoke(payload.to_string().as_bytes()).answer.unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&answer).unwrap()
}

fn schedule() -> Value {
    json!({"version": "0", "id": "x", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "123456789012", "time": "2026-11-22T10:00:00Z", "region": "eu-central-1", "resources": [], "detail": {}})
}

/// A request as a function's URL hands it over.
fn request(method: &str, path: &str, query: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {"host": "x.lambda-url.eu-central-1.on.aws", "user-agent": "Mozilla/5.0"},
        "requestContext": {
            "accountId": "anonymous", "apiId": "x", "domainName": "x.lambda-url.eu-central-1.on.aws",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "198.51.100.9", "userAgent": "Mozilla/5.0"},
            "requestId": "r", "routeKey": "$default", "stage": "$default", "timeEpoch": 1,
        },
        "isBase64Encoded": false,
    })
}

#[test]
fn an_invocation_tells_what_its_repair_came_to_and_the_next_one_nothing() {
    let Some(mut home) = Home::new("ap-south-1", "act", "") else { return };
    let trail = home.account.trail("main");
    let mut function = home.function();
    home.account.stop(&trail);
    let event = home.account.stopped(&trail, "arn:aws:iam::123456789012:user/mallory");
    assert_eq!(invoke(&mut function, &event)["statusCode"], 200);
    let told = notices(&home.other, 1).remove(0);
    assert_eq!(told["outcome"], "repaired", "{told:#}");
    assert_eq!(told["event"]["actor"], "arn:aws:iam::123456789012:user/mallory");
    assert_eq!(
        (&told["event"]["address"], &told["event"]["name"]),
        (&"192.0.2.44".into(), &"StopLogging".into())
    );
    // The same again, by another instance; and the schedule, which finds all good.
    invoke(&mut home.function(), &event);
    invoke(&mut function, &schedule());
    home.silent();
    // What nobody told of is found, and told.
    home.account.stop(&trail);
    invoke(&mut function, &schedule());
    assert_eq!(notices(&home.other, 1)[0]["outcome"], "repaired");
    // Repaired by a function that died before it told: the next one tells, and only once.
    home.account.stop(&trail);
    let config = home.config();
    let mut dying =
        stockade_runtime::repair::open(&config.program, stockade_runtime::repair::Need::All).unwrap().engine;
    dying.reconcile(&stockade_repair::Scope::default()).unwrap();
    home.silent();
    invoke(&mut home.function(), &schedule());
    let last = notices(&home.other, 1).remove(0);
    assert!(["repaired", "escalated"].contains(&last["outcome"].as_str().unwrap()), "{last:#}");
    invoke(&mut function, &schedule());
    home.silent();
}

#[test]
fn an_event_of_a_place_that_nobody_looks_after_is_told() {
    let Some(home) = Home::new("ap-south-2", "act", "") else { return };
    let mut elsewhere = home.account.stopped("main", "arn:aws:iam::999999999999:user/mallory");
    elsewhere["account"] = "999999999999".into();
    invoke(&mut home.function(), &elsewhere);
    let told = notices(&home.other, 1).remove(0);
    assert_eq!((&told["outcome"], &told["key"]), (&"passed-over".into(), &"999999999999".into()), "{told:#}");
    assert!(told["done"].to_string().contains("nothing is looked after in 999999999999"), "{told:#}");
}

#[test]
fn a_link_shows_what_it_would_do_and_its_button_does_it_once() {
    let more = format!("link_secret = \"file:{{at}}/secret\"\nlink_url = \"{BASE}\"");
    let Some(mut home) = Home::new("ap-northeast-1", "approve", &more) else { return };
    let trail = home.account.trail("main");
    let mut function = home.function();
    home.account.stop(&trail);
    let hostile = "arn:aws:iam::123456789012:user/<script>alert(1)</script>\"'&";
    invoke(&mut function, &home.account.stopped(&trail, hostile));
    let told = notices(&home.other, 1).remove(0);
    assert_eq!(told["outcome"], "waiting", "{told:#}");
    let link = |verb: &str| {
        let link = told["answers"][verb].as_str().unwrap();
        link.strip_prefix(BASE).unwrap().strip_prefix('?').unwrap().to_owned()
    };
    let (approve, refuse) = (link("approve"), link("refuse"));

    // Whoever only looks, and be it a scanner of mail a hundred times, changes nothing.
    for method in ["GET", "HEAD", "GET", "GET"] {
        let page = invoke(&mut home.function(), &request(method, "/", &approve));
        assert_eq!(page["statusCode"], 200, "{page:#}");
        assert_eq!(page["body"].as_str().unwrap().is_empty(), method == "HEAD");
        let headers = &page["headers"];
        let policy = headers["content-security-policy"].as_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(
            (&headers["cache-control"], &headers["referrer-policy"]),
            (&"no-store".into(), &"no-referrer".into())
        );
    }
    let page = invoke(&mut function, &request("GET", "/", &approve));
    let html = page["body"].as_str().unwrap();
    assert!(html.contains(&trail) && html.contains("cloudtrail:StartLogging"), "{html}");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"), "{html}");
    assert!(!html.contains("<script") && html.matches("<button").count() == 1, "{html}");
    assert!(html.contains("<form method=\"post\">"), "{html}");
    assert!(!home.account.is_logging(&trail));
    home.silent();

    let done = invoke(&mut function, &request("POST", "/", &approve));
    assert_eq!(done["statusCode"], 200, "{done:#}");
    assert!(done["body"].as_str().unwrap().contains("repaired and verified"), "{done:#}");
    assert!(home.account.is_logging(&trail));
    let told = notices(&home.other, 2);
    let outcomes: Vec<&str> = told.iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.contains(&"approved") && outcomes.contains(&"repaired"), "{outcomes:?}");
    let approved = told.iter().find(|one| one["outcome"] == "approved").unwrap();
    assert!(approved["came_to"].as_str().unwrap().contains("from 198.51.100.9"), "{approved:#}");

    // Used, by both links and both ways.
    for (method, link) in [("GET", &approve), ("POST", &approve), ("GET", &refuse), ("POST", &refuse)] {
        let page = invoke(&mut function, &request(method, "/", link));
        assert_eq!(page["statusCode"], 410, "{method} {page:#}");
    }
    assert!(home.account.is_logging(&trail));
    home.silent();
}

#[test]
fn what_is_no_link_of_ours_gets_a_page_that_says_nothing_and_does_nothing() {
    let more = format!("link_secret = \"file:{{at}}/secret\"\nlink_url = \"{BASE}\"");
    let Some(mut home) = Home::new("ap-northeast-2", "approve", &more) else { return };
    let trail = home.account.trail("main");
    let mut function = home.function();
    home.account.stop(&trail);
    invoke(&mut function, &home.account.stopped(&trail, "arn:aws:iam::123456789012:user/mallory"));
    let told = notices(&home.other, 1).remove(0);
    let approve = told["answers"]["approve"].as_str().unwrap().split('?').nth(1).unwrap().to_owned();
    let refuse = told["answers"]["refuse"].as_str().unwrap().split('?').nth(1).unwrap().to_owned();
    let id = told["repair"].as_str().unwrap();
    let key = LinkKey::new(SECRET.as_bytes()).unwrap();
    let other_key = LinkKey::new(&[b'x'; 32]).unwrap();
    let signed = |key: &LinkKey, id: &str, secs: i64| {
        let link = Link { verb: Verb::Approve, id: id.to_owned(), until: Timestamp::from_secs(secs) };
        format!("answer={}", key.sign(&link))
    };
    let far = 4_000_000_000;
    let hostile = "<script>alert(1)</script>";
    let cases = [
        ("forged", signed(&other_key, id, far), 403),
        ("another verb", refuse.replace("refuse", "approve"), 403),
        ("another id", approve.replace(id, "p01-000000000000"), 403),
        ("truncated", approve[..approve.len() - 1].to_owned(), 403),
        ("lengthened", format!("{approve}0"), 403),
        ("nothing signed", "answer=v1.approve.x.9.".to_owned(), 403),
        ("encoded", approve.replace('.', "%2E"), 403),
        ("hostile", format!("answer={hostile}"), 403),
        ("over", signed(&key, id, 1_000_000_000), 410),
        ("unknown", signed(&key, "p01-ffffffffffff", far), 410),
        ("a path", signed(&key, "../../record-head", far), 410),
        ("twice", format!("{approve}&{approve}"), 404),
        ("huge", format!("answer={}", "a".repeat(1 << 20)), 404),
        ("none", String::new(), 404),
        ("another name", format!("q={hostile}"), 404),
    ];
    for (name, query, wanted) in &cases {
        for method in ["GET", "POST"] {
            let page = invoke(&mut function, &request(method, "/", query));
            assert_eq!(page["statusCode"], *wanted, "{method} {name}: {page:#}");
            let html = page["body"].as_str().unwrap();
            assert!(
                !html.contains("alert(1)") && !html.contains(&trail) && !html.contains("<form"),
                "{name}: {html}"
            );
            assert!(html.len() < 1000, "{name}");
        }
    }
    for method in ["PUT", "DELETE", "OPTIONS", "get", "", hostile] {
        let page = invoke(&mut function, &request(method, "/", &approve));
        assert_eq!(
            (&page["statusCode"], &page["headers"]["allow"]),
            (&405.into(), &"GET, HEAD, POST".into()),
            "{method}"
        );
        assert!(!page["body"].as_str().unwrap().contains("alert"));
    }
    for path in ["/favicon.ico", "/robots.txt", "/../", hostile] {
        assert_eq!(invoke(&mut function, &request("POST", path, &approve))["statusCode"], 404, "{path}");
    }
    assert!(!home.account.is_logging(&trail));
    home.silent();
    // It waits still, and is refused by its own link.
    let done = invoke(&mut function, &request("POST", "/", &refuse));
    assert_eq!(done["statusCode"], 200, "{done:#}");
    assert_eq!(notices(&home.other, 1)[0]["outcome"], "refused");
    assert!(!home.account.is_logging(&trail));
}

#[test]
fn without_a_secret_there_is_no_page_and_notices_name_the_commands() {
    let Some(mut home) = Home::new("ap-northeast-3", "approve", "") else { return };
    let trail = home.account.trail("main");
    home.account.stop(&trail);
    let mut function = home.function();
    invoke(&mut function, &home.account.stopped(&trail, "arn:aws:iam::123456789012:user/mallory"));
    let told = notices(&home.other, 1).remove(0);
    let id = told["repair"].as_str().unwrap();
    assert_eq!(
        told["answers"],
        json!({"approve": format!("stockade repair approve {id}"),
        "refuse": format!("stockade repair refuse {id}")})
    );
    let key = LinkKey::new(SECRET.as_bytes()).unwrap();
    let link = Link { verb: Verb::Approve, id: id.to_owned(), until: Timestamp::from_secs(4_000_000_000) };
    let query = format!("answer={}", key.sign(&link));
    for method in ["GET", "POST"] {
        assert_eq!(invoke(&mut function, &request(method, "/", &query))["statusCode"], 404);
    }
    assert!(!home.account.is_logging(&trail));
}

#[test]
fn a_secret_that_is_too_short_is_named_and_costs_the_links_alone() {
    let more = format!("link_secret = \"file:{{at}}/short\"\nlink_url = \"{BASE}\"");
    let Some(mut home) = Home::new("ap-southeast-1", "approve", &more) else { return };
    fs::write(home.folder.path().join("short"), "0123456789").unwrap();
    let config = home.config();
    let error =
        stockade_runtime::repair::open(&config.program, stockade_runtime::repair::Need::Answer).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("`link_secret` of `[repair]`") && said.contains("/short`"), "{said}");
    assert!(said.contains("10 bytes") && said.contains("32") && !said.contains("0123456789"), "{said}");
    let trail = home.account.trail("main");
    home.account.stop(&trail);
    let mut function = home.function();
    invoke(&mut function, &home.account.stopped(&trail, "arn:aws:iam::123456789012:user/mallory"));
    let told = notices(&home.other, 1).remove(0);
    assert!(told["answers"]["approve"].as_str().unwrap().starts_with("stockade repair approve "), "{told:#}");
}
