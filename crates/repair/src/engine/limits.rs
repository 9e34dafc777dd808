//! How many repairs are plausible: counted on the shelf before each repair, so that two functions count together.

use stockade_core::Timestamp;

use super::{Engine, lease, state};
use crate::playbook::Subject;
use crate::run::{Limit, Outcome};
use crate::settings::Limits;
use crate::shelf::ShelfError;
use crate::state::{Attempt, Case, Doing, Open, Recent, Repaired};

/// All classes.
const ALL: &str = "*";

/// A thing that was taken for a repair.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) turn: u64,
    /// What a life before this one did, and did not live to record.
    pub(super) left: Option<Doing>,
}

impl Engine {
    /// Takes the thing for a repair, or says why not. `seen`: what was open when it was looked at.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a repair is counted by; a struct of it would have this one use"
    )]
    pub(super) fn take(
        &mut self,
        playbook: &str,
        subject: &Subject,
        id: &str,
        actor: Option<&str>,
        class_size: usize,
        seen: &Open,
        now: Timestamp,
    ) -> Result<Result<Taken, Outcome>, ShelfError> {
        let limits = self.settings.limits;
        let key = state::case(playbook, subject);
        let claimed = state::update(self.shelf.as_mut(), &key, |case: &mut Case| {
            claim(case, id, actor, &limits, now).map(|turn| Taken { turn, left: case.doing.clone() })
        })?;
        let taken = match claimed {
            Ok(taken) => taken,
            Err(refused) => return Ok(Err(refused)),
        };
        if self.is_old(playbook, subject, seen)? {
            self.release(playbook, subject, id, taken.turn, None)?;
            return Ok(Err(Outcome::Busy));
        }
        let account = state::recent(&subject.place.account);
        let refused = state::update(self.shelf.as_mut(), &account, |recent: &mut Recent| {
            count(recent, subject, class_size, &limits, now).err()
        })?;
        if let Some(refused) = refused {
            // It was not repaired, so it does not count.
            self.release(playbook, subject, id, taken.turn, None)?;
            return Ok(Err(refused));
        }
        Ok(Ok(taken))
    }

    /// Notes what the repair of a thing came to, empty for good; whether the one before came to the same.
    pub(super) fn came_to(
        &mut self,
        playbook: &str,
        subject: &Subject,
        what: &str,
    ) -> Result<bool, ShelfError> {
        let key = state::case(playbook, subject);
        state::update(self.shelf.as_mut(), &key, |case: &mut Case| {
            let same = !what.is_empty() && case.came_to == what;
            what.clone_into(&mut case.came_to);
            same
        })
    }
}

/// Takes the thing, if nobody else works on it and it was not repaired too often.
fn claim(
    case: &mut Case,
    id: &str,
    actor: Option<&str>,
    limits: &Limits,
    now: Timestamp,
) -> Result<u64, Outcome> {
    if case.lease.as_ref().is_some_and(|lease| now < lease.until) {
        return Err(Outcome::Busy);
    }
    // A clock that went back makes the window longer, never shorter.
    case.recent.retain(|attempt| now.since(attempt.at) < limits.window);
    if case.recent.len() >= limits.per_subject {
        let oldest = case.recent.first().map_or(now, |attempt| attempt.at);
        let until = oldest.plus(limits.window);
        // Each was undone by somebody, perhaps so fast that it never showed; otherwise it is the repair that does not
        // work.
        if case.recent.iter().all(|attempt| attempt.done || attempt.actor.is_some()) {
            let mut actors: Vec<String> = case.recent.iter().filter_map(|one| one.actor.clone()).collect();
            actors.extend(actor.map(str::to_owned));
            actors.sort_unstable();
            actors.dedup();
            let repairs = case.recent.iter().map(|attempt| attempt.id.clone()).collect();
            return Err(Outcome::Escalated { actors, repairs, until, contained: Vec::new() });
        }
        let (count, window) = (case.recent.len(), limits.window.as_secs());
        let why = format!("it was tried {count} times within {window} s: the limit of a thing is reached");
        return Err(Outcome::Limited { limit: Limit::Subject, why, until });
    }
    let turn = lease::put(case, id, now);
    let actor = actor.map(str::to_owned);
    case.recent.push(Attempt { at: now, id: id.to_owned(), done: false, actor });
    Ok(turn)
}

/// Counts a repair of the account and the class, if there were not too many. One too many pauses repairs.
fn count(
    recent: &mut Recent,
    subject: &Subject,
    class_size: usize,
    limits: &Limits,
    now: Timestamp,
) -> Result<(), Outcome> {
    let region = &subject.place.region;
    let class = format!("{region}/{}", subject.class);
    recent.paused.retain(|_, until| now < *until);
    for (name, limit) in [(ALL, Limit::Account), (class.as_str(), Limit::Class)] {
        if let Some(until) = recent.paused.get(name) {
            let why = "repairs pause since a limit was reached".to_owned();
            return Err(Outcome::Limited { limit, why, until: *until });
        }
    }
    recent.repairs.retain(|repair| now.since(repair.at) < limits.window);
    let window = limits.window.as_secs();
    let until = now.plus(limits.pause);
    let mut pause = |name: &str, limit, why| {
        recent.paused.insert(name.to_owned(), until);
        Err(Outcome::Limited { limit, why, until })
    };
    if recent.repairs.len() >= limits.per_account {
        let why =
            format!("the limit of {} repairs in an account within {window} s is reached", limits.per_account);
        return pause(ALL, Limit::Account, why);
    }
    let allowed = (class_size.saturating_mul(limits.percent_of_class) / 100).max(limits.least_of_class);
    let mut things: Vec<&str> = recent
        .repairs
        .iter()
        .filter(|repair| repair.class == subject.class && repair.region == *region)
        .map(|repair| repair.subject.as_str())
        .collect();
    things.push(&subject.id);
    things.sort_unstable();
    things.dedup();
    if things.len() > allowed {
        let percent = limits.percent_of_class;
        let why = format!("more than {allowed} ({percent} %) of {class_size} things within {window} s");
        return pause(&class, Limit::Class, why);
    }
    recent.repairs.push(Repaired {
        at: now,
        region: region.clone(),
        class: subject.class.clone(),
        subject: subject.id.clone(),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(10_000 + secs)
    }

    fn subject(nth: usize) -> Subject {
        Subject::new(&Place::new("1", "r"), "group", &format!("sg-{nth}"))
    }

    #[test]
    fn three_repairs_of_a_thing_in_ten_minutes_and_then_no_more() {
        let limits = Limits::default();
        let mut case = Case::default();
        for nth in 0..3 {
            let id = format!("r-{nth}");
            claim(&mut case, &id, Some("mallory"), &limits, at(nth * 60)).unwrap();
            assert_eq!(claim(&mut case, "x", None, &limits, at(nth * 60 + 1)), Err(Outcome::Busy));
            case.lease = None;
            case.recent.last_mut().unwrap().done = true;
        }
        let fourth = claim(&mut case, "r-3", Some("mallory"), &limits, at(180));
        let repairs = vec!["r-0".to_owned(), "r-1".to_owned(), "r-2".to_owned()];
        let until = at(600);
        let (actors, contained) = (vec!["mallory".into()], Vec::new());
        assert_eq!(fourth, Err(Outcome::Escalated { actors, repairs, until, contained }));
        assert_eq!(claim(&mut case, "r-3", None, &limits, at(600)), Ok(4), "the first is out of the window");
    }

    #[test]
    fn repairs_that_do_not_work_are_no_fight() {
        let limits = Limits::default();
        let mut case = Case::default();
        for nth in 0..3 {
            claim(&mut case, "r", None, &limits, at(nth)).unwrap();
            case.lease = None;
        }
        let refused = claim(&mut case, "r", None, &limits, at(3)).unwrap_err();
        assert!(matches!(refused, Outcome::Limited { limit: Limit::Subject, .. }), "{refused:?}");
    }

    #[test]
    fn whoever_undoes_a_repair_before_it_shows_fights_it_all_the_same() {
        let limits = Limits::default();
        let mut case = Case::default();
        for nth in 0..3 {
            claim(&mut case, "r", Some("mallory"), &limits, at(nth)).unwrap();
            case.lease = None;
        }
        let refused = claim(&mut case, "r", Some("mallory"), &limits, at(3)).unwrap_err();
        assert!(matches!(refused, Outcome::Escalated { .. }), "{refused:?}");
    }

    #[test]
    fn whoever_died_with_a_thing_loses_it() {
        let mut case = Case::default();
        claim(&mut case, "dead", None, &Limits::default(), at(0)).unwrap();
        assert_eq!(claim(&mut case, "next", None, &Limits::default(), at(179)), Err(Outcome::Busy));
        assert_eq!(claim(&mut case, "next", None, &Limits::default(), at(180)), Ok(2));
    }

    #[test]
    fn twenty_in_an_account_pause_it_for_an_hour() {
        let limits = Limits { least_of_class: 100, ..Limits::default() };
        let mut recent = Recent::default();
        for nth in 0..20 {
            count(&mut recent, &subject(nth), 1000, &limits, at(0)).unwrap();
        }
        let refused =
            |recent: &mut Recent, secs| count(recent, &subject(0), 1000, &limits, at(secs)).unwrap_err();
        assert!(matches!(refused(&mut recent, 1), Outcome::Limited { limit: Limit::Account, .. }));
        assert!(matches!(refused(&mut recent, 3600), Outcome::Limited { limit: Limit::Account, .. }));
        assert_eq!(count(&mut recent, &subject(0), 1000, &limits, at(3601)), Ok(()));
    }

    #[test]
    fn five_percent_of_a_class_and_five_of_a_small_one() {
        let limits = Limits { per_account: 1000, ..Limits::default() };
        for (size, allowed) in [(2, 5), (100, 5), (119, 5), (200, 10)] {
            let mut recent = Recent::default();
            for nth in 0..allowed {
                count(&mut recent, &subject(nth), size, &limits, at(0)).unwrap();
                // The same thing again is the same thing.
                count(&mut recent, &subject(nth), size, &limits, at(0)).unwrap();
            }
            let refused = count(&mut recent, &subject(allowed), size, &limits, at(1)).unwrap_err();
            assert!(matches!(refused, Outcome::Limited { limit: Limit::Class, .. }), "{size}");
            let other = Subject { class: "trail".into(), ..subject(1) };
            assert_eq!(count(&mut recent, &other, size, &limits, at(1)), Ok(()), "another class goes on");
        }
    }
}
