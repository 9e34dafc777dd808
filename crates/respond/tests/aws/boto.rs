//! A client in Python, with boto3, that reads a message as Cloud-Fail2Ban's does.

use std::process::Command;

use stockade_core::ports::{Plan, Responder as _};
use stockade_respond::aws::Sns;

use crate::emulator::{Queue, REGION, after, at, aws, ban, name, url};

/// Prints the command that would be run for each address.
const CLIENT: &str = r#"
import json, sys, boto3
endpoint, region, url = sys.argv[1:]
sqs = boto3.client("sqs", endpoint_url=endpoint, region_name=region,
                   aws_access_key_id="test", aws_secret_access_key="test")
while True:
    received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", [])
    if not received:
        break
    for one in received:
        for jail, addresses in json.loads(json.loads(one["Body"])["Message"]).items():
            for address in addresses:
                print("fail2ban-client", "set", jail, "banip", address)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
"#;

/// A Python that has boto3: the emulator's, or the machine's.
fn python() -> Option<String> {
    let python = std::env::var("STOCKADE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_boto = Command::new(&python).args(["-c", "import boto3"]).output();
    if has_boto.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    eprintln!("skipped: `{python}` has no boto3 (STOCKADE_TEST_PYTHON names one that has)");
    None
}

#[test]
fn a_client_in_python_understands_us() {
    let (Some(url), Some(python)) = (url(), python()) else { return };
    let aws = aws(&url);
    let mut sns = Sns::new(&aws, &name("F2B"));
    let arn = aws.block_on(sns.topic_arn()).unwrap();
    let queue = Queue::subscribed(&aws, &arn, &["sshd", "dovecot"], false);
    let plan = Plan {
        add: vec![
            ban("sshd", "198.51.100.7", 600),
            ban("sshd", "2001:db8::7", 60),
            ban("dovecot", "203.0.113.9", 60),
            ban("postfix", "203.0.113.9", 60),
        ],
        remove: vec![("sshd".into(), "192.0.2.1".parse().unwrap())],
    };
    sns.apply_with(&plan, &[after(5), after(6), after(7), after(8)], at(0)).unwrap();
    let ran = Command::new(python).args(["-c", CLIENT, &url, REGION, queue.url()]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut commands: Vec<String> =
        String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect();
    commands.sort();
    let expected = [
        "fail2ban-client set dovecot banip 203.0.113.9",
        "fail2ban-client set sshd banip 198.51.100.7",
        "fail2ban-client set sshd banip 2001:db8::7",
    ];
    assert_eq!(commands, expected);
}
