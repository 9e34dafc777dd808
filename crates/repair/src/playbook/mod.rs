//! What a playbook is: docs, permissions, a check that decides, and a plan as data. The engine does the rest.
//!
//! A playbook is one file in [`crate::playbooks`]. It makes no change itself: it looks ([`Playbook::check`], read-only)
//! and says what would have to be called ([`Playbook::plan`], pure). Modes, limits, exemptions, approval, the record,
//! verification and undo are the same for all and none of its business.

mod compare;
pub(crate) mod doc;
mod finding;
mod kind;
mod look;
mod page;
pub(crate) mod permission;
mod plan;

use std::fmt;

pub use compare::{CHANGED, Comparison};
pub use doc::{Docs, HEADINGS};
pub use finding::{Ceiling, Finding, Sight, Subject, Verdict};
pub use kind::{Baseline, Kind, Tags, Thing, Weakness};
pub use look::{Hint, Look, Trouble};
pub use page::page;
pub use permission::{Access, BASE, Permission, PolicyOptions, policy};
pub use plan::{Cannot, Change, Plan, Undo};

use crate::{Actor, ApiFault, Event, Mode};

/// What is known of a playbook without running it.
#[derive(Debug)]
pub struct About {
    /// Its number in the catalogue: `P01`.
    pub id: &'static str,
    /// Its name: `trail-stopped`.
    pub name: &'static str,
    /// Its page.
    pub docs: Docs,
    /// Its mode where the installation says nothing and the trial is over.
    pub mode: Mode,
    /// Every permission that it needs, with the calls that need it.
    pub permissions: &'static [Permission],
    /// The kinds of things whose last good state it needs to know.
    pub kinds: &'static [&'static dyn Kind],
    /// Playbooks that are asked as well where this one finds nothing at all of its kind.
    pub then: &'static [&'static str],
}

/// One entry of the catalogue of repairs.
pub trait Playbook: fmt::Debug + Send + Sync {
    /// What is known of it.
    fn about(&self) -> &'static About;

    /// Whether what it looks at is one for all regions of an account, as IAM is: it is looked at in one of them.
    fn is_global(&self) -> bool {
        false
    }

    /// The principal that a finding is about, where it is about one: what exempts it by name exempts the finding.
    fn suspect(&self, _finding: &Finding) -> Option<Actor> {
        None
    }

    /// Where an event says to look. By default: in the event's region, at everything.
    fn locate(&self, event: &Event) -> Vec<Hint> {
        vec![Hint::region(event.region())]
    }

    /// Looks at one place and judges each thing there that [`Look::wanted`] asks for. Read-only, and the same whether an
    /// event, the schedule or a person asked. A thing that cannot be looked at is told to [`Look::trouble`], and the
    /// others go on.
    ///
    /// # Errors
    /// If nothing at all could be looked at.
    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault>;

    /// What would mend a bad finding: pure, so that the same finding always leads to the same calls.
    ///
    /// # Errors
    /// Why nothing can.
    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot>;
}
