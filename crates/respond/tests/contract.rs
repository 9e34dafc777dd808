//! The responders that need no kernel, against the same contract.

mod action_support;

use stockade_core::action::{Family, Verb};
use stockade_respond::{Action, Command, DryRun, Log};
use stockade_testkit::responder::Contract;

#[test]
fn dry_run_keeps_the_contract() {
    Contract::new(|| DryRun::new(|_| ())).run();
}

#[test]
fn log_keeps_the_contract() {
    Contract::new(|| Log::new(std::io::sink())).run();
}

#[test]
fn command_keeps_the_contract() {
    Contract::new(|| Command::new(["true"], Command::DEFAULT_TIMEOUT).unwrap()).run();
}

#[test]
fn action_keeps_the_contract() {
    let plain =
        [(Verb::Start, "true"), (Verb::Ban, "test -n '<ip>'"), (Verb::Unban, "true"), (Verb::Stop, "true")];
    Contract::new(|| Action::new(action_support::spec(&plain))).run();
    Contract::new(|| {
        let mut spec = action_support::spec(&plain);
        (spec.conditional, spec.on_demand) = (true, true);
        spec.commands.insert((Verb::Flush, Some(Family::Inet4)), "true".to_owned());
        Action::new(spec)
    })
    .run();
}
