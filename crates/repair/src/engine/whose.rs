//! Whether an event tells of what we did ourselves.
//!
//! Two things prove it: the number of a request that is in our record, and a role of which the operator says that only
//! we may assume it ([`crate::Own::roles`]). A user agent or a session's name proves nothing, because whoever calls
//! chooses them: an attacker who calls himself `stockade/1` would be left alone. Nor does the role that we happen to
//! have: on a host it is the role of the machine and of everything on it, at a desk that of all administrators. Such an
//! event is followed like any other, and the record says what it claimed. (A repair of ours cannot loop by that: its
//! check finds everything good.)

use serde_json::json;

use super::{Engine, EngineError, record, state};
use crate::event::{Actor, Event};
use crate::json::text;
use crate::playbook::Playbook;
use crate::run::{PassedOver, Run};
use crate::state::Dated;
use crate::{ApiCall, ApiFault, Blame, OWN_MARK, Place};

/// Who did what an event tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// We, and perhaps it is known in which repair.
    Ours(Option<String>),
    /// Somebody who claims to be us and cannot prove it.
    Claims,
    /// Somebody else.
    Others,
}

/// Who we are.
#[derive(Clone, Debug)]
pub(super) struct Us {
    pub(super) account: String,
    /// The ARN of our own session.
    pub(super) arn: String,
}

impl Engine {
    /// Who we are; asked once.
    pub(super) fn us(&mut self) -> Result<&Us, EngineError> {
        if self.us.is_none() {
            let call = ApiCall::new(&Place::new("", &self.home), "sts", "GetCallerIdentity", json!({}));
            let answer = self.api.call(&call)?.body;
            let of = |name| text(&answer, name).to_owned();
            self.us = Some(Us { account: of("Account"), arn: of("Arn") });
        }
        let none = || EngineError::Unknown { what: "our own account".to_owned() };
        self.us.as_ref().ok_or_else(none)
    }

    /// The ARN of our own session.
    pub(super) fn our_arn(&mut self) -> Result<String, ApiFault> {
        match self.us() {
            Ok(us) => Ok(us.arn.clone()),
            Err(EngineError::Api(fault)) => Err(fault),
            Err(other) => Err(ApiFault::local(Blame::Other, other.to_string())),
        }
    }

    /// Our own account.
    ///
    /// # Errors
    /// If AWS does not say.
    pub fn own_account(&mut self) -> Result<String, EngineError> {
        Ok(self.us()?.account.clone())
    }

    /// Who did it.
    pub(super) fn whose(&mut self, event: &Event, actor: Option<&Actor>) -> Result<Whose, EngineError> {
        let request = event.request_id();
        if !request.is_empty()
            && let Some(known) = state::read::<Dated>(self.shelf.as_mut(), &state::request(request))?
        {
            return Ok(Whose::Ours(Some(known.id)));
        }
        let Some(actor) = actor else { return Ok(Whose::Others) };
        if self.settings.own.roles.iter().any(|own| same_role(&actor.role, own)) {
            let repair = actor.session().strip_prefix(OWN_MARK).and_then(|rest| rest.strip_prefix('-'));
            return Ok(Whose::Ours(repair.map(str::to_owned)));
        }
        let session = actor.session().strip_prefix(OWN_MARK).is_some_and(|rest| rest.starts_with('-'));
        let role = !actor.role.is_empty() && same_role(&actor.role, &self.us()?.arn);
        let claims = session || role || actor.user_agent.contains(&format!("{OWN_MARK}/"));
        Ok(if claims { Whose::Claims } else { Whose::Others })
    }

    /// What we did is recorded and triggers nothing.
    pub(super) fn own_call(
        &mut self,
        playbook: &dyn Playbook,
        event: &Event,
        repair: Option<String>,
    ) -> Result<Run, EngineError> {
        let body = json!({
            "playbook": playbook.about().id, "event_identity": event.identity(),
            "event_sha256": event.sha256(), "event": event.value(), "actor": event.actor(), "repair": repair,
        });
        record::append(self.shelf.as_mut(), self.time.now(), "own", "", body)?;
        self.passed(PassedOver::Own { repair })
    }

    /// Nobody looks where the event points, or the playbook is off there: it is recorded, so that somebody hears of it.
    pub(super) fn followed_by_nobody(
        &mut self,
        playbook: &dyn Playbook,
        event: &Event,
        why: PassedOver,
    ) -> Result<Run, EngineError> {
        let says = match &why {
            PassedOver::Elsewhere { place } => format!("nothing is looked after in {place}"),
            _ => "this repair is off".to_owned(),
        };
        let body = json!({
            "playbook": playbook.about().id, "event_identity": event.identity(), "why": says,
            "event_sha256": event.sha256(), "event": event.value(), "actor": event.actor(),
        });
        record::append(self.shelf.as_mut(), self.time.now(), "passed", "", body)?;
        self.passed(why)
    }

    /// A call that failed changed nothing; that somebody tried is recorded.
    pub(super) fn attempt(
        &mut self,
        playbook: &dyn Playbook,
        event: &Event,
        actor: Option<&Actor>,
    ) -> Result<Run, EngineError> {
        let code = event.error_code().to_owned();
        let body = json!({
            "playbook": playbook.about().id, "event_identity": event.identity(), "error": code,
            "event_sha256": event.sha256(), "event": event.value(), "actor": actor,
        });
        record::append(self.shelf.as_mut(), self.time.now(), "attempt", "", body)?;
        self.passed(PassedOver::FailedCall { code })
    }
}

/// Whether a role's ARN and a role's or session's ARN are of the same role. A session's ARN leaves out the role's path,
/// so account and last name are compared.
pub(crate) fn same_role(role: &str, own: &str) -> bool {
    fn parts(arn: &str) -> Option<(&str, &str)> {
        let mut parts = arn.splitn(6, ':').skip(2);
        let (service, _, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let mut names = resource.split('/');
        match (service, names.next()?) {
            ("iam", "role") => Some((account, names.next_back()?)),
            ("sts", "assumed-role") => Some((account, names.next()?)),
            _ => None,
        }
    }
    match (parts(role), parts(own)) {
        (Some(role), Some(own)) => role == own,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::same_role;

    #[test]
    fn a_role_is_known_by_account_and_name() {
        let role = "arn:aws:iam::111122223333:role/service/stockade-guard";
        for own in [
            role,
            "arn:aws:iam::111122223333:role/stockade-guard",
            "arn:aws:sts::111122223333:assumed-role/stockade-guard/function",
        ] {
            assert!(same_role(role, own), "{own}");
        }
        for other in [
            "arn:aws:iam::444455556666:role/stockade-guard",
            "arn:aws:iam::111122223333:user/stockade-guard",
            "arn:aws:sts::111122223333:assumed-role/other/stockade-guard",
            "",
            "arn:aws:iam::111122223333:role/stockade-guard2",
        ] {
            assert!(!same_role(role, other), "{other}");
        }
    }
}
