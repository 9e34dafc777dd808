//! `stockade pattern`.

use clap::{Args, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  stockade pattern test pattern.json event.json
  stockade pattern test '{\"source\": [{\"prefix\": \"aws.\"}]}' events.jsonl";

const TEST_EXAMPLES: &str = "\
Examples:
  stockade pattern test pattern.json event.json
  stockade pattern test '{\"detail\": {\"eventName\": [\"StopLogging\", \"DeleteTrail\"]}}' events.jsonl
  jq -c '.Records[] | {detail: .}' cloudtrail.json | stockade pattern test pattern.json -
  stockade pattern test --aws pattern.json event.json && aws events put-rule --event-pattern file://pattern.json …
  stockade pattern test --sns attributes '{\"price\": [{\"numeric\": [\">=\", 100]}]}' '{\"price\": 120}'

Exit codes:
  0  the pattern matches; of several events, at least one
  1  it does not match
  2  the pattern or the event is not valid, or cannot be read
  3  some of several events are not valid";

/// Try event patterns, as EventBridge and Stockade's rules have them.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct PatternArgs {
    #[command(subcommand)]
    pub(crate) command: PatternCommand,
}

/// What to do with a pattern.
#[derive(Debug, Subcommand)]
pub(crate) enum PatternCommand {
    /// Match a pattern against an event: which field failed, what was wanted, what was found
    Test(PatternTestArgs),
}

/// Match a pattern against an event: which field failed, what was wanted, what was found.
///
/// Of a pattern that is not valid it tells EventBridge's reason and the place. Of the combinations of an `$or` the nearest are
/// shown first. Nothing is changed, nothing is sent to AWS.
#[derive(Args, Debug)]
#[command(after_help = TEST_EXAMPLES)]
pub(crate) struct PatternTestArgs {
    /// The pattern: a file, `-` for standard input, or the JSON text itself
    #[arg(value_name = "PATTERN")]
    pub(crate) pattern: String,
    /// The event: a file, `-`, or JSON text; also JSON Lines, one event a line
    #[arg(value_name = "EVENT")]
    pub(crate) event: String,
    /// As AWS's TestEventPattern does it: EventBridge's language without `compare` and `json`, and an event needs `id`,
    /// `account`, `source`, `time`, `region` and `detail-type`
    #[arg(long, conflicts_with = "sns")]
    pub(crate) aws: bool,
    /// PATTERN is a filter policy of an SNS subscription, EVENT the attributes or the body of a message
    #[arg(long, value_name = "SCOPE")]
    pub(crate) sns: Option<SnsScope>,
}

/// What a filter policy looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SnsScope {
    /// The attributes of a message
    Attributes,
    /// The body of a message
    Body,
}
