//! Targets as they are given: an ARN, or what CloudFormation or Terraform calls it.

use super::tree::quoted;

/// What a target or a queue is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(String);

/// A target that cannot be written in a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot write `{reference}` as {format}: expected {expected}")]
pub struct ReferenceError {
    reference: String,
    format: &'static str,
    expected: &'static str,
}

const ARN: &str = "an ARN, `arn:aws:sqs:REGION:ACCOUNT:NAME`";

/// Longest reference, in bytes: an ARN has at most 1,600.
const MAX_BYTES: usize = 1_600;

/// The parts of an ARN.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arn<'a> {
    partition: &'a str,
    pub(super) service: &'a str,
    region: &'a str,
    account: &'a str,
    pub(super) resource: &'a str,
}

impl Reference {
    /// Takes a text as it was typed.
    ///
    /// # Errors
    /// What can be nobody's name.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let text = text.trim();
        let reference = Self(text.to_owned());
        let odd = |c: char| c.is_control() || c == '\\' || c == '#';
        if text.is_empty() || text.len() > MAX_BYTES || text.contains(odd) {
            return Err(reference.error("a target", "an ARN or the name of a resource"));
        }
        if text.starts_with("arn:") && reference.arn().is_none() {
            return Err(reference.error("a target", ARN));
        }
        Ok(reference)
    }

    /// Its parts, if it is an ARN.
    pub(super) fn arn(&self) -> Option<Arn<'_>> {
        let mut parts = self.0.strip_prefix("arn:")?.splitn(5, ':');
        let mut next = || parts.next();
        let arn = Arn {
            partition: next()?,
            service: next()?,
            region: next()?,
            account: next()?,
            resource: next()?,
        };
        (!arn.service.is_empty() && !arn.resource.is_empty()).then_some(arn)
    }

    /// As an argument of the API.
    pub(super) fn api(&self) -> Result<&str, ReferenceError> {
        self.arn().map(|_| self.0.as_str()).ok_or_else(|| self.error("an argument of the API", ARN))
    }

    /// As a value in CloudFormation's YAML.
    pub(super) fn cloudformation(&self) -> Result<String, ReferenceError> {
        if self.arn().is_some() {
            let function = if self.0.contains("${") { "!Sub " } else { "" };
            return Ok(format!("{function}{}", quoted(&self.0)));
        }
        if self.0.strip_prefix('!').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())) {
            return Ok(self.0.clone());
        }
        Err(self.error("CloudFormation", "an ARN, `!GetAtt Queue.Arn` or `!Ref QueueArn`"))
    }

    /// As an expression of Terraform's.
    pub(super) fn terraform(&self) -> Result<String, ReferenceError> {
        if self.arn().is_some() {
            return Ok(quoted(&self.0));
        }
        let names = |c: char| c.is_ascii_alphanumeric() || "_-.[]\"".contains(c);
        if self.0.starts_with(|c: char| c.is_ascii_alphabetic())
            && self.0.contains('.')
            && self.0.chars().all(names)
        {
            return Ok(self.0.clone());
        }
        Err(self.error("Terraform", "an ARN, `aws_sqs_queue.events.arn` or `var.queue_arn`"))
    }

    /// The URL of a queue of this ARN, as a value in CloudFormation's YAML; `None` if it is no queue.
    pub(super) fn cloudformation_queue_url(&self) -> Result<Option<String>, ReferenceError> {
        if let Some(arn) = self.arn() {
            return Ok(arn
                .queue_url()
                .map(|url| format!("{}{}", if url.contains("${") { "!Sub " } else { "" }, quoted(&url))));
        }
        if let Some(resource) =
            self.0.strip_prefix("!GetAtt ").and_then(|name| name.trim().strip_suffix(".Arn"))
        {
            return Ok(Some(format!("!Ref {resource}")));
        }
        if let Some(name) = self.0.strip_prefix("!Ref ") {
            return Ok(Some(super::cloudformation::queue_url_of(name.trim())));
        }
        Err(self.error("a queue whose policy is written", "an ARN, `!GetAtt Queue.Arn` or `!Ref QueueArn`"))
    }

    /// The same as an expression of Terraform's.
    pub(super) fn terraform_queue_url(&self) -> Result<Option<String>, ReferenceError> {
        if let Some(arn) = self.arn() {
            return Ok(arn.queue_url().map(|url| quoted(&url)));
        }
        let expression = self.terraform()?;
        if expression.contains("aws_sqs_queue.")
            && let Some(resource) = expression.strip_suffix(".arn")
        {
            return Ok(Some(format!("{resource}.id")));
        }
        if ["aws_lambda_", "aws_sns_", "aws_kinesis_"].iter().any(|kind| expression.starts_with(kind)) {
            return Ok(None);
        }
        Ok(Some(super::terraform::queue_url_of(&expression)))
    }

    fn error(&self, format: &'static str, expected: &'static str) -> ReferenceError {
        ReferenceError { reference: self.0.clone(), format, expected }
    }
}

impl Arn<'_> {
    /// The ARNs of the rules of a bus beside it whose names begin so.
    pub(super) fn rules(&self, bus: Option<&str>, prefix: &str) -> String {
        let Self { partition, region, account, .. } = self;
        let bus = bus.map(|bus| format!("{bus}/")).unwrap_or_default();
        format!("arn:{partition}:events:{region}:{account}:rule/{bus}{prefix}*")
    }

    /// The URL of a queue; `None` if it is none.
    pub(super) fn queue_url(&self) -> Option<String> {
        let suffix = if self.partition == "aws-cn" { ".cn" } else { "" };
        let Self { region, account, resource, .. } = self;
        (self.service == "sqs")
            .then(|| format!("https://sqs.{region}.amazonaws.com{suffix}/{account}/{resource}"))
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_takes_its_own() {
        let of = |text: &str| Reference::parse(text).unwrap();
        let arn = of("arn:aws:sqs:eu-central-1:111122223333:events");
        assert_eq!(arn.api().unwrap(), "arn:aws:sqs:eu-central-1:111122223333:events");
        assert_eq!(arn.cloudformation().unwrap(), arn.terraform().unwrap());
        assert_eq!(
            arn.arn().unwrap().queue_url().unwrap(),
            "https://sqs.eu-central-1.amazonaws.com/111122223333/events"
        );
        assert_eq!(
            of("arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:events").cloudformation().unwrap(),
            "!Sub \"arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:events\""
        );
        let attribute = of("!GetAtt Queue.Arn");
        assert_eq!(attribute.cloudformation().unwrap(), "!GetAtt Queue.Arn");
        assert_eq!(attribute.cloudformation_queue_url().unwrap().unwrap(), "!Ref Queue");
        assert!(attribute.terraform().is_err() && attribute.api().is_err());
        let resource = of("aws_sqs_queue.events.arn");
        assert_eq!(resource.terraform_queue_url().unwrap().unwrap(), "aws_sqs_queue.events.id");
        assert_eq!(of("aws_lambda_function.events.arn").terraform_queue_url().unwrap(), None);
        assert!(resource.cloudformation().is_err());
        for wrong in ["", "arn:aws:sqs", "a\nb", "x # y"] {
            assert!(Reference::parse(wrong).is_err(), "{wrong}");
        }
    }
}
