//! Whether a trail's bucket would take its files: asked before a trail is made again, because CloudTrail's own answer to
//! that is an error halfway.

use serde_json::{Value, json};

use crate::Blame;
use crate::json::{list, text, texts};
use crate::playbook::Look;

/// What is known of the bucket: whether it is there, and whether its policy lets CloudTrail write. `null` where nobody
/// may say: a bucket of another account keeps its policy to itself, and CloudTrail will say.
pub(crate) fn bucket(look: &mut Look<'_>, name: &str) -> Value {
    let head = look.ask("s3", "HeadBucket", json!({"Bucket": name}));
    let there = match &head {
        Ok(_) => Value::Bool(true),
        Err(fault) if fault.blame == Blame::Missing => Value::Bool(false),
        Err(_) => Value::Null,
    };
    let (mut lets, mut why) = (Value::Null, String::new());
    match look.ask("s3", "GetBucketPolicy", json!({"Bucket": name})) {
        Ok(policy) => lets = Value::Bool(lets_cloudtrail(&policy)),
        Err(fault) if fault.code == "NoSuchBucketPolicy" => lets = Value::Bool(false),
        Err(fault) => why = fault.to_string(),
    }
    json!({"name": name, "there": there, "lets_cloudtrail_write": lets, "unknown": why})
}

const SERVICE: &str = "cloudtrail.amazonaws.com";

/// Whether a bucket's policy lets CloudTrail see and write it. Conditions are not weighed: one that keeps this trail
/// out is CloudTrail's to refuse.
fn lets_cloudtrail(policy: &Value) -> bool {
    let statements = list(policy, "Statement");
    let says = |effect: &str, action: &str, every: bool| {
        statements.iter().any(|statement| {
            text(statement, "Effect") == effect
                && concerns(statement.get("Principal"))
                && texts(statement, "Action").iter().any(|one| means(one, action))
                && (!every || statement.get("Condition").is_none())
        })
    };
    let (write, see) = ("s3:PutObject", "s3:GetBucketAcl");
    let denied = [write, see].into_iter().any(|action| says("Deny", action, true));
    !denied && says("Allow", write, false) && says("Allow", see, false)
}

fn concerns(principal: Option<&Value>) -> bool {
    match principal {
        Some(Value::String(all)) => all == "*",
        Some(principal) => {
            texts(principal, "Service").contains(&SERVICE) || texts(principal, "AWS").contains(&"*")
        }
        None => false,
    }
}

/// Whether an action of a policy, perhaps with a star at its end, is or holds another.
fn means(one: &str, action: &str) -> bool {
    let (one, action) = (one.to_ascii_lowercase(), action.to_ascii_lowercase());
    match one.strip_suffix('*') {
        Some(start) => action.starts_with(start),
        None => one == action,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(effect: &str, action: &Value) -> Value {
        json!({"Effect": effect, "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": action, "Resource": "*"})
    }

    #[test]
    fn the_policy_of_the_documentation_lets_it_write() {
        let good = [
            statement("Allow", &json!("s3:GetBucketAcl")),
            json!({"Effect": "Allow", "Principal": {"Service": ["cloudtrail.amazonaws.com", "config.amazonaws.com"]},
                "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::b/*", "Condition": {"StringEquals": {"s3:x-amz-acl": "x"}}}),
        ];
        assert!(lets_cloudtrail(&json!({"Statement": good})));
        assert!(lets_cloudtrail(&json!({"Statement": statement("Allow", &json!("s3:*"))})));
        assert!(!lets_cloudtrail(&json!({"Statement": [good[0]]})));
        let denied =
            [&good[..], &[json!({"Effect": "Deny", "Principal": "*", "Action": "s3:Put*", "Resource": "*"})]]
                .concat();
        assert!(!lets_cloudtrail(&json!({"Statement": denied})));
        // The usual refusal of plain HTTP is no refusal of CloudTrail.
        let tls = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
        let both = [&good[..], &[tls]].concat();
        assert!(lets_cloudtrail(&json!({"Statement": both})));
        assert!(!lets_cloudtrail(&json!({})));
    }
}
