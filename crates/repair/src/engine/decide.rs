//! What may be done about a finding. Pure: all that counts comes in, one step comes out.

use stockade_core::Timestamp;

use crate::exempt::Exempt;
use crate::mode::Mode;
use crate::playbook::{Cannot, Finding, Plan, Verdict};
use crate::run::Outcome;
use crate::state::Hold;

/// What counts beside the finding and its plan.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) mode: Mode,
    pub(super) now: Timestamp,
    /// Whether a person approved it.
    pub(super) approved: bool,
    pub(super) exempt: Option<Exempt>,
    pub(super) hold: Option<Hold>,
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// It is told.
    Tell { outcome: Outcome, plan: Option<Plan> },
    /// A person is asked.
    Ask { plan: Plan, why: String },
    /// It is repaired, within the limits.
    Act { plan: Plan },
}

/// Decides. Exempt comes before everything else, so that it never depends on what could be done.
pub(super) fn decide(finding: &Finding, plan: Result<Plan, Cannot>, facts: Facts) -> Step {
    let tell = |outcome, plan| Step::Tell { outcome, plan };
    match &finding.verdict {
        Verdict::NotOurs(_) => return tell(Outcome::NotOurs, None),
        Verdict::Tell(_) => {
            return tell(Outcome::Told { why: "there is nothing that a repair could mend".into() }, None);
        }
        Verdict::Good | Verdict::Bad(_) => {}
    }
    if let Some(Exempt { reason, until, .. }) = facts.exempt {
        return tell(Outcome::Exempt { reason, until }, plan.ok());
    }
    if let Some(Hold { reason, until, .. }) = facts.hold
        && facts.now < until
        && !facts.approved
    {
        return tell(Outcome::Exempt { reason, until }, plan.ok());
    }
    let plan = match plan {
        Err(Cannot { why, hint }) => return tell(Outcome::Cannot { why, hint }, None),
        Ok(plan) => plan,
    };
    let (mode, ceiling) = finding.lowered(facts.mode);
    let because = |word: &str| ceiling.clone().unwrap_or_else(|| format!("the mode is `{word}`"));
    match mode {
        Mode::Act => Step::Act { plan },
        Mode::Approve if facts.approved => Step::Act { plan },
        Mode::Approve => Step::Ask { plan, why: because("approve") },
        Mode::Plan => tell(Outcome::Planned, Some(plan)),
        Mode::Notify | Mode::Off => tell(Outcome::Told { why: because(mode.name()) }, Some(plan)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::Place;
    use crate::playbook::Subject;

    fn bad() -> Finding {
        let subject = Subject::new(&Place::new("1", "r"), "trail", "t");
        Finding::new(subject, "t", Verdict::Bad("stopped".into()), Value::Null)
    }

    fn facts(mode: Mode) -> Facts {
        Facts { mode, now: Timestamp::from_secs(100), approved: false, exempt: None, hold: None }
    }

    fn step(finding: &Finding, facts: Facts) -> &'static str {
        match decide(finding, Ok(Plan::default()), facts) {
            Step::Act { .. } => "act",
            Step::Ask { .. } => "ask",
            Step::Tell { outcome: Outcome::Planned, .. } => "planned",
            Step::Tell { outcome: Outcome::Told { .. }, .. } => "told",
            Step::Tell { outcome: Outcome::Exempt { .. }, .. } => "exempt",
            Step::Tell { .. } => "else",
        }
    }

    #[test]
    fn modes_and_ceilings_are_what_they_say() {
        let modes = [Mode::Notify, Mode::Plan, Mode::Approve, Mode::Act];
        let steps = |finding: &Finding| modes.map(|mode| step(finding, facts(mode)));
        assert_eq!(steps(&bad()), ["told", "planned", "ask", "act"]);
        assert_eq!(steps(&bad().at_most(Mode::Approve, "a new key")), ["told", "planned", "ask", "ask"]);
        assert_eq!(steps(&bad().at_most(Mode::Notify, "never")), ["told", "told", "told", "told"]);
    }

    #[test]
    fn exempt_is_told_and_never_repaired_even_if_approved() {
        let exempt = Some(Exempt { reason: "x".into(), until: Timestamp::MAX, by_actor: false });
        assert_eq!(step(&bad(), Facts { exempt: exempt.clone(), ..facts(Mode::Act) }), "exempt");
        assert_eq!(step(&bad(), Facts { exempt, approved: true, ..facts(Mode::Act) }), "exempt");
    }

    #[test]
    fn a_hold_ends_by_itself_or_when_a_person_approves() {
        let hold = |until| {
            let (until, since) = (Timestamp::from_secs(until), Timestamp::default());
            let (reason, by) = ("x".to_owned(), "me".to_owned());
            Some(Hold { until, reason, by, since, until_good: false, by_actor: false, acted: None })
        };
        assert_eq!(step(&bad(), Facts { hold: hold(101), ..facts(Mode::Act) }), "exempt");
        assert_eq!(step(&bad(), Facts { hold: hold(100), ..facts(Mode::Act) }), "act");
        assert_eq!(step(&bad(), Facts { hold: hold(101), approved: true, ..facts(Mode::Act) }), "act");
    }

    #[test]
    fn approved_is_not_more_than_the_mode_allows_now() {
        let approved = |mode| Facts { approved: true, ..facts(mode) };
        assert_eq!(step(&bad(), approved(Mode::Approve)), "act");
        assert_eq!(step(&bad(), approved(Mode::Plan)), "planned");
    }
}
