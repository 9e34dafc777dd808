//! `stockade rules export`: the EventBridge rules that feed the rules.

use std::io::Write as _;

use serde::Serialize;
use serde_json::Value;
use stockade_rule::export::{Calls as Made, Export, Options, Reference, ReferenceError};

use super::chosen;
use crate::cli::{ExportFormat, Global, RulesExportArgs};
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output;
use crate::output::text::count;

/// What is printed for AWS's API.
#[derive(Serialize)]
struct Calls {
    rules: Vec<Value>,
    /// The arguments of SetQueueAttributes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queues: Vec<Value>,
    /// Where more is asked for than the rules say.
    wider: Vec<String>,
}

/// Most EventBridge rules on a bus, unless AWS raised that.
const MAX_BUS_RULES: usize = 300;

pub(super) fn run(global: &Global, args: &RulesExportArgs) -> Outcome {
    let rules = chosen::rules(global, &args.rules)?;
    if rules.is_empty() {
        return Err(
            Failure::usage("no rule is enabled").hint(Some("name one: `stockade rules list` shows them"))
        );
    }
    let parse = |text: &String| Reference::parse(text).map_err(wrong);
    let options = Options {
        prefix: args.prefix.clone(),
        chars: usize::from(args.pattern_chars),
        bus: args.bus.clone(),
        targets: args.target.iter().map(parse).collect::<Result<_, _>>()?,
        dead_letter: args.dead_letter.as_ref().map(parse).transpose()?,
        queue_policy: args.queue_policy,
    };
    let export = Export::new(rules.iter().map(|rule| &**rule), options);
    match args.format {
        ExportFormat::Cloudformation => text(&export.cloudformation().map_err(wrong)?)?,
        ExportFormat::Terraform => text(&export.terraform().map_err(wrong)?)?,
        ExportFormat::Json => {
            let calls = export.calls().map_err(wrong)?.into_iter().map(Made::into_json).collect();
            let wider = export.wider.iter().map(ToString::to_string).collect();
            output::json::print(&Calls { rules: calls, queues: export.queue_calls(), wider })?;
        }
    }
    remarks(global, args, &export);
    Ok(Exit::Done)
}

fn text(text: &str) -> Result<(), Failure> {
    let mut out = output::raw();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// What whoever uses it should know, on standard error.
fn remarks(global: &Global, args: &RulesExportArgs, export: &Export) {
    if export.rules.len() > MAX_BUS_RULES {
        let rules = count(export.rules.len() as u64, "EventBridge rule");
        exit::note(&format!("{rules}: a bus takes {MAX_BUS_RULES}, unless AWS raised that for you"), None);
    }
    if !export.wider.is_empty() && global.verbose > 0 {
        for wider in &export.wider {
            exit::note(&wider.to_string(), None);
        }
    }
    if !args.queue_policy && !args.target.is_empty() {
        exit::note(
            "nothing arrives unless the targets let EventBridge in",
            Some("a queue's policy is written with `--queue-policy`, in place of the one that it has"),
        );
    }
}

fn wrong(error: ReferenceError) -> Failure {
    Failure::usage(error)
}
