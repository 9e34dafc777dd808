//! The engine of an installation.

use stockade_config::Program;
use stockade_repair::{Api, Engine, ScratchShelf, Settings, Shelf, Waking};

use super::error::RepairError;
use super::nowhere::Nowhere;
use super::shelf;
use crate::daemon::SystemClock;

/// What is to be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// AWS, and a shelf that is made where there is none.
    All,
    /// AWS alone: where nothing is kept yet, nothing is known, and nothing is kept.
    Look,
    /// What is kept alone: AWS is not asked.
    Kept,
    /// AWS and what is kept, and nothing is changed there: a rehearsal.
    Rehearse,
}

/// An engine that is ready.
#[derive(Debug)]
pub struct Opened {
    /// The engine.
    pub engine: Engine,
    /// Whether nothing is kept yet ([`Need::Look`]): no last good states are known.
    pub unknown: bool,
    /// The region of our credentials; empty where AWS is not asked.
    pub region: String,
}

/// Opens the engine of an installation: its shelf, its way to AWS, the settings of `[repair]`.
///
/// # Errors
/// If AWS cannot be spoken to, or what is kept cannot be opened.
pub fn open(program: &Program, need: Need) -> Result<Opened, RepairError> {
    let (shelf, unknown) = shelf::open(program, need)?;
    let shelf =
        if need == Need::Rehearse { Box::new(ScratchShelf::over(shelf)) as Box<dyn Shelf> } else { shelf };
    let (api, region) = if need == Need::Kept { (nowhere(), String::new()) } else { api(program)? };
    let engine = Engine::new(api, shelf, Box::new(Waking(SystemClock)), &region, settings(program)?);
    Ok(Opened { engine, unknown, region })
}

fn settings(program: &Program) -> Result<Settings, RepairError> {
    Ok(program.repair.settings())
}

fn nowhere() -> Box<dyn Api + Send> {
    Box::new(Nowhere)
}

#[cfg(feature = "aws")]
fn api(program: &Program) -> Result<(Box<dyn Api + Send>, String), RepairError> {
    use stockade_repair::{AwsApi, Member};

    let aws = aws(program)?;
    let members = program.repair.accounts.iter().map(|one| Member {
        account: one.account.clone(),
        role: one.role.clone(),
        external_id: one.external_id.clone(),
    });
    let region = aws.region().to_owned();
    Ok((Box::new(AwsApi::new(aws, members.collect())), region))
}

/// AWS as `[aws]` says.
#[cfg(feature = "aws")]
pub(super) fn aws(program: &Program) -> Result<stockade_aws::Aws, RepairError> {
    let said = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
    let access =
        stockade_aws::Access { region: said(&program.aws.region), endpoint: said(&program.aws.endpoint) };
    Ok(stockade_aws::Aws::new(&access)?)
}

#[cfg(not(feature = "aws"))]
fn api(_program: &Program) -> Result<(Box<dyn Api + Send>, String), RepairError> {
    Err(RepairError::NoAws)
}
