//! `stockade pattern test`: whether a pattern matches an event, and why not.

mod asked;
mod attributes;
mod input;
mod invalid;
mod json;
mod lines;

use std::io::Write as _;

use stockade_pattern::Lint;
use stockade_pattern::limits::AWS_PATTERN_CHARS;

use crate::cli::{Global, PatternArgs, PatternCommand, PatternTestArgs};
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output;
use crate::output::explanation;
use crate::output::text::{number, shown};
use asked::Asked;
use input::Events;

pub(crate) fn run(global: &Global, args: &PatternArgs) -> Outcome {
    match &args.command {
        PatternCommand::Test(args) => test(global, args),
    }
}

fn test(global: &Global, args: &PatternTestArgs) -> Outcome {
    if args.pattern == "-" && args.event == "-" {
        return Err(Failure::usage("pattern and event cannot both come from standard input"));
    }
    let text = input::pattern(&args.pattern)?;
    let asked = match Asked::read(&text, args) {
        Ok(asked) => asked,
        Err(error) => {
            let told = invalid::Told::of_pattern(&args.pattern, &text, &error, args);
            return told.tell(global);
        }
    };
    if !global.json {
        asked.lints().iter().for_each(|lint| exit::note(&lint_text(lint), None));
    }
    match input::events(&args.event)? {
        Events::One(event) => one(global, args, &asked, &event),
        Events::Lines(lines) => lines::run(global, &asked, lines),
    }
}

fn one(global: &Global, args: &PatternTestArgs, asked: &Asked, event: &[u8]) -> Outcome {
    let explanation = match asked.explain(event) {
        Ok(explanation) => explanation,
        Err(refusal) => return invalid::Told::of_event(&args.event, event, &refusal).tell(global),
    };
    if global.json {
        output::json::print(&json::One::of(&explanation, asked.lints()))?;
    } else {
        let mut out = output::out();
        explanation::print(&mut out, &explanation, "", global.verbose > 0)?;
        out.flush()?;
        if let Some(hint) = asked.hint(event).filter(|_| !explanation.matched) {
            exit::note(hint.0, Some(hint.1));
        }
    }
    Ok(if explanation.matched { Exit::Done } else { Exit::Failed })
}

/// What is noteworthy about a valid pattern.
pub(crate) fn lint_text(lint: &Lint) -> String {
    match lint {
        Lint::Overridden { path } => {
            format!(
                "`{}` stands twice in the same place of the pattern: only the last one counts",
                shown(path)
            )
        }
        Lint::TooLongForAws { chars } => format!(
            "the pattern has {} characters: EventBridge takes {}, unless AWS raised that for you",
            number(*chars as u64),
            number(AWS_PATTERN_CHARS as u64)
        ),
        Lint::WildcardTooComplexForAws { stars } => {
            format!("a wildcard with {stars} stars: EventBridge is likely to find the rule too complex")
        }
        Lint::NotEventBridge => {
            "the pattern uses `compare` or `json`, which EventBridge does not know".to_owned()
        }
        other => format!("{other:?}"),
    }
}
