//! The role `events` tells by SNS.

use serde_json::{Value, json};
use stockade_testkit::emulator::unique;
use stockade_testkit::fault_proxy::FaultProxy;

use crate::site::Site;

const RULE: &str = r#"
description = "Who knocks"
severity = "high"
target = "notify"
key = { address = "detail.sourceIPAddress" }
[[pattern]]
json = '{"source": ["aws.door"], "detail": {"eventName": ["Knock"]}}'
"#;

fn event(nth: u32) -> Value {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "version": "0", "id": unique("id"), "detail-type": "AWS API Call via CloudTrail", "source": "aws.door",
        "account": "111122223333", "time": now, "region": "eu-central-1", "resources": [],
        "detail": {
            "eventVersion": "1.08", "eventID": unique("knock"), "eventTime": now, "eventName": "Knock",
            "eventSource": "door.amazonaws.com", "awsRegion": "eu-central-1",
            "sourceIPAddress": format!("203.0.113.{nth}"), "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::111122223333:user/{nth}")},
        },
    })
}

#[test]
fn an_event_is_told_by_sns_in_the_words_of_its_rule() {
    let Some(site) = Site::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let etc = folder.path().join("stockade");
    std::fs::create_dir_all(etc.join("rule.d")).unwrap();
    let topic = unique("alerts");
    let settings = format!("[responders.pager]\nkind = \"sns-notice\"\ntopic = \"{topic}\"\n");
    std::fs::write(etc.join("stockade.toml"), settings).unwrap();
    std::fs::write(etc.join("rule.d/knock.toml"), RULE).unwrap();
    let proxy = FaultProxy::before(site.emulator.endpoint());
    let root = folder.path().to_str().unwrap();
    let function = site.function("events", proxy.url(), &[("LAMBDA_TASK_ROOT", root)]);
    let subjects = || -> Vec<String> {
        let seen = proxy.seen();
        let published = seen.iter().filter(|request| request.action() == Some("Publish"));
        let text = published.map(|request| String::from_utf8(request.body.clone()).unwrap());
        let subject = |body: String| {
            let coded = body.split('&').find_map(|pair| pair.strip_prefix("Subject=").map(str::to_owned));
            coded.unwrap().replace("%20", " ").replace("%5B", "[").replace("%5D", "]").replace("%3A", ":")
        };
        text.map(subject).collect()
    };
    function.answer(event(1).to_string().as_bytes());
    assert_eq!(subjects(), ["[Stockade] [high] Who knocks: 203.0.113.1"]);
}
