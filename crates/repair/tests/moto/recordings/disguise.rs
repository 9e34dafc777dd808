//! Attackers who mean to look like the pipeline, or like us.

use serde_json::{Value, json};

/// Who is not the pipeline, and means to look like it, or like us.
#[derive(Clone, Copy, Debug)]
pub(super) enum Disguise {
    Plain,
    Root,
    /// A role whose name begins like the pipeline's.
    RoleEvil,
    /// The pipeline's name, in another account.
    OtherAccount,
    /// A session that is called as the pipeline's role, of another role.
    SessionName,
    /// A user of that name.
    User,
    /// A user under a path that reads like the role.
    UserPath,
    /// The pipeline's session name and key, in somebody's role.
    RunName,
    /// Our own role's name in another account, with a session as ours and our user agent.
    OurName,
    /// Only what he says: our user agent.
    OurAgent,
    /// The pipeline opened a role with which it went on.
    Chain,
    /// The event does not say.
    Nobody,
}

pub(super) const DISGUISES: [Disguise; 12] = [
    Disguise::Plain,
    Disguise::Root,
    Disguise::RoleEvil,
    Disguise::OtherAccount,
    Disguise::SessionName,
    Disguise::User,
    Disguise::UserPath,
    Disguise::RunName,
    Disguise::OurName,
    Disguise::OurAgent,
    Disguise::Chain,
    Disguise::Nobody,
];

pub(super) const OTHER: &str = "999988887777";

pub(super) fn user(account: &str, name: &str) -> Value {
    json!({"type": "IAMUser", "arn": format!("arn:aws:iam::{account}:user/{name}"), "accountId": account,
        "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": name.rsplit('/').next()})
}

pub(super) fn session(account: &str, role: &str, name: &str) -> Value {
    json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
        "accountId": account, "principalId": format!("AROAEXAMPLE:{name}"), "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::{account}:role/{role}"),
            "accountId": account, "userName": role}, "attributes": {"mfaAuthenticated": "false"}}})
}

/// Identity and user agent.
pub(super) fn disguised(account: &str, how: Disguise) -> (Value, &'static str) {
    let ours = "stockade/0.1.0 action/p01-0123456789ab";
    match how {
        Disguise::Plain => (user(account, "mallory"), "aws-cli/2.0"),
        Disguise::Root => (
            json!({"type": "Root", "arn": format!("arn:aws:iam::{account}:root"), "accountId": account}),
            "console",
        ),
        Disguise::RoleEvil => (session(account, "pipeline-evil", "run-7"), "aws-cli/2.0"),
        Disguise::OtherAccount => (session(OTHER, "pipeline", "run-7"), "aws-cli/2.0"),
        Disguise::SessionName => (session(account, "evil", "pipeline"), "aws-cli/2.0"),
        Disguise::User => (user(account, "pipeline"), "aws-cli/2.0"),
        Disguise::UserPath => (user(account, "role/pipeline"), "aws-cli/2.0"),
        Disguise::RunName => (session(account, "evil", "run-7"), "terraform"),
        Disguise::OurName => (session(OTHER, "stockade-guard", "stockade-p01-0123456789ab"), ours),
        Disguise::OurAgent => (user(account, "mallory"), ours),
        Disguise::Chain => {
            let mut identity = session(account, "deploy", "pipeline-run-7");
            identity["sessionContext"]["sourceIdentity"] = json!("pipeline");
            (identity, "aws-cli/2.0")
        }
        Disguise::Nobody => (Value::Null, ""),
    }
}
