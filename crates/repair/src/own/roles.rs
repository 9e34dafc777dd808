//! The roles that we work with. They are looked at and never mended: the right to write policies of a role is the right
//! to be an administrator, and whoever takes over Stockade would have it.

use serde_json::{Map, Value, json};

use super::tags;
use crate::json::{is, list, text, texts};
use crate::playbook::{Kind, Look, Thing, Weakness};
use crate::{ApiFault, Blame};

/// The kind `role`.
#[derive(Debug)]
pub(crate) struct Roles;

/// Roles as a kind.
pub(crate) static ROLES: Roles = Roles;

/// A role has fewer policies than this.
const MAX_POLICIES: usize = 50;

impl Kind for Roles {
    fn name(&self) -> &'static str {
        "role"
    }

    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault> {
        // Roles belong to no region: they are looked at from the first of ours.
        if look.own().regions.first() != Some(&look.place().region) {
            return Ok(Vec::new());
        }
        let mut things = Vec::new();
        for name in &look.own().watched_roles.clone() {
            match read(look, name) {
                Ok(thing) => things.push(thing),
                Err(fault) if fault.blame == Blame::Missing => {}
                Err(fault) => {
                    let place = look.place();
                    let arn = format!("arn:{}:iam::{}:role/{name}", place.partition(), place.account);
                    look.trouble(&arn, fault);
                }
            }
        }
        Ok(things)
    }

    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness> {
        let mut all = Vec::new();
        if base.get("Trust") != now.get("Trust") {
            all.push(Weakness::changed("Trust", "others may assume it, or we may not"));
        }
        if base.get("PermissionsBoundary") != now.get("PermissionsBoundary") {
            all.push(Weakness::changed("PermissionsBoundary", "its boundary is another"));
        }
        let (was, is) = (texts(base, "Attached"), texts(now, "Attached"));
        for policy in was.iter().filter(|policy| !is.contains(policy)) {
            all.push(Weakness::lost("Attached", format!("the policy `{policy}` is detached")));
        }
        for policy in is.iter().filter(|policy| !was.contains(policy)) {
            all.push(Weakness::changed("Attached", format!("the policy `{policy}` is attached")));
        }
        let empty = Map::new();
        let inline = |role: &Value| role.get("Inline").and_then(Value::as_object).unwrap_or(&empty).clone();
        let (was, is) = (inline(base), inline(now));
        for (name, document) in &was {
            match is.get(name) {
                None => all.push(Weakness::lost("Inline", format!("its policy `{name}` is gone"))),
                Some(other) if other != document => {
                    all.push(Weakness::changed("Inline", format!("its policy `{name}` is another")));
                }
                Some(_) => {}
            }
        }
        for name in is.keys().filter(|name| !was.contains_key(*name)) {
            all.push(Weakness::changed("Inline", format!("it has a new policy `{name}`")));
        }
        all
    }
}

fn read(look: &mut Look<'_>, name: &str) -> Result<Thing, ApiFault> {
    let of_role = || json!({"RoleName": name});
    let answer = look.ask("iam", "GetRole", of_role())?;
    let role = answer.get("Role").cloned().unwrap_or_default();
    let names = all(look, "ListRolePolicies", name, "PolicyNames")?;
    let mut inline = Map::new();
    for policy in names.iter().filter_map(Value::as_str).take(MAX_POLICIES) {
        let answer = look.ask("iam", "GetRolePolicy", json!({"RoleName": name, "PolicyName": policy}))?;
        inline.insert(policy.to_owned(), document(text(&answer, "PolicyDocument")));
    }
    let attached = all(look, "ListAttachedRolePolicies", name, "AttachedPolicies")?;
    let mut attached: Vec<&str> = attached.iter().map(|policy| text(policy, "PolicyArn")).collect();
    attached.sort_unstable();
    let boundary = role.pointer("/PermissionsBoundary/PermissionsBoundaryArn").cloned().unwrap_or_default();
    let state = json!({
        "RoleName": name, "Trust": document(text(&role, "AssumeRolePolicyDocument")), "Inline": inline,
        "Attached": attached, "PermissionsBoundary": boundary,
    });
    Ok(Thing { id: text(&role, "Arn").to_owned(), name: name.to_owned(), state, tags: tags(&role, "Tags") })
}

/// All pages of a listing of IAM's, which says by a flag of its own whether there are more.
fn all(look: &mut Look<'_>, operation: &str, role: &str, list_name: &str) -> Result<Vec<Value>, ApiFault> {
    let mut found = Vec::new();
    let mut marker = Value::Null;
    loop {
        let mut page = look.ask("iam", operation, json!({"RoleName": role, "Marker": marker}))?;
        found.extend_from_slice(list(&page, list_name));
        if !is(&page, "IsTruncated") || found.len() >= MAX_POLICIES {
            return Ok(found);
        }
        marker = page.get_mut("Marker").map(Value::take).unwrap_or_default();
    }
}

/// A policy as IAM gives it: JSON, percent-encoded.
fn document(encoded: &str) -> Value {
    let text = percent_encoding::percent_decode_str(encoded).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()))
}
