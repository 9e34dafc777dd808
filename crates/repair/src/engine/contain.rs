//! Whoever undoes each repair is contained, where the installation allows it: by the playbook for leaked credentials, so
//! within its mode, exemptions and limits, with a record of its own, and to be taken back.

use std::collections::BTreeMap;

use super::act::Acting;
use super::{Engine, EngineError, Trigger, state};
use crate::playbook::{Hint, Verdict};
use crate::principal::{Principal, Sort};
use crate::run::{Contained, Item, Outcome};
use crate::state::{Case, Open};
use crate::suspect::{ROLE, USER};
use crate::{Actor, ApiFault, Place};

/// The playbook that contains.
const CONTAINS: &str = "P19";
/// Who undid fewer repairs of a thing is not contained: once may be a coincidence.
const UNDOINGS: usize = 2;

/// What somebody is contained for.
struct Fight<'f> {
    /// The id under which it is escalated.
    id: &'f str,
    /// The repairs that were undone.
    repairs: &'f [String],
    /// For people: what was repaired.
    of: &'f str,
    scheduled: bool,
}

impl Engine {
    /// Contains the actors of an escalation, or says why not. Of anything else nothing.
    pub(super) fn contain(
        &mut self,
        item: &mut Item,
        trigger: Trigger<'_>,
        acting: &mut Vec<Acting>,
    ) -> Result<(), EngineError> {
        let Outcome::Escalated { repairs, .. } = &item.outcome else { return Ok(()) };
        if matches!(trigger, Trigger::Escalation { .. }) {
            return Ok(());
        }
        let (repairs, now) = (repairs.clone(), self.time.now());
        let scheduled = trigger.is_scheduled();
        let open: Open =
            state::read(self.shelf.as_mut(), &state::open(&item.subject.place))?.unwrap_or_default();
        let told = open.told.get(&state::open_key(&item.playbook, &item.subject)).filter(|_| scheduled);
        item.id = told.map_or_else(|| self.new_id(item, trigger, now), |told| told.id.clone());
        let case: Case = state::read(self.shelf.as_mut(), &state::case(&item.playbook, &item.subject))?
            .unwrap_or_default();
        // The first repair mended what was bad; each one after it, what undid the one before.
        let by = case.recent.iter().skip(1).map(|attempt| attempt.actor.as_deref());
        let by = by.chain([trigger.actor().map(Actor::name)]).flatten();
        let least = UNDOINGS.min(repairs.len());
        let fight = Fight { id: &item.id, repairs: &repairs, of: &item.name, scheduled };
        let mut all = Vec::new();
        for (who, undid) in fighters(by) {
            let contained = if undid < least {
                not(&who, format!("it undid {undid} of {}", repairs.len()))
            } else {
                self.contain_one(&who, undid, &fight, acting)?
            };
            all.push(contained);
        }
        if let Outcome::Escalated { contained, .. } = &mut item.outcome {
            *contained = all;
        }
        Ok(())
    }

    fn contain_one(
        &mut self,
        who: &str,
        undid: usize,
        fight: &Fight<'_>,
        acting: &mut Vec<Acting>,
    ) -> Result<Contained, EngineError> {
        let Some(principal) = Principal::of_arn(who) else {
            return Ok(not(who, "it is neither a user nor a role"));
        };
        let sort = match principal.sort {
            Sort::User => USER,
            Sort::Role => ROLE,
            Sort::Root => return Ok(not(who, "nothing can be denied to root; change its password and keys")),
        };
        if !self.settings.contain {
            return Ok(not(who, "`contain` in `[repair]` does not allow it"));
        }
        let Principal { account, name, .. } = &principal;
        if !self.accounts()?.contains(account) {
            return Ok(not(who, format!("the account {account} is not looked after")));
        }
        let Ok(playbook) = self.playbook(CONTAINS) else {
            return Ok(not(who, format!("the playbook {CONTAINS} is not there")));
        };
        let place = Place::new(account, &self.global_region());
        let now = self.time.now();
        let since = self.first_run()?.unwrap_or(now);
        let mode = self.settings.modes.of(playbook.about(), &place, since, now);
        if mode == crate::Mode::Off {
            return Ok(not(who, format!("the playbook {CONTAINS} is off")));
        }
        let hint = Hint::region(&place.region).thing(&format!("{sort}{name}"));
        let seen = self.look(playbook, &place, &[hint], &mut BTreeMap::new(), false)?;
        let unseen = |fault: ApiFault| Ok(not(who, format!("it cannot be looked at, {fault}")));
        if let Some(trouble) = seen.troubles.into_iter().next() {
            return unseen(trouble.fault);
        }
        let sight = match seen.sight {
            Ok(sight) => sight,
            Err(fault) => return unseen(fault),
        };
        let is_whom = |arn: &str| Principal::of_arn(arn).as_ref() == Some(&principal);
        let found = sight.findings.into_iter().find(|one| is_whom(&one.subject.id));
        let Some(mut finding) = found.filter(|one| !one.state.is_null()) else {
            return Ok(not(who, "the account has no such user or role"));
        };
        if finding.verdict != Verdict::Good {
            finding.verdict = Verdict::Bad(format!("{who} undid {undid} repairs of {}", fight.of));
        }
        let actor = Actor { arn: who.to_owned(), ..Actor::default() };
        let Fight { id, repairs, scheduled, .. } = *fight;
        let trigger = Trigger::Escalation { id, repairs, actor: &actor, scheduled };
        let mut item = self.judge(playbook, finding, sight.seen, mode, trigger, &seen.open, acting)?;
        item.actor = Some(actor);
        let contained = told(who, &item);
        if item.outcome != Outcome::Good {
            self.beside.push(item);
        }
        Ok(contained)
    }
}

/// Who undid repairs, and how many; the sessions of a role are one actor.
fn fighters<'a>(by: impl Iterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut all: Vec<(Option<Principal>, String, usize)> = Vec::new();
    for who in by {
        let principal = Principal::of_arn(who);
        let same = |known: &&mut (Option<Principal>, String, usize)| {
            known.1 == who || (principal.is_some() && known.0 == principal)
        };
        match all.iter_mut().find(same) {
            Some(known) => known.2 += 1,
            None => all.push((principal, who.to_owned(), 1)),
        }
    }
    all.into_iter().map(|(_, who, undid)| (who, undid)).collect()
}

fn not(who: &str, why: impl std::fmt::Display) -> Contained {
    Contained {
        who: who.to_owned(),
        id: String::new(),
        done: false,
        says: format!("{who} is not contained, {why}"),
    }
}

fn told(who: &str, item: &Item) -> Contained {
    let id = &item.id;
    let (done, says) = match &item.outcome {
        Outcome::Good => (true, "is contained already".to_owned()),
        Outcome::Repaired { .. } => {
            (true, format!("was contained; `stockade repair undo {id}` takes that back"))
        }
        Outcome::Busy => (true, "is being contained by another run".to_owned()),
        Outcome::Waiting { .. } => {
            (false, format!("is not contained yet, `stockade repair approve {id}` does it"))
        }
        Outcome::Planned => (false, "is not contained, the mode of P19 is `plan`".to_owned()),
        Outcome::Exempt { reason, .. } => (false, format!("is not contained, exempt: {reason}")),
        Outcome::Told { why } | Outcome::Cannot { why, .. } | Outcome::Limited { why, .. } => {
            (false, format!("is not contained, {why}"))
        }
        Outcome::Failed { fault, done, of } => {
            (false, format!("is contained by {done} of {of} calls; {fault}"))
        }
        _ => (false, "is not contained".to_owned()),
    };
    Contained { who: who.to_owned(), id: id.clone(), done, says: format!("{who} {says}") }
}

#[cfg(test)]
mod tests {
    use super::fighters;

    #[test]
    fn sessions_of_a_role_count_together() {
        let by = [
            "arn:aws:sts::111122223333:assumed-role/ci/run-1",
            "arn:aws:iam::111122223333:user/alice",
            "arn:aws:sts::111122223333:assumed-role/ci/run-2",
            "AWSService",
            "AWSService",
        ];
        let counts: Vec<usize> = fighters(by.into_iter()).into_iter().map(|(_, undid)| undid).collect();
        assert_eq!(counts, [2, 1, 2]);
    }
}
