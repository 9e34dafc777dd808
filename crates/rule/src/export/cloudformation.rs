//! A CloudFormation template.

use std::fmt::Write as _;

use super::reference::{Reference, ReferenceError};
use super::tree::quoted;
use super::{Export, Exported, MAX_TARGETS, listed};

/// A target in the template.
struct Target {
    /// The value of its `Arn`.
    arn: String,
    /// The ARN as it was given, for functions, which need a permission.
    function: bool,
}

/// Largest template that CloudFormation takes without a bucket, in bytes.
const MAX_BODY_BYTES: usize = 51_200;

/// Writes the template, its patterns laid out as widely as the size of a template allows.
pub(super) fn write(export: &Export) -> Result<String, ReferenceError> {
    let mut text = String::new();
    for step in [2, 1, 0] {
        text = write_with(export, step)?;
        if text.len() <= MAX_BODY_BYTES {
            break;
        }
    }
    Ok(text)
}

fn write_with(export: &Export, step: usize) -> Result<String, ReferenceError> {
    let options = &export.options;
    let by_parameter = options.targets.is_empty();
    let targets: Vec<Target> = if by_parameter {
        vec![Target { arn: "!Ref QueueArn".to_owned(), function: false }]
    } else {
        let target = |target: &Reference| {
            let function = target.arn().is_some_and(|arn| arn.service == "lambda");
            Ok(Target { arn: target.cloudformation()?, function })
        };
        options.targets.iter().map(target).collect::<Result<_, _>>()?
    };
    let dead_letter = match &options.dead_letter {
        Some(queue) => Some(format!("{{Arn: {}}}", queue.cloudformation()?)),
        None => by_parameter
            .then(|| "!If [HasDeadLetter, {Arn: !Ref DeadLetterArn}, !Ref AWS::NoValue]".to_owned()),
    };

    let mut out = String::from(HEAD);
    out.push_str(&export.remarks());
    out.push_str(VERSION);
    if by_parameter {
        out.push_str(PARAMETERS);
        if options.dead_letter.is_none() {
            out.push_str(DEAD_LETTER_PARAMETER);
        }
        out.push_str(CONDITIONS);
        if options.dead_letter.is_none() {
            out.push_str(DEAD_LETTER_CONDITION);
        }
    }
    out.push_str("\nResources:\n");
    for rule in &export.rules {
        for (group, targets) in targets.chunks(MAX_TARGETS).enumerate() {
            resource(&mut out, export, (rule, group), targets, dead_letter.as_deref(), step);
        }
    }
    for queue in policies(export, by_parameter)? {
        out.push_str(&queue);
    }
    Ok(out)
}

const HEAD: &str = "\
# Written by `stockade rules export`: the EventBridge rules that feed Stockade, in one region.
";

const VERSION: &str = "\
AWSTemplateFormatVersion: \"2010-09-09\"
Description: The EventBridge rules that feed Stockade.
";

const PARAMETERS: &str = "
Parameters:
  QueueArn:
    Type: String
    AllowedPattern: ^arn:[^:]+:[^:]+:[^:]*:[^:]*:.+$
    Description: The ARN of the SQS queue that Stockade reads.
  WriteQueuePolicy:
    Type: String
    Default: \"no\"
    AllowedValues: [\"no\", \"yes\"]
    Description: Whether to allow EventBridge to send to the queue. It replaces the policy that the queue has.
";

const DEAD_LETTER_PARAMETER: &str = "  \
  DeadLetterArn:
    Type: String
    Default: \"\"
    Description: The ARN of an SQS queue for events that could not be delivered.
";

const CONDITIONS: &str = "
Conditions:
  WritesQueuePolicy: !Equals [!Ref WriteQueuePolicy, \"yes\"]
";

const DEAD_LETTER_CONDITION: &str = "  HasDeadLetter: !Not [!Equals [!Ref DeadLetterArn, \"\"]]\n";

fn resource(
    out: &mut String,
    export: &Export,
    (rule, group): (&Exported, usize),
    targets: &[Target],
    dead_letter: Option<&str>,
    step: usize,
) {
    let name = export.name_of(rule, group);
    let id = logical_id(&name, &export.options.prefix);
    let pattern = rule.tree.laid_out(6, step);
    let mut text = format!("  # Feeds: {}\n", listed(&rule.feeds));
    write!(
        text,
        "  {id}:\n    Type: AWS::Events::Rule\n    Properties:\n      Name: {}\n      Description: {}\n      State: {}\n",
        quoted(&name),
        quoted(&export.description(rule)),
        rule.state()
    )
    .ok();
    if let Some(bus) = &export.options.bus {
        writeln!(text, "      EventBusName: {}", quoted(bus)).ok();
    }
    writeln!(text, "      EventPattern: {}", hanging(&pattern)).ok();
    text.push_str("      Targets:\n");
    for (at, target) in targets.iter().enumerate() {
        writeln!(text, "        - Id: stockade-{}\n          Arn: {}", at + 1, target.arn).ok();
        if let Some(queue) = dead_letter {
            writeln!(text, "          DeadLetterConfig: {queue}").ok();
        }
    }
    for (at, target) in targets.iter().enumerate().filter(|(_, target)| target.function) {
        write!(
            text,
            "  {id}Permission{}:\n    Type: AWS::Lambda::Permission\n    Properties:\n      Action: lambda:InvokeFunction\n      \
             FunctionName: {}\n      Principal: events.amazonaws.com\n      SourceArn: !GetAtt {id}.Arn\n",
            at + 1,
            target.arn
        )
        .ok();
    }
    out.push_str(&text);
}

/// A pattern that is laid out ends one step further in than the key before it: what is less is no part of the value in YAML.
fn hanging(pattern: &str) -> String {
    pattern.replace('\n', "\n  ")
}

/// `stockade-events-1` is `Events1`.
fn logical_id(name: &str, prefix: &str) -> String {
    let own = name.strip_prefix(prefix).unwrap_or(name);
    let words = own.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        })
        .collect()
}

/// The policies that let EventBridge send to the queues.
fn policies(export: &Export, by_parameter: bool) -> Result<Vec<String>, ReferenceError> {
    let options = &export.options;
    let source = format!(
        "!Sub \"arn:${{AWS::Partition}}:events:${{AWS::Region}}:${{AWS::AccountId}}:rule/{}{}*\"",
        options.bus.as_deref().map(|bus| format!("{bus}/")).unwrap_or_default(),
        options.prefix
    );
    let policy = |id: &str, condition: &str, url: &str, arn: &str| {
        format!(
            "  {id}:\n    Type: AWS::SQS::QueuePolicy\n{condition}    Properties:\n      Queues: [{url}]\n      PolicyDocument:\n        \
             Version: \"2012-10-17\"\n        Statement:\n          - Effect: Allow\n            Principal: {{Service: events.amazonaws.com}}\n            \
             Action: sqs:SendMessage\n            Resource: {arn}\n            Condition: {{ArnLike: {{\"aws:SourceArn\": {source}}}}}\n"
        )
    };
    let mut policies = Vec::new();
    if by_parameter {
        let condition = "    Condition: WritesQueuePolicy\n";
        policies.push(policy("QueuePolicy", condition, &queue_url_of("QueueArn"), "!Ref QueueArn"));
    }
    if !options.queue_policy {
        return Ok(policies);
    }
    let queues = options.targets.iter().chain(&options.dead_letter);
    for (at, queue) in queues.enumerate() {
        if let Some(url) = queue.cloudformation_queue_url()? {
            policies.push(policy(&format!("QueuePolicy{}", at + 1), "", &url, &queue.cloudformation()?));
        }
    }
    Ok(policies)
}

/// The URL of the queue whose ARN a parameter holds.
pub(super) fn queue_url_of(parameter: &str) -> String {
    let part = |at: usize| format!("!Select [{at}, !Split [\":\", !Ref {parameter}]]");
    format!(
        "!Join [\"\", [\"https://sqs.\", {}, \".\", !Ref AWS::URLSuffix, \"/\", {}, \"/\", {}]]",
        part(3),
        part(4),
        part(5)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tree::Tree;

    #[test]
    fn names_of_resources_are_letters_and_digits() {
        assert_eq!(logical_id("stockade-events-1", "stockade-"), "Events1");
        assert_eq!(logical_id("prod-reads-12-targets-2", "stockade-"), "ProdReads12Targets2");
    }

    #[test]
    fn what_hangs_is_further_in() {
        let tree = Tree::Array((0..40).map(|n| Tree::Json(n.to_string())).collect());
        assert!(hanging(&tree.laid_out(6, 2)).ends_with("\n        ]"));
    }
}
