//! Last good states: taken on the schedule and after each change that made nothing weaker.

use serde_json::json;

use super::{Engine, EngineError, state};
use crate::playbook::{Baseline, Hint, Kind, Playbook, Thing};
use crate::state::{Baselines, Open};
use crate::{Place, record};

impl Engine {
    /// Keeps what is not weaker than it was. `first`: also what was never seen; an event is no occasion for that, as it
    /// may tell of the very change that made the thing bad.
    pub(super) fn keep(
        &mut self,
        playbook: &dyn Playbook,
        place: &Place,
        kind: &str,
        things: &[Thing],
        first: bool,
    ) -> Result<(), EngineError> {
        let Some(kind) = playbook.about().kinds.iter().find(|known| known.name() == kind) else {
            return Ok(());
        };
        let now = self.time.now();
        let manifest = &self.settings.manifest;
        let stated =
            |thing: &Thing| manifest.iter().any(|(of, known)| of == kind.name() && known.id == thing.id);
        let key = state::baselines(place, kind.name());
        state::update(self.shelf.as_mut(), &key, |kept: &mut Baselines| {
            for thing in things {
                match kept.things.get(&thing.id) {
                    Some(known) if known.thing == *thing => {}
                    Some(known) if !kind.weaker(&known.thing.state, &thing.state).is_empty() => {}
                    None if !first || stated(thing) => {}
                    _ => {
                        let baseline = Baseline { taken: now, thing: thing.clone() };
                        kept.things.insert(thing.id.clone(), baseline);
                    }
                }
            }
        })?;
        Ok(())
    }

    /// The last good states of a kind in a place.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn baselines(&mut self, kind: &str, place: &Place) -> Result<Vec<Baseline>, EngineError> {
        let kept: Baselines =
            state::read(self.shelf.as_mut(), &state::baselines(place, kind))?.unwrap_or_default();
        Ok(kept.things.into_values().collect())
    }

    /// All last good states, with kind and place.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn all_baselines(&mut self) -> Result<Vec<(String, Place, Baseline)>, EngineError> {
        const AT_ONCE: usize = 1000;
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let keys = self.shelf.list(state::BASELINES, &after, AT_ONCE)?;
            let Some(last) = keys.last().cloned() else { return Ok(all) };
            for key in keys {
                let kept: Baselines = state::read(self.shelf.as_mut(), &key)?.unwrap_or_default();
                let mut parts = key.split('/').skip(1);
                let (account, region) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let kind = parts.next().unwrap_or_default();
                let place = Place::new(account, region);
                all.extend(kept.things.into_values().map(|one| (kind.to_owned(), place.clone(), one)));
            }
            after = last;
        }
    }

    /// A person accepts a thing as it is now: that becomes its last good state, and a thing that is gone is no longer
    /// missed. Returns what was accepted; `None` for a thing that is gone.
    ///
    /// # Errors
    /// If no playbook knows the kind, the thing was never known, or it cannot be read.
    pub fn accept(
        &mut self,
        kind: &str,
        place: &Place,
        id: &str,
        who: &str,
        reason: &str,
    ) -> Result<Option<Baseline>, EngineError> {
        let unknown = || EngineError::Unknown { what: format!("{kind} {id}") };
        let has =
            |playbook: &&&'static dyn Playbook| playbook.about().kinds.iter().any(|one| one.name() == kind);
        let playbook = self.playbooks.iter().find(has).copied().ok_or_else(unknown)?;
        let hint = Hint::region(&place.region).thing(id);
        let seen = self.look(playbook, place, &[hint], &mut std::collections::BTreeMap::new(), true)?;
        if let Err(fault) = seen.sight {
            return Err(fault.into());
        }
        if let Some(trouble) = seen.troubles.into_iter().find(|trouble| trouble.what == id) {
            return Err(trouble.fault.into());
        }
        let things = seen.things.into_iter().filter(|(name, _)| *name == kind).flat_map(|(_, things)| things);
        let now = self.time.now();
        let thing = things.into_iter().find(|thing| thing.id == id || thing.name == id);
        let id = thing.as_ref().map_or(id, |thing| &thing.id);
        let key = state::baselines(place, kind);
        let new = thing.as_ref().map(|thing| Baseline { taken: now, thing: thing.clone() });
        let known = state::update(self.shelf.as_mut(), &key, |kept: &mut Baselines| match &new {
            Some(new) => {
                kept.things.insert(id.to_owned(), new.clone()).map_or(Some(None), |old| Some(Some(old)))
            }
            None => kept.things.remove(id).map(Some),
        })?;
        let before = known.ok_or_else(unknown)?;
        let body = json!({
            "kind": kind, "place": place, "thing": id, "by": who, "reason": reason, "before": before, "after": new,
        });
        record::append(self.shelf.as_mut(), now, "accept", "", body)?;
        // What was said of it is over.
        let ending = format!("/{kind}/{id}#");
        state::update(self.shelf.as_mut(), &state::open(place), |open: &mut Open| {
            open.told.retain(|key, _| !key.contains(&ending));
            open.repairs.retain(|key, _| !key.contains(&ending));
        })?;
        Ok(new)
    }

    /// The kinds whose last good states are kept.
    pub fn kinds(&self) -> Vec<&'static dyn Kind> {
        let mut kinds: Vec<&'static dyn Kind> = Vec::new();
        for kind in self.playbooks.iter().flat_map(|playbook| playbook.about().kinds) {
            if !kinds.iter().any(|known| known.name() == kind.name()) {
                kinds.push(*kind);
            }
        }
        kinds
    }
}
