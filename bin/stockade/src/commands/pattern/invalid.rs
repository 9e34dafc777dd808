//! What is not valid, with the line and the place.

use serde::Serialize;
use stockade_pattern::{PatternError, PatternErrorKind, Position};

use super::asked::Refusal;
use super::input::is_text;
use crate::cli::{Global, PatternTestArgs, SnsScope};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::excerpt::Excerpt;
use crate::output::{self, excerpt};

/// A pattern or an event that is not valid.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    error: Error,
    #[serde(skip)]
    shown: Option<String>,
    #[serde(skip)]
    hint: Option<String>,
}

#[derive(Debug, Serialize)]
struct Error {
    /// `pattern` or `event`.
    what: &'static str,
    /// `syntax`, `invalid`, `limit` or `extension`; of an event `event`.
    kind: &'static str,
    reason: String,
    line: Option<usize>,
    column: Option<usize>,
    /// What AWS answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_message: Option<String>,
    #[serde(skip)]
    sentence: String,
}

impl Told {
    pub(super) fn of_pattern(
        argument: &str,
        text: &str,
        error: &PatternError,
        args: &PatternTestArgs,
    ) -> Self {
        let reason = error.reason().to_owned();
        let of_aws = !matches!(error.kind(), PatternErrorKind::Extension);
        let (sentence, aws_message) = match args.sns {
            Some(_) => {
                let message = stockade_pattern::sns::subscribe_message(error);
                (format!("InvalidParameter: {message}"), Some(message))
            }
            None if args.aws => (
                format!("InvalidEventPatternException: Event pattern is not valid. Reason: {reason}"),
                Some(error.aws_message(text)),
            ),
            None => {
                (format!("event pattern is not valid: {reason}"), of_aws.then(|| error.aws_message(text)))
            }
        };
        let position = error.position();
        Self {
            shown: Some(shown(argument, text.as_bytes(), position)),
            hint: hint(error, args).map(str::to_owned),
            error: Error {
                what: "pattern",
                kind: match error.kind() {
                    PatternErrorKind::Syntax => "syntax",
                    PatternErrorKind::Limit => "limit",
                    PatternErrorKind::Extension => "extension",
                    _ => "invalid",
                },
                reason,
                line: Some(position.line),
                column: Some(position.column),
                aws_message,
                sentence,
            },
        }
    }

    pub(super) fn of_event(argument: &str, event: &[u8], refusal: &Refusal) -> Self {
        let position = refusal.error().map(|error| error.position(event));
        let sentence = refusal.message();
        let several = event.trim_ascii_start().starts_with(b"[");
        Self {
            shown: position.map(|position| shown(argument, event, position)),
            hint: several.then(|| "one event, or one event a line: jq -c '.[]'".to_owned()),
            error: Error {
                what: "event",
                kind: "event",
                reason: sentence.clone(),
                line: position.map(|position| position.line),
                column: position.map(|position| position.column),
                aws_message: None,
                sentence,
            },
        }
    }

    /// Tells it, to people or programs.
    pub(super) fn tell(&self, global: &Global) -> Outcome {
        if global.json {
            output::json::print(self)?;
            return Ok(Exit::Usage);
        }
        let shown = self.shown.as_deref().map(|shown| format!("\n{shown}")).unwrap_or_default();
        Err(Failure::usage(format_args!("{}{shown}", self.error.sentence)).hint(self.hint.as_deref()))
    }
}

/// The line with a caret under the place.
fn shown(argument: &str, text: &[u8], position: Position) -> String {
    let name = match argument {
        "-" => "standard input",
        text if is_text(text) => "command line",
        file => file,
    };
    Excerpt { name, line: position.line, column: position.column }.draw(&excerpt::line(text, position.line))
}

/// What to write instead, for what people get wrong most often.
fn hint(error: &PatternError, args: &PatternTestArgs) -> Option<&'static str> {
    let reason = error.reason();
    if args.sns == Some(SnsScope::Attributes) && reason.contains("nested filter policy") {
        return Some("`--sns body` for a policy with the scope MessageBody");
    }
    if reason.ends_with("must be an object or an array") {
        return Some("a field's values stand in an array: [\"aws.signin\"]");
    }
    if args.aws && ["compare", "json"].iter().any(|name| reason.ends_with(&format!("match type {name}"))) {
        return Some(
            "only Stockade knows it: leave out `--aws` to try the pattern as Stockade's rules have it",
        );
    }
    None
}
