//! What is kept on the shelf, by key, and how it is changed: read, changed, written over the version that was read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stockade_core::Timestamp;

use crate::Place;
use crate::event::Actor;
use crate::json::sha256;
use crate::playbook::{Baseline, Finding, Plan, Subject};
use crate::run::Done;
use crate::shelf::{Shelf, ShelfError};

/// When this installation began.
pub(crate) const INSTALLATION: &str = "installation";

/// What whoever runs the engine keeps for itself.
pub(crate) fn mark(name: &str) -> String {
    format!("mark/{}", short(name))
}

/// Of one subject of one playbook.
pub(crate) fn case(playbook: &str, subject: &Subject) -> String {
    format!("case/{playbook}/{}", short(&subject.key()))
}

/// All of those.
pub(crate) const CASES: &str = "case/";

/// How many events of an account came within the hour.
pub(crate) fn flood(account: &str) -> String {
    format!("flood/{}", short(account))
}

/// What is not good in one place.
pub(crate) fn open(place: &Place) -> String {
    format!("open/{place}")
}

/// Last good states of one kind in one place.
pub(crate) fn baselines(place: &Place, kind: &str) -> String {
    format!("baseline/{place}/{kind}")
}

/// All of those.
pub(crate) const BASELINES: &str = "baseline/";

/// Recent repairs of one account.
pub(crate) fn recent(account: &str) -> String {
    format!("recent/{account}")
}

/// A plan that waits for a person.
pub(crate) fn approval(id: &str) -> String {
    format!("approval/{id}")
}

/// All of those.
pub(crate) const APPROVALS: &str = "approval/";

/// A request of ours.
pub(crate) fn request(id: &str) -> String {
    format!("request/{}", short(id))
}

/// All of those.
pub(crate) const REQUESTS: &str = "request/";

/// An event that is dealt with.
pub(crate) fn seen(playbook: &str, identity: &str) -> String {
    format!("seen/{playbook}/{}", short(identity))
}

/// All of those.
pub(crate) const SEEN: &str = "seen/";

/// A name of any length, written by anybody, as a part of a key.
fn short(name: &str) -> String {
    const PLAIN: usize = 200;
    if name.len() <= PLAIN { name.to_owned() } else { sha256(name.as_bytes()) }
}

/// The installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Installation {
    pub(crate) first_run: Option<Timestamp>,
    /// Whether it was said what would have been done in the trial.
    #[serde(default)]
    pub(crate) reported: bool,
    /// In which way everything here is written; 0 before that was said.
    #[serde(default)]
    pub(crate) format: u32,
}

/// The way in which this version writes. It reads all before it.
pub(crate) const FORMAT: u32 = 1;

/// Events of an account within an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flood {
    pub(crate) since: Timestamp,
    pub(crate) events: u64,
}

/// One subject of one playbook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Case {
    /// Who works on it, so that two functions at once do not.
    pub(crate) lease: Option<Lease>,
    /// It is left as it is.
    pub(crate) hold: Option<Hold>,
    /// When somebody who is not exempt last did something to it, as their event says.
    pub(crate) others: Option<Timestamp>,
    /// Its plan that waits for a person.
    pub(crate) approval: Option<String>,
    /// Its repairs within the window.
    pub(crate) recent: Vec<Attempt>,
    /// How often it was taken: two lives of one repair have the same id and not the same turn.
    pub(crate) turn: u64,
    /// What was done of the repair that is under way: written before each call, so that whoever dies leaves it behind.
    pub(crate) doing: Option<Doing>,
    /// What its last repair came to, if not to anything good: the same again is no news.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) came_to: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) by: String,
    pub(crate) until: Timestamp,
    #[serde(default)]
    pub(crate) turn: u64,
}

/// A repair that is under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Doing {
    pub(crate) id: String,
    /// From when its latency counts.
    pub(crate) since: Timestamp,
    /// The calls that were made, of all its lives. The last may not have been: it stands here before it is made.
    pub(crate) calls: Vec<Done>,
}

/// A thing is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: String,
    /// Since when.
    #[serde(default)]
    pub since: Timestamp,
    /// Whether it ends when the thing is good again: a repair that was taken back or refused, or what an exempt actor did.
    #[serde(default)]
    pub until_good: bool,
    /// Whether it is about what one actor did: what another does to the thing is no part of it.
    #[serde(default)]
    pub by_actor: bool,
    /// When that actor did it, as the event says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acted: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    #[serde(default)]
    pub(crate) at: Timestamp,
    pub(crate) digest: String,
    pub(crate) id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    pub(crate) id: String,
    /// Whether it was verified.
    pub(crate) done: bool,
    /// Whose doing was repaired.
    pub(crate) actor: Option<String>,
}

/// The repairs of an account within the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Recent {
    pub(crate) repairs: Vec<Repaired>,
    /// Classes in which nothing more is repaired, until when; `*` is all.
    pub(crate) paused: BTreeMap<String, Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repaired {
    pub(crate) at: Timestamp,
    pub(crate) region: String,
    pub(crate) class: String,
    pub(crate) subject: String,
}

/// Last good states, by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Baselines {
    pub(crate) things: BTreeMap<String, Baseline>,
}

/// What is not good in a place, by playbook and subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Open {
    /// The ids of repairs that began and did not end.
    pub(crate) repairs: BTreeMap<String, String>,
    /// What was last said: the schedule says the same once.
    pub(crate) told: BTreeMap<String, Told>,
    /// Subjects with a hold that ends when they are good.
    pub(crate) held: BTreeSet<String>,
    /// How many repairs began or ended here.
    turn: u64,
    /// The newest of those, each with its number: what was seen before one of them may be old.
    turns: VecDeque<(u64, String)>,
}

/// How long it is known what was said of a thing that is no longer found.
const TOLD_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// Of how many things in a place it is known what was said. Of more the same may be said again.
const MAX_TOLD: usize = 2000;
/// Of how many beginnings and ends of repairs in a place it is known what they were about. Whoever looked before all of
/// them looks again.
const MAX_TURNS: usize = 200;

/// Of how many repairs and holds in a place it is known that they are open: of more the first in their order are forgotten,
/// the newest last. They end when their things are good again, and a thing that is gone is never good.
const MAX_OPEN: usize = 2000;

impl Open {
    /// What of a playbook is not good in the place.
    pub(crate) fn of(&self, playbook: &str, place: &Place) -> Vec<Subject> {
        let begins = format!("{playbook}/{place}/");
        let keys: BTreeSet<&String> = self.repairs.keys().chain(self.told.keys()).collect();
        let subject = |key: &&String| {
            let (class, thing) = key.strip_prefix(&begins)?.split_once('/')?;
            let (id, aspect) = thing.rsplit_once('#')?;
            Some(Subject::new(place, class, id).aspect(aspect))
        };
        keys.iter().filter_map(subject).collect()
    }

    /// A repair of this thing began.
    pub(crate) fn began(&mut self, key: &str, id: &str) {
        if self.repairs.len() >= MAX_OPEN && !self.repairs.contains_key(key) {
            let old =
                self.repairs.keys().find(|one| !self.turns.iter().any(|(_, about)| about == *one)).cloned();
            self.repairs.remove(&old.unwrap_or_default());
        }
        self.repairs.insert(key.to_owned(), id.to_owned());
        self.turned(key);
    }

    /// The thing is held until it is good.
    pub(crate) fn hold(&mut self, key: &str) {
        while self.held.len() >= MAX_OPEN && !self.held.contains(key) {
            self.held.pop_first();
        }
        self.held.insert(key.to_owned());
    }

    /// Remembers what was said, within bounds: events can name any number of things.
    pub(crate) fn tell(&mut self, key: &str, told: Told) {
        let now = told.at;
        self.told.retain(|_, known| now < known.at.plus(TOLD_FOR));
        while self.told.len() >= MAX_TOLD {
            self.told.pop_first();
        }
        self.told.insert(key.to_owned(), told);
    }

    /// A repair of this thing began or ended.
    pub(crate) fn turned(&mut self, key: &str) {
        self.turn += 1;
        while self.turns.len() >= MAX_TURNS {
            self.turns.pop_front();
        }
        self.turns.push_back((self.turn, key.to_owned()));
    }

    /// Whether one began or ended after `before` was read, so that what was seen of the thing then counts no more.
    pub(crate) fn turned_since(&self, before: &Self, key: &str) -> bool {
        let newer = || self.turns.iter().filter(|(turn, _)| *turn > before.turn);
        let forgotten = u64::try_from(newer().count()).is_ok_and(|known| before.turn + known < self.turn);
        forgotten || newer().any(|(_, about)| about == key)
    }
}

pub(crate) fn open_key(playbook: &str, subject: &Subject) -> String {
    format!("{playbook}/{}", subject.key())
}

/// A plan that waits for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// The repair's id.
    pub id: String,
    /// Its playbook.
    pub playbook: String,
    /// What was found.
    pub finding: Finding,
    /// What would be done.
    pub plan: Plan,
    /// The mode asked for, or why more was not allowed.
    pub why: String,
    /// Who did what is to be repaired.
    pub actor: Option<Actor>,
    /// When the event happened.
    pub event_at: Option<Timestamp>,
    /// Since when it waits.
    pub since: Timestamp,
    /// Until when it waits.
    pub until: Timestamp,
    /// What became of it.
    pub state: ApprovalState,
}

/// What became of a plan that waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalState {
    /// It waits.
    Waiting,
    /// A person approved it.
    Approved,
    /// A person refused it.
    Refused,
    /// Nobody decided in time.
    Over,
}

/// How often a value is tried to be changed while others change it.
const TRIES: u32 = 200;

/// A value; `None` where there is none.
pub(crate) fn read<T: DeserializeOwned>(shelf: &mut dyn Shelf, key: &str) -> Result<Option<T>, ShelfError> {
    let Some(stored) = shelf.get(key)? else { return Ok(None) };
    parsed(key, &stored.value).map(Some)
}

/// Changes a value, or makes it; what `change` says is returned. It may be asked several times, each time with what is
/// there, and the last counts. Nothing is written where nothing changed.
pub(crate) fn update<T, R>(
    shelf: &mut dyn Shelf,
    key: &str,
    mut change: impl FnMut(&mut T) -> R,
) -> Result<R, ShelfError>
where
    T: Default + Clone + PartialEq + Serialize + DeserializeOwned,
{
    for _ in 0..TRIES {
        let stored = shelf.get(key)?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        let before: T = stored.map_or_else(|| Ok(T::default()), |stored| parsed(key, &stored.value))?;
        let mut value = before.clone();
        let said = change(&mut value);
        if value == before && version > 0 {
            return Ok(said);
        }
        if shelf.put_if_version(key, Some(&written(key, &value)?), version)?.is_some() {
            return Ok(said);
        }
    }
    Err(ShelfError::passes(format!("cannot change `{key}`: others did so {TRIES} times")))
}

/// Writes a value that nobody else changes, if it is not there.
pub(crate) fn put_new<T: Serialize>(shelf: &mut dyn Shelf, key: &str, value: &T) -> Result<bool, ShelfError> {
    Ok(shelf.put_if_version(key, Some(&written(key, value)?), 0)?.is_some())
}

fn parsed<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, ShelfError> {
    serde_json::from_slice(value)
        .map_err(|error| ShelfError::stays(format!("cannot understand what is kept as `{key}`: {error}")))
}

fn written<T: Serialize>(key: &str, value: &T) -> Result<Vec<u8>, ShelfError> {
    serde_json::to_vec(value).map_err(|error| ShelfError::stays(format!("cannot write `{key}`: {error}")))
}

/// The time of what is only kept so long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dated {
    pub(crate) at: Timestamp,
    /// The repair it belongs to.
    pub(crate) id: String,
}

#[cfg(test)]
mod tests;
