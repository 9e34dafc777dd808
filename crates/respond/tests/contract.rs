//! The responders that need no kernel, against the same contract.

use stockade_respond::{Command, DryRun};
use stockade_testkit::responder::Contract;

#[test]
fn dry_run_keeps_the_contract() {
    Contract::new(|| DryRun::new(|_| ())).run();
}

#[test]
fn command_keeps_the_contract() {
    Contract::new(|| Command::new(["true"], Command::DEFAULT_TIMEOUT).unwrap()).run();
}
