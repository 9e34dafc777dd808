//! The rules that come with Stockade on events that others recorded: attacks, failed calls, labelled events.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use stockade_pattern::{Part, Pattern, RuleSet};
use stockade_rule::{Event, RuleBook};
use support::{read, shared, shipped};

/// The techniques of Stratus Red Team: the run's id in the user agent, the technique's own name, and the rules that must
/// find something. Without rules: the catalogue of playbooks does not cover it, and nothing may be found.
const TECHNIQUES: &[(&str, &str, &[&str])] = &[
    ("5c59eb79-6dac", "credential-access.ec2-get-password-data", &[]),
    ("c763d13b-d099", "credential-access.ec2-steal-instance-credentials", &[]),
    ("0a05817a-84d2", "credential-access.secretsmanager-batch-retrieve-secrets", &[]),
    ("10e7edf3-5063", "credential-access.secretsmanager-retrieve-secrets", &[]),
    ("e1d92b9d-2488", "credential-access.ssm-retrieve-securestring-parameters", &[]),
    ("a007fa03-86e2", "defense-evasion.cloudtrail-delete", &["cloudtrail-deleted"]),
    ("ce507fbd-078a", "defense-evasion.cloudtrail-event-selectors", &["cloudtrail-weakened"]),
    ("c97089f1-1ae3", "defense-evasion.cloudtrail-stop", &["cloudtrail-stopped"]),
    ("bdd216cd-7fb9", "defense-evasion.dns-delete-logs", &["dns-logging-stopped"]),
    // X33, but the one call of this recording was refused.
    ("fd969928-3c0d", "defense-evasion.organizations-leave", &[]),
    ("5d25952b-37cb", "defense-evasion.vpc-remove-flow-logs", &["flow-logs-deleted"]),
    ("f193d7d4-8114", "discovery.ec2-download-user-data", &[]),
    // The instances were refused.
    ("c8ff220a-7e52", "execution.ec2-launch-unusual-instances", &[]),
    ("54d79918-8729", "execution.ec2-user-data", &[]),
    ("ea782787-a65d", "execution.ssm-send-command", &[]),
    ("ae66c4b1-50c7", "execution.ssm-start-session", &[]),
    ("1004a4ff-b486", "exfiltration.ec2-security-group-open-port-22-ingress", &["security-group-open"]),
    ("a532baf6-7731", "exfiltration.ec2-share-ami", &["ami-shared"]),
    ("7fcd50f2-f1da", "exfiltration.ec2-share-ebs-snapshot", &["ebs-snapshot-shared"]),
    ("5ca5319a-2127", "exfiltration.rds-share-snapshot", &["rds-snapshot-shared"]),
    ("e0cb7ef1-0d48", "impact.bedrock-invoke-model", &[]),
    ("fccf7123-0651", "initial-access.console-login-without-mfa", &["console-login-without-mfa"]),
    ("84a22508-bcc6", "lateral-movement.ec2-instance-connect", &[]),
    ("b0fedc91-bd4a", "lateral-movement.ec2-serial-console-send-ssh-public-key", &["ec2-guardrail-removed"]),
    ("180e078f-4ad3", "persistence.iam-backdoor-role", &["role-trust-changed"]),
    ("f3f19dcd-8552", "persistence.iam-backdoor-user", &["access-key-for-another"]),
    ("6bf00313-712c", "persistence.iam-create-admin-user", &["access-key-for-another", "admin-granted"]),
    ("e2808a95-acc5", "persistence.iam-create-backdoor-role", &["admin-granted", "role-trust-changed"]),
    ("99dfa7e5-00d3", "persistence.iam-create-user-login-profile", &["login-profile-changed"]),
    ("a5b48423-fe4e", "persistence.lambda-backdoor-function", &["lambda-public"]),
    ("cc572e3c-6c82", "persistence.lambda-layer-extension", &[]),
    ("856369f3-2721", "persistence.lambda-overwrite-code", &[]),
    ("e2e652c1-ed4b", "persistence.rolesanywhere-create-trust-anchor", &["role-trust-changed"]),
    // Recorded with the SDK's own user agent.
    ("grimoire_095724e3", "persistence.sts-federation-token", &["role-trust-changed"]),
    ("33d1bcd6-0716", "privilege-escalation.iam-update-user-login-profile", &["login-profile-changed"]),
];

/// What the rules find in a record.
fn rules(book: &RuleBook, record: &Value) -> BTreeSet<String> {
    let text = record.to_string();
    read(book, Event::Record(text.as_bytes())).unwrap().into_iter().map(|(rule, _)| rule).collect()
}

#[test]
fn every_technique_fires_the_playbook_of_its_kind() {
    let Some(records) = shared("stratus.jsonl") else { return };
    let book = RuleBook::new(shipped());
    let mut told = 0;
    for (id, technique, wanted) in TECHNIQUES {
        let own = |record: &&Value| record["userAgent"].as_str().is_some_and(|agent| agent.contains(id));
        let own: Vec<_> = records.iter().filter(own).collect();
        assert!(!own.is_empty(), "{technique}: no record");
        told += own.len();
        let found: BTreeSet<String> = own.into_iter().flat_map(|record| rules(&book, record)).collect();
        assert!(found.iter().eq(wanted.iter()), "{technique}: found {found:?}, wanted {wanted:?}");
    }
    assert_eq!(told, records.len());
    let covered = TECHNIQUES.iter().filter(|(_, _, wanted)| !wanted.is_empty()).count();
    assert_eq!((covered, TECHNIQUES.len()), (20, 35));
}

#[test]
fn of_failed_calls_at_most_one_fires() {
    let Some(records) = shared("traildiscover_failed_calls.jsonl") else { return };
    let book = RuleBook::new(shipped());
    let fired: Vec<_> = records.iter().filter(|record| !rules(&book, record).is_empty()).collect();
    assert!(fired.len() <= 1, "{fired:#?}");
}

/// Where the rules are narrower than the catalogue's pattern for the same playbook: playbook and call. Each is a trap that
/// the catalogue's text names, and none of these events is an attack of its kind.
const NARROWER: &[(&str, &str, &str)] = &[
    ("P11", "PutBucketAcl", "a list that opens the bucket to nobody"),
    ("P11", "PutBucketPolicy", "a statement for a service, or one that is limited"),
    ("P16", "AuthorizeSecurityGroupIngress", "a network, not the world"),
    ("P22", "PutUserPolicy", "a policy that only forbids"),
    ("P23", "CreateAccessKey", "a key of one's own"),
    ("P26", "CreateRole", "a role whose policy the event does not show"),
    ("P29", "ConsoleLogin", "a sign-in as root that failed: `console-login-failures` counts it"),
    ("P30", "PutBucketLifecycle", "a rule that is long or not in force"),
    ("P30", "PutBucketLogging", "the log is switched on"),
    ("X32", "ModifyDBInstance", "something else is changed of a database that was open before"),
    ("X31", "PutKeyPolicy", "for the account, or limited"),
    ("X31", "PutResourcePolicy", "limited to the organisation"),
];

#[test]
fn what_the_catalogue_s_patterns_match_the_rules_find() {
    let Some(catalogue) = shared("playbook-patterns.json") else { return };
    let Value::Object(catalogue) = &catalogue[0] else { panic!("an object") };
    let (mut playbooks, mut patterns) = (Vec::new(), Vec::new());
    for (name, own) in catalogue {
        for pattern in own.as_array().unwrap() {
            playbooks.push(name.split_once('-').unwrap().0);
            patterns.push(Pattern::parse(&pattern.to_string()).unwrap());
        }
    }
    let (set, mut scratch) = (RuleSet::new(&patterns), stockade_pattern::Scratch::new());
    let book = RuleBook::new(shipped());
    let playbook_of = |name: &String| {
        let rule = book.rules().iter().find(|rule| *rule.name == **name).unwrap();
        rule.playbook.as_deref().unwrap_or_default()
    };
    let (mut matched, mut missed) = (0, BTreeSet::new());
    for file in ["stratus.jsonl", "traildiscover_failed_calls.jsonl", "panther_labelled.jsonl"] {
        for record in shared(file).unwrap_or_default() {
            let record = record.get("log").unwrap_or(&record);
            let (text, envelope) = (record.to_string(), envelope(record));
            let parts = [
                Part { path: "", json: envelope.as_bytes() },
                Part { path: "detail", json: text.as_bytes() },
            ];
            let wanted = set.matches_parts(&parts, &mut scratch).unwrap().ids();
            let found = rules(&book, record);
            for playbook in wanted.iter().map(|id| playbooks[*id]) {
                matched += 1;
                if !found.iter().any(|rule| playbook_of(rule) == playbook) {
                    missed.insert((playbook, record["eventName"].as_str().unwrap().to_owned()));
                }
            }
        }
    }
    assert!(matched > 50, "{matched}");
    let narrower: BTreeSet<_> =
        NARROWER.iter().map(|(playbook, call, _)| (*playbook, (*call).to_owned())).collect();
    assert_eq!(missed, narrower, "what the catalogue's patterns match and no rule of the playbook does");
}

/// As much of a record's envelope as the catalogue asks for.
fn envelope(record: &Value) -> String {
    let kind = match record["eventType"].as_str() {
        Some("AwsConsoleSignIn") => "AWS Console Sign In via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    };
    format!(r#"{{"detail-type": "{kind}"}}"#)
}

/// Detection rules of Panther, and the rules of ours that look for the same.
const CORRESPONDING: &[(&str, &[&str])] = &[
    ("AWS.CloudTrail.DNSLogsDeleted", &["dns-logging-stopped"]),
    ("AWS.CloudTrail.IAMCompromisedKeyQuarantine", &["access-key-leaked"]),
    ("AWS.CloudTrail.LoginProfileCreatedOrModified", &["login-profile-changed"]),
    ("AWS.CloudTrail.PasswordSpraying", &["console-login-failures-user"]),
    (
        "AWS.CloudTrail.ResourceMadePublic",
        &[
            "document-public",
            "image-repository-public",
            "kms-key-public",
            "queue-public",
            "s3-bucket-public",
            "secret-public",
            "topic-public",
        ],
    ),
    ("AWS.CloudTrail.RootPasswordChanged", &["root-use"]),
    (
        "AWS.CloudTrail.SecurityConfigurationChange",
        &["cloudtrail-deleted", "cloudtrail-stopped", "cloudtrail-weakened"],
    ),
    ("AWS.CloudTrail.ShortLifecycle", &["log-bucket-tampered"]),
    ("AWS.Console.RootLogin", &["root-use"]),
    ("AWS.EC2.EBS.Encryption.Disabled", &["ec2-guardrail-removed"]),
    ("AWS.EC2.ManualSecurityGroupChange", &["security-group-open"]),
    ("AWS.EC2.SecurityGroupModified", &["security-group-open"]),
    ("AWS.IAM.AccessKeyCompromised", &["access-key-leaked"]),
    ("AWS.IAM.AttachAdminRolePolicy", &["admin-granted"]),
    ("AWS.IAM.Backdoor.User.Keys", &["access-key-for-another"]),
    ("AWS.IAM.CreateRole", &["role-trust-changed"]),
    ("AWS.KMS.CustomerManagedKeyLoss", &["kms-key-disabled"]),
    ("AWS.RDS.PublicRestore", &["rds-public"]),
    ("AWS.S3.BucketPolicyModified", &["s3-bucket-public"]),
    ("AWS.S3.DeleteBucketEncryption", &["log-bucket-tampered"]),
    ("AWS.S3.DeletePublicAccessBlock", &["s3-bucket-public-access"]),
    ("AWS.S3.SecurityControlDisabling", &["log-bucket-tampered"]),
    ("AWS.S3.SuspendVersioning", &["log-bucket-tampered"]),
    ("AWS.Unsuccessful.MFA.attempt", &["console-login-failures", "console-login-failures-user"]),
];

/// Where our verdict differs from Panther's, a line each: their rule, the number of its event from 1, our verdict, the reason.
const DIFFERENCES: &str = include_str!("panther_differences.txt");

#[test]
fn labelled_events_have_the_verdict_that_they_are_labelled_with() {
    let Some(rows) = shared("panther_labelled.jsonl") else { return };
    let book = RuleBook::new(shipped());
    let (mut agree, mut differences) = (0, Vec::new());
    for (theirs, ours) in CORRESPONDING {
        for (number, row) in rows.iter().filter(|row| row["rule"] == *theirs).enumerate() {
            let found = rules(&book, &row["log"]).iter().any(|rule| ours.contains(&&**rule));
            if found == row["expected"].as_bool().unwrap() {
                agree += 1;
            } else {
                let verdict = if found { "match" } else { "no match" };
                differences.push(format!("{theirs} | {} | {verdict}", number + 1));
            }
        }
    }
    let listed = DIFFERENCES.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let listed: Vec<&str> = listed.map(|line| line.rsplit_once(" | ").unwrap().0).collect();
    assert_eq!(differences, listed, "what differs, and tests/panther_differences.txt");
    assert_eq!((agree, differences.len()), (85, 10));
}
