//! The ledger of functions, with what it costs.

use std::time::Duration;

use stockade_aws::Aws;
use stockade_core::ledger::Ledger;
use stockade_store::MemoryLedger;
use stockade_store::dynamodb::{DynamoLedger, LedgerOptions};

use stockade_config::Program;

use super::announce::{Announcer, OnlySay};
use super::setup::Setup;

/// What a ledger was charged for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Write units.
    pub write: f64,
    /// Read units.
    pub read: f64,
}

/// A ledger that may know what it costs.
pub trait FunctionLedger: Ledger {
    /// What all its calls so far cost; `None` where nothing is charged.
    fn units(&self) -> Option<Units>;
}

impl FunctionLedger for MemoryLedger {
    fn units(&self) -> Option<Units> {
        None
    }
}

impl FunctionLedger for DynamoLedger {
    fn units(&self) -> Option<Units> {
        let spent = self.spent();
        Some(Units { write: spent.write_units, read: spent.read_units })
    }
}

/// How long a function waits for a table that is throttled or gone; then its records are delivered again.
const PATIENCE: Duration = Duration::from_secs(20);
/// Matches are kept at least so long.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// The table that the configuration names.
pub fn dynamo(aws: &Aws, setup: &Setup, keep_bans: Duration) -> DynamoLedger {
    let options = LedgerOptions {
        table: setup.aws.table.clone(),
        keep_matches: setup.longest_findtime().max(KEEP),
        keep_bans,
        patience: PATIENCE,
        ..LedgerOptions::default()
    };
    DynamoLedger::new(aws, options)
}

/// Who tells the world: the responders of the configuration that a function can use; else the topic of `[aws]`.
pub fn announcers(_aws: &Aws, _program: &Program) -> Box<dyn Announcer> {
    Box::new(OnlySay)
}
