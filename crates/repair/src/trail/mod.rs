//! CloudTrail's trails, as three playbooks see them: how they are read, when one is weaker than it was, and what makes
//! it as it was.

mod bucket;
mod read;
mod restore;
mod selector;
mod selectors;
mod weaker;

use serde_json::Value;

pub(crate) use bucket::bucket;
pub(crate) use read::{described, full, tags_of};
pub(crate) use restore::{create, start, strengthen};
pub(crate) use selectors::{Selectors, is_default};

use crate::event::Event;
use crate::json::text;
use crate::playbook::{Hint, Kind, Look, Thing, Weakness};
use crate::{ApiFault, Place};

/// The kind `trail`: trails whose home is the place and whose account is ours.
#[derive(Debug)]
pub(crate) struct Trails;

/// Trails as a kind.
pub(crate) static TRAILS: Trails = Trails;
/// The name of the kind and of the class.
pub(crate) const TRAIL: &str = "trail";

impl Kind for Trails {
    fn name(&self) -> &'static str {
        TRAIL
    }

    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault> {
        full(look, |_, _| true)
    }

    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness> {
        weaker::weaker(base, now)
    }
}

/// The account and the region in a trail's ARN.
pub(crate) fn parts(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let ("cloudtrail", region, account) = (parts.next()?, parts.next()?, parts.next()?) else { return None };
    parts.next()?.starts_with("trail/").then_some((account, region))
}

/// Where an event about a trail says to look: at the trail that its parameters name, by name or by ARN, in the region of
/// the ARN. What is no call about a trail (a rule of Config, a finding) says so of the account.
pub(crate) fn locate(event: &Event) -> Vec<Hint> {
    if event.service() != "cloudtrail.amazonaws.com" {
        return vec![Hint::everywhere()];
    }
    let named = ["name", "trailName"].map(|name| text(event.parameters(), name));
    let name = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let region = parts(name).map_or(event.region(), |(_, region)| region);
    vec![Hint::region(region).only(name)]
}

/// Whether a trail is of the account that is looked at.
pub(crate) fn is_ours(arn: &str, place: &Place) -> bool {
    parts(arn).is_none_or(|(account, _)| account == place.account)
}
