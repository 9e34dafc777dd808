//! The engine of an installation.

use stockade_config::Program;
use stockade_repair::{Api, Engine, ScratchShelf, Settings, Shelf, Waking};

use super::error::RepairError;
use super::links::links;
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
    /// What is kept alone, which is made where there is none, and what signs links: to tell of it.
    Record,
    /// Everything, and what signs links: to follow one.
    Answer,
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
    open_with(program, need, None)
}

/// Who speaks to AWS.
#[cfg(feature = "aws")]
pub(crate) type Account = stockade_aws::Aws;
/// Nobody does.
#[cfg(not(feature = "aws"))]
pub(crate) type Account = std::convert::Infallible;

/// The same where AWS is known already: a program inside a runtime cannot find it by itself.
pub(crate) fn open_with(program: &Program, need: Need, aws: Option<&Account>) -> Result<Opened, RepairError> {
    let (shelf, unknown) = shelf::open(program, need, aws)?;
    let shelf =
        if need == Need::Rehearse { Box::new(ScratchShelf::over(shelf)) as Box<dyn Shelf> } else { shelf };
    let kept = matches!(need, Need::Kept | Need::Record);
    let (api, region) = if kept { (nowhere(), String::new()) } else { api(program, aws)? };
    let settings = settings(program, need, aws)?;
    let engine = Engine::new(api, shelf, Box::new(Waking(SystemClock)), &region, settings);
    Ok(Opened { engine, unknown, region })
}

fn settings(program: &Program, need: Need, aws: Option<&Account>) -> Result<Settings, RepairError> {
    let settings = program.repair.settings();
    // Nobody else needs the key, which may be far away.
    let found = match need {
        Need::Record | Need::Answer => links(program, aws),
        _ => return Ok(settings),
    };
    match (found, need) {
        (Ok(Some((key, link_url))), _) => Ok(Settings { link_key: Some(key), link_url, ..settings }),
        (Ok(None), Need::Answer) => Err(RepairError::NoLinks),
        (Ok(None), _) => Ok(settings),
        (Err(error), Need::Answer) => Err(error),
        // Better a notice without links than none.
        (Err(error), _) => {
            tracing::error!(%error, hint = error.hint(), "repairs: notices hold no links");
            Ok(settings)
        }
    }
}

fn nowhere() -> Box<dyn Api + Send> {
    Box::new(Nowhere)
}

#[cfg(feature = "aws")]
fn api(program: &Program, known: Option<&Account>) -> Result<(Box<dyn Api + Send>, String), RepairError> {
    use stockade_repair::{AwsApi, Member};

    let aws = aws(program, known)?;
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
pub(super) fn aws(program: &Program, known: Option<&Account>) -> Result<Account, RepairError> {
    if let Some(known) = known {
        return Ok(known.clone());
    }
    let said = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
    let access =
        stockade_aws::Access { region: said(&program.aws.region), endpoint: said(&program.aws.endpoint) };
    Ok(stockade_aws::Aws::new(&access)?)
}

#[cfg(not(feature = "aws"))]
fn api(_program: &Program, _known: Option<&Account>) -> Result<(Box<dyn Api + Send>, String), RepairError> {
    Err(RepairError::NoAws)
}
