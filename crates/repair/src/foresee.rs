//! What an installation says of an event before anybody looks at AWS: for a replay of the past, which sees no account.

use stockade_core::Timestamp;

use crate::engine::same_role;
use crate::event::{BadEvent, Event};
use crate::exempt::Exempt;
use crate::playbook::Subject;
use crate::playbooks::CATALOGUE;
use crate::{Place, Settings};

/// What is known of an event beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreseen {
    /// It would be followed; what is found there decides.
    Followed,
    /// It tells of a call that failed: nobody looks.
    FailedCall,
    /// It tells of what we did ourselves.
    Own,
    /// What it tells is exempt, as far as the event says who did what.
    Exempt(Exempt),
}

impl Settings {
    /// What is known beforehand of an event that a rule gives to a playbook (its id or name). `now`: when it is followed, where
    /// it does not say when it happened. Exemptions by tags and events of our own unnamed role are not seen here.
    ///
    /// # Errors
    /// If the bytes are no event.
    pub fn foresee(&self, playbook: &str, event: &[u8], now: Timestamp) -> Result<Foreseen, BadEvent> {
        let event = Event::read(event)?;
        let actor = event.actor();
        let by_us = |role: &str| self.own.roles.iter().any(|own| same_role(role, own));
        if actor.as_ref().is_some_and(|actor| by_us(&actor.role)) {
            return Ok(Foreseen::Own);
        }
        if !event.error_code().is_empty() {
            return Ok(Foreseen::FailedCall);
        }
        let named = |one: &&&dyn crate::Playbook| [one.about().id, one.about().name].contains(&playbook);
        let Some(playbook) = CATALOGUE.iter().find(named) else { return Ok(Foreseen::Followed) };
        let (about, now) = (playbook.about(), event.time().unwrap_or(now));
        let exempt = playbook.locate(&event).iter().find_map(|hint| {
            let region = hint.region.as_deref().unwrap_or(event.region());
            let thing = hint.thing.as_deref().unwrap_or_default();
            let subject = Subject::new(&Place::new(event.account(), region), "", thing);
            let actor = actor.as_ref().filter(|_| !hint.vague);
            self.exemptions
                .iter()
                .find_map(|exemption| exemption.holds([about.id, about.name], &subject, thing, actor, now))
        });
        Ok(exempt.map_or(Foreseen::Followed, Foreseen::Exempt))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Exemption, Own, Whom};

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn foreseen(identity: &Value, name: &Value, error: &str) -> Foreseen {
        let whom =
            Whom { principal: Some("arn:aws:iam::111122223333:role/pipeline".to_owned()), ..Whom::default() };
        let settings = Settings {
            exemptions: vec![Exemption::new(whom, Timestamp::from_secs(1_790_003_600), "teardown").unwrap()],
            own: Own {
                roles: vec!["arn:aws:iam::111122223333:role/stockade-guard".to_owned()],
                ..Own::default()
            },
            ..Settings::default()
        };
        let mut event = json!({"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com",
            "awsRegion": "eu-west-1", "recipientAccountId": "111122223333", "eventID": "x", "errorCode": error,
            "eventTime": "2026-09-21T14:13:20Z", "userIdentity": identity, "requestParameters": {"name": name}});
        if error.is_empty() {
            event.as_object_mut().unwrap().remove("errorCode");
        }
        settings.foresee("P01", event.to_string().as_bytes(), NOW).unwrap()
    }

    fn role(account: &str, role: &str) -> Value {
        json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/run"),
            "sessionContext": {"sessionIssuer": {"arn": format!("arn:aws:iam::{account}:role/{role}")}}})
    }

    #[test]
    fn the_pipeline_is_told_from_those_who_look_like_it() {
        let ours = "111122223333";
        assert!(matches!(foreseen(&role(ours, "pipeline"), &json!("main"), ""), Foreseen::Exempt(_)));
        assert_eq!(
            foreseen(&role(ours, "pipeline"), &Value::Null, ""),
            Foreseen::Followed,
            "it names nothing"
        );
        assert_eq!(foreseen(&role(ours, "pipeline-evil"), &json!("main"), ""), Foreseen::Followed);
        assert_eq!(foreseen(&role("999988887777", "pipeline"), &json!("main"), ""), Foreseen::Followed);
        assert_eq!(foreseen(&role(ours, "stockade-guard"), &json!("main"), ""), Foreseen::Own);
        assert_eq!(foreseen(&role("999988887777", "stockade-guard"), &json!("main"), ""), Foreseen::Followed);
        assert_eq!(foreseen(&Value::Null, &json!("main"), ""), Foreseen::Followed);
        assert_eq!(foreseen(&role(ours, "evil"), &json!("main"), "AccessDenied"), Foreseen::FailedCall);
    }
}
