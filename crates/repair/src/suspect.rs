//! Credentials that may be in others' hands, and whose they are: read from IAM.

use serde_json::{Value, json};

use crate::exempt::like;
use crate::json::{list, text};
use crate::playbook::{Look, Tags};
use crate::principal::{Principal, Sort, is_name};
use crate::{ApiFault, Blame, Place};

/// What a look is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Suspect {
    /// An access key, by its id.
    Key(String),
    /// A user as a whole, by name.
    User(String),
    /// A user whom AWS put into quarantine, by name.
    Quarantined(String),
    /// A role, by name.
    Role(String),
}

/// How a user is named in a hint, before its ARN is known.
pub(crate) const USER: &str = "user/";
/// A role.
pub(crate) const ROLE: &str = "role/";
/// A user whom AWS put into quarantine.
pub(crate) const QUARANTINED: &str = "quarantine/";

/// What the names of AWS's quarantines begin with, managed policies and a user's own. Source: "AWS managed policies" in
/// IAM's guide; the last is what AWS attached before 2020.
const QUARANTINES: [&str; 2] = ["AWSCompromisedKeyQuarantine", "AWSExposedCredentialPolicy"];

impl Suspect {
    /// Of what a hint names: a key's id, a name behind its sort, or an ARN. An ARN of a user means both of its sides;
    /// one of another account means nothing.
    pub(crate) fn of(thing: &str, account: &str) -> Vec<Self> {
        let named = |prefix| thing.strip_prefix(prefix).filter(|name| is_name(name)).map(str::to_owned);
        if let Some(name) = named(USER) {
            return vec![Self::User(name)];
        }
        if let Some(name) = named(ROLE) {
            return vec![Self::Role(name)];
        }
        if let Some(name) = named(QUARANTINED) {
            return vec![Self::Quarantined(name)];
        }
        if is_key(thing) {
            return vec![Self::Key(thing.to_owned())];
        }
        match Principal::of_arn(thing).filter(|one| one.account == account) {
            Some(Principal { sort: Sort::User, name, .. }) => {
                vec![Self::User(name.clone()), Self::Quarantined(name)]
            }
            Some(Principal { sort: Sort::Role, name, .. }) => vec![Self::Role(name)],
            _ => Vec::new(),
        }
    }
}

/// Whether a text can be the id of a long-term access key. Source: IAM's reference, `accessKeyIdType`, and "Unique
/// identifiers" for the prefix.
pub(crate) fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (16..=128).contains(&text.len()) && text.starts_with("AKIA") && text.bytes().all(plain)
}

/// The policy that denies everything. It is AWS's own, so that whoever may attach it may attach nothing else.
pub(crate) fn deny_all(place: &Place) -> String {
    format!("arn:{}:iam::aws:policy/AWSDenyAll", place.partition())
}

/// The quarantines that are policies of AWS's, as far as there are any.
pub(crate) fn quarantines(place: &Place) -> [String; 3] {
    ["", "V2", "V3"].map(|version| {
        format!("arn:{}:iam::aws:policy/AWSCompromisedKeyQuarantine{version}", place.partition())
    })
}

/// A principal with what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) arn: String,
    /// As it stands in findings: `Arn`, `Name`, `DenyAll`, `Never`, and of users `Keys` and `Quarantine`.
    pub(crate) state: Value,
    pub(crate) tags: Tags,
}

impl Known {
    /// Whether everything is denied to it.
    pub(crate) fn is_denied(&self) -> bool {
        crate::json::is(&self.state, "DenyAll")
    }

    /// Whether AWS put it into quarantine.
    pub(crate) fn is_quarantined(&self) -> bool {
        !list(&self.state, "Quarantine").is_empty()
    }

    /// The ids of its keys that work.
    pub(crate) fn active(&self) -> Vec<&str> {
        let keys = list(&self.state, "Keys").iter();
        keys.filter(|key| text(key, "Status") == "Active").map(|key| text(key, "AccessKeyId")).collect()
    }

    /// The status of one of its keys; `None` if it has no such key.
    pub(crate) fn status(&self, key: &str) -> Option<&str> {
        let mut keys = list(&self.state, "Keys").iter();
        keys.find(|one| text(one, "AccessKeyId") == key).map(|one| text(one, "Status"))
    }
}

/// A user; `None` if there is none of this name.
pub(crate) fn user(look: &mut Look<'_>, name: &str) -> Result<Option<Known>, ApiFault> {
    let whom = json!({"UserName": name});
    let Some(answer) = there(look.ask("iam", "GetUser", whom.clone()))? else { return Ok(None) };
    let user = answer.get("User").cloned().unwrap_or_default();
    let keys = look.pages("iam", "ListAccessKeys", &whom, "AccessKeyMetadata", "Marker")?;
    let keys: Vec<Value> = keys
        .iter()
        .map(|key| json!({"AccessKeyId": text(key, "AccessKeyId"), "Status": text(key, "Status")}))
        .collect();
    let attached = look.pages("iam", "ListAttachedUserPolicies", &whom, "AttachedPolicies", "Marker")?;
    let own = look.pages("iam", "ListUserPolicies", &whom, "PolicyNames", "Marker")?;
    let names = attached.iter().map(|policy| text(policy, "PolicyName"));
    let quarantine: Vec<&str> = names
        .chain(own.iter().filter_map(Value::as_str))
        .filter(|name| QUARANTINES.iter().any(|begin| name.starts_with(begin)))
        .collect();
    let mut known = known(look, &user, &attached);
    if let Some(state) = known.state.as_object_mut() {
        state.insert("Keys".to_owned(), Value::Array(keys));
        state.insert("Quarantine".to_owned(), json!(quarantine));
    }
    Ok(Some(known))
}

/// A role; `None` if there is none of this name.
pub(crate) fn role(look: &mut Look<'_>, name: &str) -> Result<Option<Known>, ApiFault> {
    let whom = json!({"RoleName": name});
    let Some(answer) = there(look.ask("iam", "GetRole", whom.clone()))? else { return Ok(None) };
    let role = answer.get("Role").cloned().unwrap_or_default();
    let attached = look.pages("iam", "ListAttachedRolePolicies", &whom, "AttachedPolicies", "Marker")?;
    Ok(Some(known(look, &role, &attached)))
}

fn known(look: &Look<'_>, entity: &Value, attached: &[Value]) -> Known {
    let arn = text(entity, "Arn").to_owned();
    let name = [text(entity, "UserName"), text(entity, "RoleName")].concat();
    let deny = deny_all(look.place());
    let denied = attached.iter().any(|policy| text(policy, "PolicyArn") == deny);
    let never = never(look, &arn, text(entity, "Path"));
    let tags = list(entity, "Tags").iter();
    let tags = tags.map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned())).collect();
    Known { state: json!({"Arn": arn, "Name": name, "DenyAll": denied, "Never": never}), tags, arn }
}

/// Why a principal is never touched; empty if it may be.
fn never(look: &Look<'_>, arn: &str, path: &str) -> &'static str {
    let own = look.own();
    let same = |other: &str| Principal::of_arn(other).is_some_and(|one| Some(one) == Principal::of_arn(arn));
    if own.break_glass.iter().any(|pattern| like(pattern, arn) || same(pattern)) {
        return "it is for emergencies (`break_glass`)";
    }
    if same(look.us()) || own.roles.iter().any(|role| same(role)) {
        return "it is Stockade's own";
    }
    if path.starts_with("/aws-service-role/") {
        return "it is a service's own role, which AWS lets nobody change";
    }
    if path.starts_with("/aws-reserved/") {
        return "it is a role of IAM Identity Center, which AWS lets nobody change";
    }
    ""
}

/// The answer, or none where what was asked about is not there.
pub(crate) fn there<T>(answer: Result<T, ApiFault>) -> Result<Option<T>, ApiFault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if fault.blame == Blame::Missing => Ok(None),
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_event_names_is_a_suspect_or_nothing() {
        let of = |thing: &str| Suspect::of(thing, "111122223333");
        assert_eq!(of("AKIAIOSFODNN7EXAMPLE"), [Suspect::Key("AKIAIOSFODNN7EXAMPLE".into())]);
        assert_eq!(of("user/alice"), [Suspect::User("alice".into())]);
        assert_eq!(of("arn:aws:iam::111122223333:role/x/web"), [Suspect::Role("web".into())]);
        assert_eq!(
            of("arn:aws:iam::111122223333:user/alice"),
            [Suspect::User("alice".into()), Suspect::Quarantined("alice".into())]
        );
        for nothing in [
            "",
            "AKIA",
            "ASIAIOSFODNN7EXAMPLE",
            "akiaiosfodnn7example",
            "AKIAIOSFODNN7EXAMPL&",
            "user/",
            "user/a/b",
            "role/a b",
            "quarantine/../root",
            "arn:aws:iam::444455556666:user/alice",
            "arn:aws:iam::111122223333:root",
            &"A".repeat(200),
        ] {
            assert_eq!(of(nothing), [], "{nothing}");
        }
    }
}
