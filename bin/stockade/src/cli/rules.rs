//! `stockade rules`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  stockade rules list
  stockade rules check ./my-rule.toml
  stockade rules test --events cloudtrail.json.gz
  stockade rules show root-use > /etc/stockade/rule.d/root-use.toml
  stockade rules export --format cloudformation > stockade-rules.yaml";

const CHECK_EXAMPLES: &str = "\
Examples:
  stockade rules check
  stockade rules check ./my-rule.toml conf/rule.d/*.toml
  stockade rules check --json | jq '.problems[]'

Exit codes: 0 right, perhaps with warnings; 2 an error.";

const TEST_EXAMPLES: &str = "\
Examples:
  stockade rules test
  stockade rules test root-use console-login-failures
  stockade rules test ./my-rule.toml
  stockade rules test --events events.jsonl
  stockade rules test root-use --events cloudtrail.json.gz --json

Exit codes: 0 all tests pass; 1 one fails; 2 no such rule, or a rule has an error; 3 some of the events cannot be read.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  stockade rules export --format cloudformation > rules.yaml
  stockade rules export --format cloudformation --target '!GetAtt Queue.Arn' --queue-policy
  stockade rules export --format terraform --target aws_sqs_queue.events.arn --dead-letter aws_sqs_queue.dead.arn
  stockade rules export --format json --target arn:aws:sqs:eu-central-1:111122223333:stockade root-use
  stockade rules export --format json | jq -c '.rules[].PutRule' | while read -r r; do aws events put-rule --cli-input-json \"$r\"; done";

/// Show, check, test and export the rules of events.
///
/// A rule is a file of rule.d: event patterns, the key that they count, and what comes of it. Those that come along are built
/// in; a file of the same name in the configuration directory replaces one.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the rules: severity, target, key, threshold, file
    #[command(
        after_help = "Examples:\n  stockade rules list\n  stockade rules list --json | jq '.rules[] | select(.target == \"ban\")'"
    )]
    List,
    /// Check rules and report all errors at once, with file, line and column
    Check(RulesCheckArgs),
    /// Run the tests that stand in the rules, or show which rules some events fire
    Test(RulesTestArgs),
    /// Print the file of a rule
    #[command(
        after_help = "Examples:\n  stockade rules show root-use\n  stockade rules show root-use > /etc/stockade/rule.d/root-use.toml"
    )]
    Show {
        /// The rule's name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Write the EventBridge rules that feed these rules, for CloudFormation, Terraform or AWS's API
    Export(RulesExportArgs),
}

/// Check rules and report all errors at once, with file, line and column.
///
/// Also warned of: rules without tests, fields that stand twice in a pattern, patterns of which EventBridge can be asked nothing.
#[derive(Args, Debug)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct RulesCheckArgs {
    /// Files of rules [default: those of the configuration]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Run the tests that stand in the rules, or show which rules some events fire.
///
/// Of a test that fails it tells which field was not as the pattern wants it.
#[derive(Args, Debug)]
#[command(after_help = TEST_EXAMPLES)]
pub(crate) struct RulesTestArgs {
    /// Rules by name, or files of rules (`./my-rule.toml`) [default: every enabled one]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Read these events, and show which rule finds what in which: JSON Lines, a CloudTrail file, packed or not, `-`
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
}

/// Write the EventBridge rules that feed these rules, for CloudFormation, Terraform or AWS's API.
///
/// Patterns are merged into as few EventBridge rules as AWS's limits allow. Every event that a rule may match is delivered; what
/// EventBridge cannot say (`compare`, `json`) is left to Stockade, and told in a comment. Without `--target` the ARN of the queue
/// is a parameter of what is written.
#[derive(Args, Debug)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct RulesExportArgs {
    /// What to write
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// Where events go: an ARN, or what the format calls it ('!GetAtt Queue.Arn', aws_sqs_queue.events.arn); may be given several
    /// times
    #[arg(long, value_name = "ARN")]
    pub(crate) target: Vec<String>,
    /// A queue for events that could not be delivered
    #[arg(long, value_name = "ARN")]
    pub(crate) dead_letter: Option<String>,
    /// Also write the policies that let EventBridge send to the queues; they replace those that the queues have
    #[arg(long, requires = "target")]
    pub(crate) queue_policy: bool,
    /// The event bus [default: AWS's default bus]
    #[arg(long, value_name = "NAME", value_parser = bus_name)]
    pub(crate) bus: Option<String>,
    /// What the names of the EventBridge rules begin with
    #[arg(long, value_name = "TEXT", default_value = stockade_rule::export::PREFIX, value_parser = prefix)]
    pub(crate) prefix: String,
    /// Longest pattern, in characters; more than 2048 only where AWS allowed it
    #[arg(long, value_name = "N", default_value_t = 2_048, value_parser = clap::value_parser!(u16).range(256..=4_096))]
    pub(crate) pattern_chars: u16,
    /// Rules by name [default: every enabled one]
    #[arg(value_name = "RULE")]
    pub(crate) rules: Vec<String>,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A CloudFormation template, in YAML
    Cloudformation,
    /// Terraform's resources
    Terraform,
    /// The arguments of AWS's PutRule and PutTargets
    Json,
}

/// Most characters of a prefix: a rule's name has at most 64.
const MAX_PREFIX: usize = 32;

fn prefix(text: &str) -> Result<String, String> {
    let possible = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= MAX_PREFIX;
    named(text, possible).ok_or_else(|| {
        format!("expected at most {MAX_PREFIX} letters, digits, `.`, `-` and `_`, as in `stockade-`")
    })
}

fn bus_name(text: &str) -> Result<String, &'static str> {
    named(text, !text.is_empty() && text.len() <= 256).ok_or("expected the name of an event bus")
}

fn named(text: &str, possible: bool) -> Option<String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/".contains(&byte);
    (possible && text.bytes().all(known)).then(|| text.to_owned())
}
