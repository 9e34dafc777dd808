//! What an action's commands have made, as far as it can be known: which families are started, and whether they hold
//! bans.

use stockade_core::action::{ActionSpec, Family, Verb};
use stockade_core::ports::Evidence;
use stockade_core::{Key, Timestamp};

use super::shell::{self, Failure};
use super::template::Template;
use super::values::{Subject, seconds};

/// The action's own family, for commands that are not about one, and for keys that have none.
const EVERY: [Option<Family>; 3] = [None, Some(Family::Inet4), Some(Family::Inet6)];

/// One family's part of the ground.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    started: bool,
    /// Whether somebody may be banned in it.
    held: bool,
}

/// What is started, and what holds bans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ground {
    parts: [Part; 3],
    /// Whose part was made anew since the last [`Ground::take_remade`]: what it held is lost.
    remade: Vec<Option<Family>>,
}

impl Ground {
    fn part(&mut self, family: Option<Family>) -> &mut Part {
        let [none, inet4, inet6] = &mut self.parts;
        match family {
            None => none,
            Some(Family::Inet4) => inet4,
            Some(Family::Inet6) => inet6,
        }
    }

    fn parts(&self) -> impl Iterator<Item = (Option<Family>, Part)> {
        EVERY.into_iter().zip(self.parts)
    }

    fn started(&self) -> Vec<Option<Family>> {
        self.parts().filter(|(_, part)| part.started).map(|(family, _)| family).collect()
    }

    /// Whether somebody may be banned in a family.
    pub(super) fn holds(&self, family: Option<Family>) -> bool {
        self.parts().any(|(other, part)| other == family && part.held)
    }

    /// The families whose part was made anew since the last call.
    pub(super) fn take_remade(&mut self) -> Vec<Option<Family>> {
        std::mem::take(&mut self.remade)
    }
}

/// Runs the commands of one action.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) spec: ActionSpec,
    templates: Vec<(Verb, Option<Family>, Template)>,
}

impl Commands {
    pub(super) fn new(spec: ActionSpec) -> Self {
        let parse = |(&(verb, family), text): (&(Verb, Option<Family>), &String)| {
            (verb, family, Template::parse(text))
        };
        Self { templates: spec.commands.iter().map(parse).collect(), spec }
    }

    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.iter().map(|(.., template)| template)
    }

    pub(super) fn has(&self, verb: Verb, family: Option<Family>) -> bool {
        self.template(verb, family).is_some_and(|template| !template.is_empty())
    }

    /// Starts the action with its jail, unless it is started by the first ban.
    pub(super) fn start_with_jail(&self, ground: &mut Ground, now: Timestamp) -> Result<(), Failure> {
        if self.spec.on_demand {
            return Ok(());
        }
        let families: &[Option<Family>] = match self.spec.conditional {
            false => &[None],
            true if has_ipv6() => &[Some(Family::Inet4), Some(Family::Inet6)],
            true => &[Some(Family::Inet4)],
        };
        let failures = families.iter().filter_map(|family| self.start(ground, *family, now).err());
        failures.last().map_or(Ok(()), Err)
    }

    /// Carries out `actionban` or `actionreban`, on ground that is made ready where that is due.
    pub(super) fn ban(
        &self,
        ground: &mut Ground,
        verb: Verb,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if self.spec.on_demand && !ground.part(subject.family).started {
            self.start(ground, subject.family, now)?;
        }
        self.carry_out(ground, verb, subject, now)?;
        *ground.part(subject.family) = Part { started: true, held: true };
        Ok(())
    }

    /// Runs a command. If it fails, the ground is looked at and mended, and the command run once more.
    pub(super) fn carry_out(
        &self,
        ground: &mut Ground,
        verb: Verb,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let first = match self.run(verb, subject) {
            Ok(()) => return Ok(()),
            // What hangs will hang again.
            Err(failure @ Failure::TimedOut(_)) => return Err(failure),
            Err(failure) => failure,
        };
        tracing::warn!(action = &*self.spec.name, "{}, looking at its ground", first.into_text());
        if self.make_sane(ground, verb, subject.family, now)? { self.run(verb, subject) } else { Ok(()) }
    }

    /// Lifts every ban at once where there is a command for that; returns the families whose bans have to be lifted
    /// one by one.
    pub(super) fn flush(
        &self,
        ground: &mut Ground,
        now: Timestamp,
    ) -> (Vec<Option<Family>>, Result<(), Failure>) {
        let held: Vec<_> = EVERY.into_iter().filter(|family| ground.holds(*family)).collect();
        let (at_once, singly): (Vec<_>, Vec<_>) =
            held.into_iter().partition(|family| self.has(Verb::Flush, *family));
        let outcome = self.run_for_each(Verb::Flush, &at_once, now);
        for family in at_once {
            ground.part(family).held = false;
        }
        (singly, outcome)
    }

    /// Takes down what was started.
    pub(super) fn stop(&self, ground: &mut Ground, now: Timestamp) -> Result<(), Failure> {
        let started = ground.started();
        *ground = Ground::default();
        self.run_for_each(Verb::Stop, &started, now)
    }

    /// Tells what was started that there was a reload.
    pub(super) fn reload(&self, ground: &Ground, now: Timestamp) -> Result<(), Failure> {
        self.run_for_each(Verb::Reload, &ground.started(), now)
    }

    /// Whether two families are started by one command, so that what is done to one ground is done to the other.
    pub(super) fn share_ground(&self, a: Option<Family>, b: Option<Family>) -> bool {
        a == b || self.text(Verb::Start, a) == self.text(Verb::Start, b)
    }

    fn start(&self, ground: &mut Ground, family: Option<Family>, now: Timestamp) -> Result<(), Failure> {
        if !ground.started().into_iter().any(|other| self.share_ground(family, other)) {
            self.run_about_nobody(Verb::Start, family, now)?;
        }
        ground.part(family).started = true;
        Ok(())
    }

    /// Looks whether the ground is as it was left, and makes it so. A ground that cannot be looked at is sane. `false`
    /// if it is broken and was not mended, because something is only to be taken from it.
    fn make_sane(
        &self,
        ground: &mut Ground,
        verb: Verb,
        family: Option<Family>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let look = || self.run_about_nobody(Verb::Check, family, now);
        let Err(found) = look() else { return Ok(true) };
        if verb == Verb::Unban && !self.spec.repair_on_unban {
            tracing::warn!(action = &*self.spec.name, "{}: nothing is left to lift", found.into_text());
            return Ok(false);
        }
        tracing::error!(action = &*self.spec.name, "{}: making its ground anew", found.into_text());
        if self.has(Verb::Repair, family) {
            let repaired = self.run_about_nobody(Verb::Repair, family, now);
            ground.part(family).started = repaired.is_ok();
            repaired?;
        } else {
            if let Err(failure) = self.run_about_nobody(Verb::Stop, family, now) {
                tracing::warn!(action = &*self.spec.name, "{}", failure.into_text());
            }
            let started = self.run_about_nobody(Verb::Start, family, now);
            ground.part(family).started = started.is_ok();
            started?;
        }
        look()?;
        ground.remade.push(family);
        Ok(true)
    }

    /// Runs a command for some families, the same command only once; goes on after a failure, and tells the last.
    fn run_for_each(&self, verb: Verb, families: &[Option<Family>], now: Timestamp) -> Result<(), Failure> {
        let mut seen = Vec::new();
        let mut outcome = Ok(());
        for family in families {
            let text = self.text(verb, *family);
            if seen.contains(&text) {
                continue;
            }
            seen.push(text);
            if let Err(failure) = self.run_about_nobody(verb, *family, now) {
                outcome = Err(failure);
            }
        }
        outcome
    }

    fn run_about_nobody(&self, verb: Verb, family: Option<Family>, now: Timestamp) -> Result<(), Failure> {
        let evidence = Evidence { since: now, ..Evidence::default() };
        let subject = Subject {
            jail: &self.spec.jail,
            key: None,
            family,
            bantime: self.spec.bantime,
            evidence: &evidence,
            restored: false,
            timeout: self.spec.timeout,
        };
        self.run(verb, &subject)
    }

    fn run(&self, verb: Verb, subject: &Subject<'_>) -> Result<(), Failure> {
        match self.template(verb, subject.family) {
            Some(template) if !template.is_empty() => {
                shell::run(&self.spec.name, verb.option(), template.script(subject), self.spec.timeout)
            }
            _ => Ok(()),
        }
    }

    fn template(&self, verb: Verb, family: Option<Family>) -> Option<&Template> {
        let found = self.templates.iter().find(|(v, f, _)| (*v, *f) == (verb, family));
        found.map(|(.., template)| template)
    }

    /// A command with its family, to compare it with those of other families.
    fn text(&self, verb: Verb, family: Option<Family>) -> String {
        self.spec.command(verb, family).replace("<family>", family.map_or("<family>", Family::name))
    }
}

/// Whom a ban is about.
pub(super) fn subject<'s>(
    spec: &ActionSpec,
    jail: &'s str,
    key: &'s Key,
    until: Timestamp,
    evidence: &'s Evidence,
) -> Subject<'s> {
    Subject {
        jail,
        key: Some(key),
        family: Family::of(key),
        bantime: seconds(evidence.since, until),
        evidence,
        restored: false,
        timeout: spec.timeout,
    }
}

fn has_ipv6() -> bool {
    std::path::Path::new("/proc/net/if_inet6").exists()
}
