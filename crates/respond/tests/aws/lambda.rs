//! A real function in the emulator gets the payload of the older script.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stockade_aws::{Aws, Call};
use stockade_core::Outcome;
use stockade_core::ports::{Plan, Responder as _};
use stockade_respond::aws::Lambda;
use stockade_testkit::fault_proxy::{Answer, FaultProxy, Verdict};

use crate::emulator::{after, at, aws, ban, name, url};

/// A function that writes down each event that it gets, a line each.
pub(crate) struct Function {
    pub(crate) name: String,
    aws: Aws,
    folder: tempfile::TempDir,
}

impl Function {
    pub(crate) fn make(aws: &Aws) -> Self {
        const PACK: &str = "
import base64, io, zipfile
code = '''
import json, os
def handler(event, context):
    line = json.dumps(event) + \"\\\\n\"
    with open(os.environ[\"EVENTS\"], \"a\") as events:
        events.write(line)
'''
packed = io.BytesIO()
with zipfile.ZipFile(packed, 'w') as package:
    package.writestr('denier.py', code)
print(base64.b64encode(packed.getvalue()).decode(), end='')
";
        let folder = tempfile::tempdir().unwrap();
        let packed = Command::new("python3").args(["-c", PACK]).output().unwrap();
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
        let name = name("ALC_Denier");
        let events = folder.path().join("events");
        let function = json!({
            "FunctionName": name, "Runtime": "python3.11", "Handler": "denier.handler",
            "Role": "arn:aws:iam::000000000000:role/denier",
            "Code": {"ZipFile": String::from_utf8(packed.stdout).unwrap()},
            "Environment": {"Variables": {"EVENTS": events}},
        });
        let call = Call::rest("make".into(), "lambda", "POST", "/2015-03-31/functions".into());
        let call = call.with_body("application/json", function.to_string().into_bytes());
        aws.block_on(aws.call(&call)).unwrap();
        Self { name, aws: aws.clone(), folder }
    }

    /// The events that it got, once there are so many.
    fn events(&self, wanted: usize) -> Vec<Value> {
        let started = Instant::now();
        loop {
            let text = std::fs::read_to_string(self.folder.path().join("events")).unwrap_or_default();
            let events: Vec<Value> =
                text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if events.len() >= wanted || started.elapsed() > Duration::from_secs(20) {
                assert_eq!(events.len(), wanted, "{events:?}");
                return events;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let path = format!("/2015-03-31/functions/{}", self.name);
        let call = Call::rest("delete".into(), "lambda", "DELETE", path);
        let _ = self.aws.block_on(self.aws.call(&call));
    }
}

#[test]
fn the_function_gets_the_older_scripts_payload() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    let function = Function::make(&aws);
    let mut lambda = Lambda::new(&aws, &function.name);
    lambda.prepare(&[]).unwrap();
    let plan = Plan {
        add: vec![
            ban("sshd", "203.0.113.9", 600),
            ban("sshd", "198.51.100.7", 600),
            ban("recidive", "203.0.113.9", 6000),
        ],
        remove: vec![("sshd".into(), "192.0.2.1".parse().unwrap())],
    };
    let outcomes = lambda.apply_with(&plan, &[after(12), after(6), after(3)], at(0)).unwrap();
    assert_eq!(outcomes, vec![Outcome::Done; 4]);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let golden = std::fs::read_to_string(root.join("corpus/cloud-fail2ban/invoke.json")).unwrap();
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let mut events = function.events(1);
    let sorted = |event: &mut Value| {
        let ips = event["new_ips"].as_array_mut().unwrap();
        ips.sort_by_key(|ip| ip["ip"].to_string());
        event.clone()
    };
    assert_eq!(sorted(&mut events[0]), sorted(&mut golden.clone()), "one call, each address once");
}

#[test]
fn what_it_cannot_know_goes_in_a_call_of_its_own_and_unbans_if_wanted() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    let function = Function::make(&aws);
    let mut lambda = Lambda::new(&aws, &function.name).with_unbans(true);
    lambda.restore(&[(ban("nginx", "192.0.2.2", 60), after(5))], at(0)).unwrap();
    let plan = Plan {
        add: vec![
            ban("sshd", "192.0.2.1", 60),
            ban("sshd", "2001:db8::1", 60),
            ban("sshd", "192.0.2.0/24", 60),
        ],
        remove: vec![],
    };
    assert_eq!(lambda.apply(&plan, at(0)).unwrap(), vec![Outcome::Done; 3]);
    let addresses = |events: &[Value], list: &str| {
        let mut all: Vec<String> = events
            .iter()
            .filter(|event| event[list] != Value::Null)
            .map(|event| {
                let ips = event[list].as_array().unwrap();
                ips.iter().map(|ip| ip["ip"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(addresses(&function.events(2), "new_ips"), ["192.0.2.1", "2001:db8::1 192.0.2.0/24"]);
    // Two jails keep one address out: the end of one is not the end of the other.
    lambda.apply(&Plan { add: vec![ban("sshd", "192.0.2.2", 60)], remove: vec![] }, at(0)).unwrap();
    function.events(3);
    let lift =
        |jail: &str, key: &str| Plan { add: vec![], remove: vec![(jail.into(), key.parse().unwrap())] };
    assert_eq!(lambda.apply(&lift("nginx", "192.0.2.2"), at(1)).unwrap(), [Outcome::Done]);
    assert_eq!(lambda.apply(&lift("sshd", "192.0.2.1"), at(1)).unwrap(), [Outcome::Done]);
    assert_eq!(addresses(&function.events(4), "lifted_ips"), ["192.0.2.1"]);
    assert_eq!(lambda.apply(&lift("sshd", "192.0.2.2"), at(1)).unwrap(), [Outcome::Done]);
    assert_eq!(addresses(&function.events(5), "lifted_ips"), ["192.0.2.1", "192.0.2.2"]);
}

#[test]
fn a_function_that_is_not_there_or_may_not_be_called_says_what_to_do() {
    let Some(url) = url() else { return };
    let mut missing = Lambda::new(&aws(&url), "NoSuchFunction");
    let error = missing.prepare(&[]).unwrap_err();
    assert!(error.permanent && error.message.contains("`NoSuchFunction`"), "{error:?}");
    assert!(error.hint.unwrap().contains("eu-central-1"));
    let plan = Plan { add: vec![ban("sshd", "192.0.2.1", 60)], remove: vec![] };
    assert!(missing.apply(&plan, at(0)).unwrap_err().permanent);

    let proxy = FaultProxy::before(&url);
    let denied = r#"{"Type":"User","Message":"not authorized to perform: lambda:InvokeFunction"}"#;
    proxy.rule(move |_| Verdict::answer(Answer::json(403, denied)));
    let error = Lambda::new(&aws(proxy.url()), "ALC_Denier").apply(&plan, at(0)).unwrap_err();
    assert!(error.permanent && error.hint.unwrap().contains("lambda:InvokeFunction"));
}

#[test]
fn throttled_or_gone_for_a_while_the_call_comes_again() {
    let Some(url) = url() else { return };
    let function = Function::make(&aws(&url));
    let proxy = FaultProxy::before(&url);
    let mut lambda = Lambda::new(&aws(proxy.url()), &function.name);
    let mut left = 2;
    proxy.rule(move |_| match left {
        0 => Verdict::Pass,
        1 => {
            left -= 1;
            Verdict::Drop
        }
        _ => {
            left -= 1;
            Verdict::answer(Answer::json(429, r#"{"Type":"User","message":"Rate Exceeded."}"#))
        }
    });
    let plan = Plan { add: vec![ban("sshd", "192.0.2.1", 60)], remove: vec![] };
    assert_eq!(lambda.apply_with(&plan, &[after(7)], at(0)).unwrap(), [Outcome::Done]);
    assert_eq!(function.events(1), [json!({"new_ips": [{"ip": "192.0.2.1", "error_count": 7}]})]);
    proxy.rule(|_| Verdict::Drop);
    let error = lambda.apply(&plan, at(0)).unwrap_err();
    assert!(!error.permanent, "{error:?}");
}

#[test]
fn many_addresses_share_calls() {
    let Some(url) = url() else { return };
    let function = Function::make(&aws(&url));
    let mut lambda = Lambda::new(&aws(&url), &function.name);
    let add = (0..2500).map(|nth| ban("sshd", &format!("10.0.{}.{}", nth / 250, nth % 250), 60)).collect();
    let outcomes = lambda.apply(&Plan { add, remove: vec![] }, at(0)).unwrap();
    assert!(outcomes.len() == 2500 && outcomes.iter().all(|outcome| *outcome == Outcome::Done));
    let events = function.events(3);
    let count: usize = events.iter().map(|event| event["new_ips"].as_array().unwrap().len()).sum();
    assert_eq!(count, 2500);
}
