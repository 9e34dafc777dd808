//! Terraform's resources.

use std::fmt::Write as _;

use super::reference::{Reference, ReferenceError};
use super::tree::quoted;
use super::{Export, MAX_TARGETS, listed};

pub(super) fn write(export: &Export) -> Result<String, ReferenceError> {
    let options = &export.options;
    let by_variable = options.targets.is_empty();
    let targets: Vec<String> = if by_variable {
        vec!["var.queue_arn".to_owned()]
    } else {
        options.targets.iter().map(Reference::terraform).collect::<Result<_, _>>()?
    };
    let dead_letter = options.dead_letter.as_ref().map(Reference::terraform).transpose()?;
    let mut out = String::from(HEAD);
    out.push_str(&export.remarks());
    if by_variable {
        out.push_str(VARIABLES);
        if dead_letter.is_none() {
            out.push_str(DEAD_LETTER_VARIABLE);
        }
    }
    for rule in &export.rules {
        for (group, targets) in targets.chunks(MAX_TARGETS).enumerate() {
            let name = export.name_of(rule, group);
            let id = label(name.strip_prefix(&options.prefix).unwrap_or(&name));
            writeln!(out, "\n# Feeds: {}", listed(&rule.feeds)).ok();
            write!(
                out,
                "resource \"aws_cloudwatch_event_rule\" \"{id}\" {{\n  name        = {}\n  description = {}\n  state       = \"{}\"\n",
                literal(&name),
                literal(&export.description(rule)),
                rule.state()
            )
            .ok();
            if let Some(bus) = &options.bus {
                writeln!(out, "  event_bus_name = {}", literal(bus)).ok();
            }
            writeln!(out, "  event_pattern = jsonencode({})\n}}", escaped(&rule.tree.laid_out(2, 2))).ok();
            for (at, target) in targets.iter().enumerate() {
                let dead_letter = dead_letter.as_deref();
                event_target(&mut out, export, (&id, at + 1), target, dead_letter, by_variable);
            }
        }
    }
    policies(&mut out, export, by_variable)?;
    Ok(out)
}

const HEAD: &str = "\
# Written by `stockade rules export`: the EventBridge rules that feed Stockade, in one region.
";

const VARIABLES: &str = r#"
variable "queue_arn" {
  type        = string
  description = "The ARN of the SQS queue that Stockade reads."
}

variable "write_queue_policy" {
  type        = bool
  default     = false
  description = "Whether to allow EventBridge to send to the queue. It replaces the policy that the queue has."
}
"#;

const DEAD_LETTER_VARIABLE: &str = r#"
variable "dead_letter_arn" {
  type        = string
  default     = null
  description = "The ARN of an SQS queue for events that could not be delivered."
}
"#;

fn event_target(
    out: &mut String,
    export: &Export,
    (id, number): (&str, usize),
    target: &str,
    dead_letter: Option<&str>,
    by_variable: bool,
) {
    write!(
        out,
        "\nresource \"aws_cloudwatch_event_target\" \"{id}_{number}\" {{\n  rule      = aws_cloudwatch_event_rule.{id}.name\n  \
         target_id = \"stockade-{number}\"\n  arn       = {target}\n"
    )
    .ok();
    if let Some(bus) = &export.options.bus {
        writeln!(out, "  event_bus_name = {}", literal(bus)).ok();
    }
    match dead_letter {
        Some(queue) => write!(out, "  dead_letter_config {{\n    arn = {queue}\n  }}\n").ok(),
        None if by_variable => {
            out.push_str(
                "  dynamic \"dead_letter_config\" {\n    for_each = var.dead_letter_arn == null ? [] : [var.dead_letter_arn]\n    \
                 content {\n      arn = dead_letter_config.value\n    }\n  }\n",
            );
            None
        }
        None => None,
    };
    out.push_str("}\n");
    let function = target.starts_with("aws_lambda_function.") || target.contains(":lambda:");
    if function {
        let name = target
            .strip_suffix(".arn")
            .map_or_else(|| target.to_owned(), |own| format!("{own}.function_name"));
        write!(
            out,
            "\nresource \"aws_lambda_permission\" \"{id}_{number}\" {{\n  action        = \"lambda:InvokeFunction\"\n  \
             function_name = {name}\n  principal     = \"events.amazonaws.com\"\n  source_arn    = aws_cloudwatch_event_rule.{id}.arn\n}}\n"
        )
        .ok();
    }
}

/// The policies that let EventBridge send to the queues.
fn policies(out: &mut String, export: &Export, by_variable: bool) -> Result<(), ReferenceError> {
    let options = &export.options;
    let rules: Vec<String> = export
        .rules
        .iter()
        .flat_map(|rule| (0..export.groups()).map(move |group| export.name_of(rule, group)))
        .map(|name| {
            format!(
                "aws_cloudwatch_event_rule.{}.arn",
                label(name.strip_prefix(&options.prefix).unwrap_or(&name))
            )
        })
        .collect();
    let sources = rules.join(", ");
    let policy = |id: &str, count: &str, url: &str, arn: &str| {
        format!(
            "\nresource \"aws_sqs_queue_policy\" \"{id}\" {{\n{count}  queue_url = {url}\n  policy = jsonencode({{\n    Version = \"2012-10-17\"\n    \
             Statement = [{{\n      Effect    = \"Allow\"\n      Principal = {{ Service = \"events.amazonaws.com\" }}\n      \
             Action    = \"sqs:SendMessage\"\n      Resource  = {arn}\n      Condition = {{ ArnEquals = {{ \"aws:SourceArn\" = [{sources}] }} }}\n    }}]\n  }})\n}}\n"
        )
    };
    if by_variable {
        let count = "  count     = var.write_queue_policy ? 1 : 0\n";
        out.push_str(&policy("queue", count, &queue_url_of("var.queue_arn"), "var.queue_arn"));
    }
    if options.queue_policy {
        for (at, queue) in options.targets.iter().chain(&options.dead_letter).enumerate() {
            if let Some(url) = queue.terraform_queue_url()? {
                out.push_str(&policy(&format!("queue_{}", at + 1), "", &url, &queue.terraform()?));
            }
        }
    }
    Ok(())
}

/// The URL of the queue of an ARN that is not known yet.
pub(super) fn queue_url_of(arn: &str) -> String {
    let part = |at: usize| format!("split(\":\", {arn})[{at}]");
    format!("format(\"https://sqs.%s.amazonaws.com/%s/%s\", {}, {}, {})", part(3), part(4), part(5))
}

/// A name as Terraform has them.
fn label(name: &str) -> String {
    let word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if word.starts_with(|c: char| c.is_ascii_alphabetic()) { word } else { format!("rule_{word}") }
}

fn literal(text: &str) -> String {
    escaped(&quoted(text))
}

/// JSON is an expression of Terraform's but for what begins a template in its texts.
fn escaped(json: &str) -> String {
    json.replace("${", "$${").replace("%{", "%%{")
}
