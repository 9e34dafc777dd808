//! `stockade repair` and `stockade iam`: what can be typed.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Subcommand, ValueEnum};
use stockade_repair::CATALOGUE;

const EXAMPLES: &str = "\
Examples:
  stockade repair list                          which repairs there are, and how far each may go here
  stockade repair list trail-stopped            the page of one: what it checks, calls, needs and risks
  stockade repair check                         is everything as it should be? Reads only
  stockade repair event trail-stopped ev.json --dry-run
  stockade repair run --mode act                repair now what may be repaired
  stockade repair show                          what was found and done, and what waits for somebody
  stockade repair undo p01-0f3a9c21b7de         take a repair back";

const LIST_EXAMPLES: &str = "\
Examples:
  stockade repair list
  stockade repair list --region us-east-1 --account 444455556666
  stockade repair list P02 | less
  stockade repair list --json | jq -r '.repairs[] | select(.mode == \"act\").name'";

const CHECK_EXAMPLES: &str = "\
Examples:
  stockade repair check                 where much is good, only what is not; `-v` shows all
  stockade repair check trail-stopped --region eu-central-1 --region us-east-1
  stockade repair check --all --json | jq '.rows[] | select(.verdict.verdict == \"bad\")'
  stockade repair check --account 444455556666 || mail -s 'look at AWS' ops@example.com </dev/null

Exit codes:
  0  all is as it should be
  1  nothing could be looked at
  2  wrong usage, or an error in the configuration
  3  what could be looked at is as it should be; some places could not
  5  something is not as it should be, or an account has no trail at all";

const RUN_EXAMPLES: &str = "\
Examples:
  stockade repair run                           as the daemon does every five minutes, once
  stockade repair run --dry-run                 what it would do; nothing is changed or kept
  stockade repair run trail-stopped --mode act

Exit codes:
  0  all is as it should be, or was repaired and looks so
  1  nothing could be looked at, or no repair worked
  2  wrong usage, or an error in the configuration
  3  some of it failed
  5  something is not as it should be and was not repaired: by its mode, an exemption, a limit;
     or there is no trail at all, and none is known that could come back";

const EVENT_EXAMPLES: &str = "\
Examples:
  stockade repair event trail-stopped examples/cloudtrail-stopped.json --dry-run
  stockade repair event trail-stopped examples/config-cloudtrail-enabled.json --mode act
  stockade repair event trail-stopped 111122223333_CloudTrail_eu-central-1_20261122T1000Z_x.json.gz --nth 3
  aws sqs receive-message --queue-url URL | stockade repair event P02 -

Exit codes:
  0  all is as it should be, or was repaired and looks so; or the event is not followed
  1  nothing could be looked at, or no repair worked
  2  wrong usage, an event that cannot be read, or an error in the configuration
  3  some of it failed
  5  something is not as it should be and was not repaired: by its mode, an exemption, a limit;
     or there is no trail at all, and none is known that could come back";

const DECIDE_EXAMPLES: &str = "\
Examples:
  stockade repair show                          what waits, with the ids
  stockade repair approve p02-0f3a9c21b7de
  stockade repair refuse p02-0f3a9c21b7de --by 'carla, ticket 4711'";

const FOLLOW_EXAMPLES: &str = "\
Examples:
  stockade repair follow 'https://guard.example.com/?answer=v1.approve.p02-0f3a9c21b7de.1795342504.9f86d0…'
  stockade repair follow --look v1.approve.p02-0f3a9c21b7de.1795342504.9f86d0…";

const UNDO_EXAMPLES: &str = "\
Examples:
  stockade repair show                          what was done, with the ids
  stockade repair show p01-0f3a9c21b7de         what undoing it would call
  stockade repair undo p01-0f3a9c21b7de --by 'carla, ticket 4711'

The role of the daemon may not undo: use credentials that may (`stockade iam --undo`).";

const EXPORT_EXAMPLES: &str = "\
Examples:
  stockade repair export > record.jsonl
  stockade repair export | jq -r 'select(.entry.kind == \"repair\")'";

const BASELINE_EXAMPLES: &str = "\
Examples:
  stockade repair baseline list
  stockade repair baseline list --region eu-central-1 --json | jq '.baselines[].baseline'";

const SHOW_EXAMPLES: &str = "\
Examples:
  stockade repair show
  stockade repair show p01-0f3a9c21b7de
  stockade repair show p01-0f3a9c21b7de --json | jq '.entries[-1].body.calls'";

const VERIFY_EXAMPLES: &str = "\
Examples:
  stockade repair verify-record
  stockade repair verify-record --head 9f86d081884c7d65…   it also still holds what a notice told
  stockade repair export > record.jsonl && stockade repair verify-record record.jsonl";

const ACCEPT_EXAMPLES: &str = "\
Examples:
  stockade repair baseline list
  stockade repair baseline accept arn:aws:cloudtrail:eu-central-1:111122223333:trail/main \\
      --reason 'events of S3 are recorded elsewhere now'
  stockade repair baseline accept main --region eu-central-1 --reason 'retired'";

const IAM_EXAMPLES: &str = "\
Examples:
  stockade iam --account 111122223333                       of all repairs, each as far as it goes here
  stockade iam trail-stopped --mode act --account 111122223333
  stockade iam --mode plan > policy.json                    what a first week needs: reading alone
  stockade iam --log-bucket my-trail --log-role arn:aws:iam::111122223333:role/trail-to-logs";

/// See and put back what was tampered with in AWS.
///
/// How far each repair may go stands in `[repair]` of stockade.toml; without it nothing is repaired. Credentials are those
/// of AWS's own programs: environment, profile, or the machine's role.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct RepairArgs {
    #[command(subcommand)]
    pub(crate) command: RepairCommand,
}

/// What to do about repairs.
#[derive(Debug, Subcommand)]
pub(crate) enum RepairCommand {
    /// List the repairs there are, and how far each may go here; or show the page of one
    List(RepairListArgs),
    /// Look whether everything is as it should be, and say what would be done; changes nothing
    Check(RepairCheckArgs),
    /// Look once at everything, as the daemon does, and repair what may be repaired
    Run(RepairRunArgs),
    /// Follow an event by hand, as a rule would make the daemon follow it
    Event(RepairEventArgs),
    /// Carry out a repair that waits for somebody to approve it
    Approve(RepairDecideArgs),
    /// Refuse a repair that waits; the thing is then left alone for a while
    Refuse(RepairDecideArgs),
    /// Do what a signed link in a notice says: approve a repair that waits, or refuse it
    Follow(RepairFollowArgs),
    /// Show what is known of a repair; or which wait, and what was done last
    Show(RepairShowArgs),
    /// Take a repair back; the thing is then left alone for a while
    #[command(after_help = UNDO_EXAMPLES)]
    Undo(RepairDecideArgs),
    /// Check that nothing in the record was changed, taken out or put in
    VerifyRecord(RepairVerifyArgs),
    /// Print the record, a line of JSON for each entry
    #[command(after_help = EXPORT_EXAMPLES)]
    Export,
    /// See and accept the last good states, from which things come back
    Baseline(RepairBaselineArgs),
}

/// Which accounts and regions.
#[derive(Args, Debug)]
pub(crate) struct RepairPlaces {
    /// Only this region; may be given several times [default: all that are looked after]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<String>,
    /// Only this account; may be given several times [default: all that are looked after]
    #[arg(long, value_name = "ID")]
    pub(crate) account: Vec<String>,
}

/// How far a repair may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeWord {
    /// Look and tell
    Notify,
    /// Say what would be called
    Plan,
    /// Ask somebody
    Approve,
    /// Repair
    Act,
}

/// List the repairs there are, and how far each may go here; or show the page of one.
#[derive(Args, Debug)]
#[command(after_help = LIST_EXAMPLES)]
pub(crate) struct RepairListArgs {
    /// Show the page of this one, by its name or number
    #[arg(value_name = "NAME", value_parser = names(), ignore_case = true, hide_possible_values = true)]
    pub(crate) name: Option<String>,
    /// How far in this region
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// How far in this account
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
}

/// Look whether everything is as it should be, and say what would be done; changes nothing.
#[derive(Args, Debug)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct RepairCheckArgs {
    /// Only these, by name or number, also where they are off [default: those that are not off]
    #[arg(value_name = "NAME", conflicts_with = "all", value_parser = names(), ignore_case = true, hide_possible_values = true)]
    pub(crate) names: Vec<String>,
    /// All there are, also those that are off
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) places: RepairPlaces,
}

/// Look once at everything, as the daemon does, and repair what may be repaired.
#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RepairRunArgs {
    /// Only these, by name or number
    #[arg(value_name = "NAME", value_parser = names(), ignore_case = true, hide_possible_values = true)]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) places: RepairPlaces,
    #[command(flatten)]
    pub(crate) how: RepairHow,
}

/// Follow an event by hand, as a rule would make the daemon follow it.
#[derive(Args, Debug)]
#[command(after_help = EVENT_EXAMPLES)]
pub(crate) struct RepairEventArgs {
    /// Which repair, by name or number
    #[arg(value_name = "NAME", value_parser = names(), ignore_case = true, hide_possible_values = true)]
    pub(crate) name: String,
    /// The event, as EventBridge sends it, as it lies in CloudTrail's files, or in the message that brought it: a file, or `-`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Which event of the file, from 1, where it holds several
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) nth: Option<u64>,
    #[command(flatten)]
    pub(crate) how: RepairHow,
}

/// How far it goes this time.
#[derive(Args, Debug)]
pub(crate) struct RepairHow {
    /// How far to go, whatever is configured and from now on
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<ModeWord>,
    /// Only say what would be done; nothing is changed or kept
    #[arg(long, conflicts_with = "mode")]
    pub(crate) dry_run: bool,
}

/// Decide about a repair.
#[derive(Args, Debug)]
#[command(after_help = DECIDE_EXAMPLES)]
pub(crate) struct RepairDecideArgs {
    /// The repair's id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Who decides, for the record [default: who is logged in]
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// Do what a signed link in a notice says.
///
/// The link is all that is needed to know who may: `link_secret` in `[repair]` must be what it was signed with.
#[derive(Args, Debug)]
#[command(after_help = FOLLOW_EXAMPLES)]
pub(crate) struct RepairFollowArgs {
    /// The link, or what follows `answer=` in it
    #[arg(value_name = "LINK")]
    pub(crate) link: String,
    /// Only say what it would do
    #[arg(long, conflicts_with = "by")]
    pub(crate) look: bool,
    /// Who follows it, for the record [default: who is logged in]
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// Show what is known of a repair; or which wait, and what was done last.
#[derive(Args, Debug)]
#[command(after_help = SHOW_EXAMPLES)]
pub(crate) struct RepairShowArgs {
    /// The repair's id
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Without an id: how many of the newest entries
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) newest: usize,
}

/// Check that nothing in the record was changed, taken out or put in.
#[derive(Args, Debug)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct RepairVerifyArgs {
    /// A file that `stockade repair export` or `record` of `[repair]` wrote; `-` [default: the record itself]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A hash that a notice told: the record must hold that entry
    #[arg(long, value_name = "HASH")]
    pub(crate) head: Option<String>,
}

/// See and accept the last good states, from which things come back.
#[derive(Args, Debug)]
#[command(after_help = ACCEPT_EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct RepairBaselineArgs {
    #[command(subcommand)]
    pub(crate) command: RepairBaselineCommand,
}

/// What to do about last good states.
#[derive(Debug, Subcommand)]
pub(crate) enum RepairBaselineCommand {
    /// List the last good states that are known
    #[command(after_help = BASELINE_EXAMPLES)]
    List(RepairPlaces),
    /// Accept things as they are now, weaker or gone: what was weaker is good from then on
    #[command(after_help = ACCEPT_EXAMPLES)]
    Accept(RepairAcceptArgs),
}

/// Accept things as they are now.
#[derive(Args, Debug)]
pub(crate) struct RepairAcceptArgs {
    /// The things, by ARN or name
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    /// Why, for the record
    #[arg(long, value_name = "WHY")]
    pub(crate) reason: String,
    /// Who accepts it, for the record [default: who is logged in]
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
    /// In which region, where the ARN does not say
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// In which account, where the ARN does not say [default: our own]
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
}

/// Print the IAM policy that repairs need: exactly the calls they make, as far as they may go.
///
/// The role that the daemon or the function has needs it, and the role to assume in each other account.
#[derive(Args, Debug)]
#[command(after_help = IAM_EXAMPLES)]
pub(crate) struct IamArgs {
    /// Only for these, by name or number [default: all that are not off]
    #[arg(value_name = "NAME", value_parser = names(), ignore_case = true, hide_possible_values = true)]
    pub(crate) names: Vec<String>,
    /// As if each might go so far [default: as configured, after the trial]
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<ModeWord>,
    /// For resources of this account [default: any]
    #[arg(long, value_name = "ID", default_value = "*")]
    pub(crate) account: String,
    /// `aws`, `aws-cn` or `aws-us-gov`
    #[arg(long, value_name = "PARTITION", default_value = "aws")]
    pub(crate) partition: String,
    /// A bucket that trails write to; may be given several times [default: any]
    #[arg(long, value_name = "BUCKET")]
    pub(crate) log_bucket: Vec<String>,
    /// The ARN of a role by which trails write to CloudWatch Logs; may be given several times [default: any]
    #[arg(long, value_name = "ARN")]
    pub(crate) log_role: Vec<String>,
    /// The DynamoDB table in which last good states and the record are kept, by its name or ARN [default: as configured]
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
    /// Also what taking a repair back needs: for a person, not for the function
    #[arg(long)]
    pub(crate) undo: bool,
}

/// The names of repairs, for the shell to complete; their numbers mean the same.
fn names() -> PossibleValuesParser {
    let names = CATALOGUE.iter().map(|playbook| {
        let about = playbook.about();
        PossibleValue::new(about.name).alias(about.id)
    });
    PossibleValuesParser::from(names)
}
