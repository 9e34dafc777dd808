//! The life of a repair: event or schedule, check, plan, repair, verify, record; and undo.
//!
//! ```text
//! event ──> known? ours? failed? ──> places ─┐
//! schedule ──────────────────────> places ───┴─> check ─> mode, exemptions, limits ─> repair ─> verify ─> record
//!                                                                  └─> plan, approval, notice ────────────┘
//! ```
//!
//! The engine holds no state between two calls but what is on the shelf: a function that lives for a second and a
//! daemon do the same.

mod act;
mod contain;
mod decide;
mod error;
mod flood;
mod good;
mod holds;
mod lease;
mod limits;
mod news;
mod pass;
mod person;
mod places;
mod trial;
mod trigger;
mod verify;
mod watch;
mod whose;

use std::collections::BTreeMap;
use std::time::Duration;

use stockade_core::Timestamp;
use stockade_core::ports::Clock;

use crate::Place;
use crate::api::Api;
use crate::event::Event;
use crate::mode::Mode;
use crate::playbook::{Hint, Playbook};
use crate::playbooks::CATALOGUE;
use crate::record::{self, Entry};
use crate::run::{PassedOver, Run};
use crate::settings::Settings;
use crate::shelf::{Shelf, ShelfError};
use crate::state::{self, Dated, Installation};
use crate::tidy::tidy;
use act::Acting;
pub use error::EngineError;
use trigger::Trigger;
use whose::Whose;
pub(crate) use whose::same_role;

/// Tells the time and waits: [`Waking`] is the real one, tests turn one by hand.
pub trait Time: Send {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep(&self, span: Duration);
}

/// A clock with the sleep of the thread.
#[derive(Clone, Copy, Debug)]
pub struct Waking<C>(pub C);

impl<C: Clock> Time for Waking<C> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, span: Duration) {
        std::thread::sleep(span);
    }
}

/// Runs playbooks.
pub struct Engine {
    api: Box<dyn Api + Send>,
    shelf: Box<dyn Shelf>,
    time: Box<dyn Time>,
    settings: Settings,
    /// The region of our own credentials.
    home: String,
    playbooks: Vec<&'static dyn Playbook>,
    /// Who we are, once it was asked.
    us: Option<whose::Us>,
    /// What was done beside what was looked at, until the run takes it.
    beside: Vec<crate::run::Item>,
    /// Regions by account, once they were asked.
    regions: BTreeMap<String, Vec<String>>,
}

/// Which playbooks, accounts and regions; empty means all that are looked after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Playbooks by id or name.
    pub playbooks: Vec<String>,
    /// Accounts.
    pub accounts: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// A look ([`Engine::check`]) also at what is off.
    pub also_off: bool,
}

impl Engine {
    /// With all playbooks of the catalogue. `home` is the region of our own credentials.
    pub fn new(
        api: Box<dyn Api + Send>,
        shelf: Box<dyn Shelf>,
        time: Box<dyn Time>,
        home: &str,
        settings: Settings,
    ) -> Self {
        let mut settings = settings;
        if settings.own.regions.is_empty() {
            settings.own.regions.push(home.to_owned());
        }
        settings.own.accounts.extend(settings.accounts.iter().cloned());
        Self {
            api,
            shelf,
            time,
            settings,
            home: home.to_owned(),
            playbooks: CATALOGUE.to_vec(),
            us: None,
            beside: Vec::new(),
            regions: BTreeMap::new(),
        }
    }

    /// The same with these playbooks in place of the catalogue.
    #[must_use]
    pub fn with_playbooks(self, playbooks: Vec<&'static dyn Playbook>) -> Self {
        Self { playbooks, ..self }
    }

    /// Follows an event that a rule gave to a playbook.
    ///
    /// The event is dealt with when this returns a run that is not to be retried ([`Run::retry`]); the same event
    /// again is then a duplicate. An error means that nothing was done that is not recorded.
    ///
    /// # Errors
    /// If the bytes are no event, the playbook is unknown, or what is kept cannot be read or written.
    pub fn event(&mut self, playbook: &str, bytes: &[u8]) -> Result<Run, EngineError> {
        let event = Event::read(bytes)?;
        let seen = state::seen(self.playbook(playbook)?.about().id, &event.identity());
        if state::read::<Dated>(self.shelf.as_mut(), &seen)?.is_some() {
            return self.passed(PassedOver::Duplicate);
        }
        let run = self.event_again(playbook, bytes)?;
        if !run.retry() {
            let dated = Dated { at: self.time.now(), id: String::new() };
            state::put_new(self.shelf.as_mut(), &seen, &dated)?;
        }
        Ok(run)
    }

    /// The same for an event that may have been dealt with before: for a person, who wants to see it followed.
    ///
    /// # Errors
    /// As [`Engine::event`].
    pub fn event_again(&mut self, playbook: &str, bytes: &[u8]) -> Result<Run, EngineError> {
        let playbook = self.playbook(playbook)?;
        let event = Event::read(bytes)?;
        let installation = self.begin(self.time.now())?;
        let actor = event.actor();
        let flood = self.counted(event.account())?;
        match self.whose(&event, actor.as_ref())? {
            Whose::Ours(repair) => self.own_call(playbook, &event, repair),
            _ if !event.error_code().is_empty() && flood => {
                self.passed(PassedOver::FailedCall { code: event.error_code().to_owned() })
            }
            _ if !event.error_code().is_empty() => self.attempt(playbook, &event, actor.as_ref()),
            whose => {
                let claims = whose == Whose::Claims;
                let trigger = Trigger::Event { event: &event, actor: actor.as_ref(), claims, flood };
                self.follow(playbook, &event, trigger, installation)
            }
        }
    }

    fn follow(
        &mut self,
        playbook: &'static dyn Playbook,
        event: &Event,
        trigger: Trigger<'_>,
        installation: Timestamp,
    ) -> Result<Run, EngineError> {
        let account = event.account().to_owned();
        if !self.accounts()?.contains(&account) {
            return self.followed_by_nobody(playbook, event, PassedOver::Elsewhere { place: account });
        }
        let mut run = Run::default();
        let mut by_region: BTreeMap<String, Vec<Hint>> = BTreeMap::new();
        for hint in playbook.locate(event) {
            let regions = match &hint.region {
                _ if playbook.is_global() => vec![self.global_region()],
                Some(region) => vec![region.clone()],
                None => self.regions_of(&account, &mut run)?,
            };
            for region in regions {
                by_region.entry(region).or_default().push(hint.clone());
            }
        }
        let places: Vec<(Place, Vec<Hint>)> = by_region
            .into_iter()
            .map(|(region, hints)| (Place::new(&account, &region), hints))
            .filter(|(place, _)| self.looks_after(place))
            .collect();
        if places.is_empty() {
            let place = event.region().to_owned();
            return self.followed_by_nobody(playbook, event, PassedOver::Elsewhere { place });
        }
        let mut acting = Vec::new();
        let off = self.pass_all(playbook, &places, trigger, installation, &mut run, &mut acting)?;
        if off {
            return self.followed_by_nobody(playbook, event, PassedOver::Off);
        }
        if run.seen == 0 && run.troubles.is_empty() {
            for name in playbook.about().then {
                let Ok(next) = self.playbook(name) else { continue };
                let everything: Vec<_> = places
                    .iter()
                    .map(|(place, _)| (place.clone(), vec![Hint::everywhere().only("")]))
                    .collect();
                self.pass_all(next, &everything, trigger, installation, &mut run, &mut acting)?;
            }
        }
        self.verify(acting, &mut run)?;
        self.ended(run)
    }

    /// Looks after each place; whether the playbook is off in all of them.
    fn pass_all(
        &mut self,
        playbook: &'static dyn Playbook,
        places: &[(Place, Vec<Hint>)],
        trigger: Trigger<'_>,
        installation: Timestamp,
        run: &mut Run,
        acting: &mut Vec<Acting>,
    ) -> Result<bool, EngineError> {
        let mut off = true;
        for (place, hints) in places {
            let now = self.time.now();
            let mode = self.settings.modes.of(playbook.about(), place, installation, now);
            if mode == Mode::Off {
                continue;
            }
            off = false;
            self.pass(playbook, place, hints, mode, trigger, &mut BTreeMap::new(), run, acting)?;
        }
        Ok(off)
    }

    /// Looks at everything, repairs what may be repaired, takes last good states, and asks again for what is open. For
    /// the schedule: every five minutes.
    ///
    /// # Errors
    /// If what is kept cannot be read or written, or AWS does not answer who we are.
    pub fn reconcile(&mut self, scope: &Scope) -> Result<Run, EngineError> {
        let installation = self.begin(self.time.now())?;
        self.regions.clear();
        let mut run = Run::default();
        let mut acting = Vec::new();
        let playbooks = self.chosen(scope)?;
        for place in self.places(scope, &mut run)? {
            let mut answers = BTreeMap::new();
            for playbook in &playbooks {
                if playbook.is_global() && place.region != self.global_region() {
                    continue;
                }
                let now = self.time.now();
                let mode = self.settings.modes.of(playbook.about(), &place, installation, now);
                if mode > Mode::Off {
                    let trigger = Trigger::Schedule;
                    self.pass(*playbook, &place, &[], mode, trigger, &mut answers, &mut run, &mut acting)?;
                }
            }
        }
        self.verify(acting, &mut run)?;
        self.expire_approvals()?;
        run.trial = self.trial_report(installation)?;
        tidy(self.shelf.as_mut(), self.time.now())?;
        self.ended(run)
    }

    /// The playbook of this id or name.
    ///
    /// # Errors
    /// If there is none.
    pub fn playbook(&self, name: &str) -> Result<&'static dyn Playbook, EngineError> {
        let named = |playbook: &&&dyn Playbook| [playbook.about().id, playbook.about().name].contains(&name);
        let found = self.playbooks.iter().find(named).copied();
        found.ok_or_else(|| EngineError::NoPlaybook { name: name.to_owned() })
    }

    fn chosen(&self, scope: &Scope) -> Result<Vec<&'static dyn Playbook>, EngineError> {
        if scope.playbooks.is_empty() {
            return Ok(self.playbooks.clone());
        }
        scope.playbooks.iter().map(|name| self.playbook(name)).collect()
    }

    /// When this installation began: now, if it never ran.
    fn begin(&mut self, now: Timestamp) -> Result<Timestamp, EngineError> {
        self.beside.clear();
        let begun = state::update(self.shelf.as_mut(), state::INSTALLATION, |one: &mut Installation| {
            if one.format <= state::FORMAT {
                one.format = state::FORMAT;
            }
            (one.format, *one.first_run.get_or_insert(now))
        })?;
        match begun {
            (state::FORMAT, first) => Ok(first),
            (format, _) => {
                let why = format!(
                    "what is kept was written by a newer Stockade (in its way {format}; this one knows {})",
                    state::FORMAT
                );
                Err(ShelfError::stays(why).into())
            }
        }
    }

    fn passed(&mut self, why: PassedOver) -> Result<Run, EngineError> {
        self.ended(Run { passed_over: Some(why), ..Run::default() })
    }

    fn ended(&mut self, mut run: Run) -> Result<Run, EngineError> {
        run.head = record::head(self.shelf.as_mut())?;
        Ok(run)
    }

    /// The lines of the record about a repair, oldest first.
    ///
    /// # Errors
    /// If there is none, or the record cannot be read.
    pub fn show(&mut self, id: &str) -> Result<Vec<Entry>, EngineError> {
        let entries = record::of_repair(self.shelf.as_mut(), id)?;
        if entries.is_empty() { Err(EngineError::NoRepair { id: id.to_owned() }) } else { Ok(entries) }
    }

    /// When this installation first ran; `None` if it never did.
    ///
    /// # Errors
    /// If what is kept cannot be read.
    pub fn first_run(&mut self) -> Result<Option<Timestamp>, EngineError> {
        let known: Option<Installation> = state::read(self.shelf.as_mut(), state::INSTALLATION)?;
        Ok(known.and_then(|one| one.first_run))
    }

    /// The lines of the record with numbers above `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn entries_after(&mut self, after: u64, limit: usize) -> Result<Vec<Entry>, EngineError> {
        Ok(record::after(self.shelf.as_mut(), after, limit)?)
    }

    /// The newest lines of the record, oldest first, at most `limit`.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn newest_entries(&mut self, limit: usize) -> Result<Vec<Entry>, EngineError> {
        let last = record::length(self.shelf.as_mut())?;
        self.entries_after(last.saturating_sub(u64::try_from(limit).unwrap_or(u64::MAX)), limit)
    }

    /// A small text that is kept under a name, by whoever runs the engine; empty where there is none.
    ///
    /// # Errors
    /// If what is kept cannot be read.
    pub fn mark(&mut self, name: &str) -> Result<String, EngineError> {
        Ok(state::read(self.shelf.as_mut(), &state::mark(name))?.unwrap_or_default())
    }

    /// Keeps such a text.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn set_mark(&mut self, name: &str, text: &str) -> Result<(), EngineError> {
        let set = |mark: &mut String| text.clone_into(mark);
        Ok(state::update(self.shelf.as_mut(), &state::mark(name), set)?)
    }

    /// Checks the whole record: no line was changed, taken out or put in, and it ends where it ended.
    ///
    /// # Errors
    /// If it cannot be read. A fault in it is the inner error.
    pub fn verify_record(&mut self) -> Result<Result<record::Verified, record::Broken>, EngineError> {
        Ok(record::verify(self.shelf.as_mut())?)
    }

    /// The whole record, line by line, as a file holds it and [`crate::verify_lines`] checks it.
    ///
    /// # Errors
    /// If it cannot be read; what `each` returns.
    pub fn export<E: From<ShelfError>>(&mut self, each: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        record::each_line(self.shelf.as_mut(), each)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("home", &self.home).finish_non_exhaustive()
    }
}
