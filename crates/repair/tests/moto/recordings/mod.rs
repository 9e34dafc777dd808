//! Recordings of CloudTrail, from the record through the rules to the plan, in an account where what they tell is true.

mod book;
mod cases;
mod disguise;
mod shared;
mod teardown;

use stockade_repair::{Mode, ModeRule, Modes, Outcome, Run, Settings};

use crate::world::World;

/// Everything stays a plan.
pub(super) fn plan_only() -> Modes {
    let rule = ModeRule { playbook: None, account: None, region: None, mode: Mode::Plan };
    Modes { trial: std::time::Duration::ZERO, rules: vec![rule], ..Modes::default() }
}

/// What a run would do: each plan's operations, with playbook and name.
pub(super) fn planned(run: &Run) -> Vec<(String, String, Vec<String>)> {
    let planned = run.items.iter().filter(|item| item.outcome == Outcome::Planned);
    planned
        .map(|item| {
            let plan = item.plan.as_ref().unwrap();
            let calls = plan.changes.iter().map(|change| change.operation.clone()).collect();
            (item.playbook.clone(), item.name.clone(), calls)
        })
        .collect()
}

/// What nobody exempted, as `playbook name`.
pub(super) fn names(run: &Run, of: impl Fn(&Outcome) -> bool) -> Vec<String> {
    let chosen = run.items.iter().filter(|item| of(&item.outcome));
    let mut names: Vec<String> = chosen.map(|item| format!("{} {}", item.playbook, item.name)).collect();
    names.sort();
    names
}

/// A world that only plans.
pub(super) fn planning(change: impl FnOnce(&mut Settings)) -> Option<World> {
    let mut world = World::new()?;
    world.reset(|settings| {
        settings.modes = plan_only();
        change(settings);
    });
    Some(world)
}

/// Nothing was changed, by whatever engine.
pub(super) fn assert_read_only(world: &mut World) {
    let writes: Vec<String> = world.writes().iter().map(|heard| heard.call.name()).collect();
    assert!(writes.is_empty(), "{writes:?}");
}
