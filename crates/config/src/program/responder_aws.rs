//! `kind = "sns"` and `kind = "lambda"`: responders that tell AWS.

use toml::de::DeTable;

use super::aws::{is_endpoint, is_region, is_topic};
use super::document::Entry;
use super::responders::One;
use super::value::{Kind, Parsed};
use super::{AwsPlace, ResponderKind};

/// A topic that must be named.
pub(super) const TOPIC_NAME: Kind =
    Kind::Text { expected: "the name of an SNS topic or its ARN", fits: is_topic };
const TOPIC: Kind =
    Kind::Text { expected: "the name of an SNS topic or its ARN, or nothing", fits: is_topic_or_nothing };
const FUNCTION: Kind = Kind::Text {
    expected: "the name of a Lambda function or its ARN, such as `ALC_Denier` or `ALC_Denier:live`",
    fits: is_function,
};
const REGION: Kind = Kind::Text { expected: "a region such as `eu-central-1`, or nothing", fits: is_region };
const ENDPOINT: Kind =
    Kind::Text { expected: "an address such as `http://127.0.0.1:4566`, or nothing", fits: is_endpoint };

/// The longest ARN of a function, in bytes.
const MAX_FUNCTION_BYTES: usize = 170;

impl One<'_, '_> {
    pub(super) fn sns(&mut self, table: &DeTable<'_>) -> Option<ResponderKind> {
        let topic = self.optional(table, "topic", TOPIC);
        let place = self.aws_place(table);
        Some(ResponderKind::Sns { topic: topic?, place: place? })
    }

    pub(super) fn lambda(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<ResponderKind> {
        let function = self.needed_text(table, header, "function", FUNCTION);
        let unban = self.flag(table, "unban", false);
        let place = self.aws_place(table);
        Some(ResponderKind::Lambda { function: function?, unban: unban?, place: place? })
    }

    pub(super) fn aws_place(&mut self, table: &DeTable<'_>) -> Option<AwsPlace> {
        let region = self.optional(table, "region", REGION);
        let endpoint = self.optional(table, "endpoint", ENDPOINT);
        Some(AwsPlace { region: region?, endpoint: endpoint? })
    }

    /// A text that need not be there; `None` if it is wrong.
    fn optional(&mut self, table: &DeTable<'_>, name: &str, kind: Kind) -> Option<String> {
        match self.value(table, name, kind) {
            Some(Parsed::Text(text)) => Some(text),
            None if !table.contains_key(name) => Some(String::new()),
            _ => None,
        }
    }
}

/// What the settings of such a responder are.
pub(super) fn rows(kind: &ResponderKind, row: &mut dyn FnMut(&str, String)) {
    let place = match kind {
        ResponderKind::Sns { topic, place } => {
            row("kind", text("sns"));
            row("topic", text(topic));
            place
        }
        ResponderKind::Lambda { function, unban, place } => {
            row("kind", text("lambda"));
            row("function", text(function));
            row("unban", unban.to_string());
            place
        }
        _ => return,
    };
    row("region", text(&place.region));
    row("endpoint", text(&place.endpoint));
}

fn text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn is_topic_or_nothing(text: &str) -> bool {
    text.is_empty() || is_topic(text)
}

/// The name of a function or its ARN, with a version or alias if wanted.
fn is_function(text: &str) -> bool {
    let name = match text.strip_prefix("arn:") {
        Some(rest) => {
            let parts: Vec<&str> = rest.splitn(6, ':').collect();
            match parts.as_slice() {
                [_, "lambda", _, _, "function", name] => *name,
                _ => return false,
            }
        }
        None => text,
    };
    let (name, version) = name.split_once(':').unwrap_or((name, "$LATEST"));
    let word = |word: &str, more: char| {
        !word.is_empty()
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || c == more)
    };
    text.len() <= MAX_FUNCTION_BYTES && word(name, '-') && word(version, '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_as_lambda_names_them() {
        for name in [
            "ALC_Denier",
            "ALC_Denier:live",
            "ALC_Denier:$LATEST",
            "arn:aws:lambda:eu-central-1:111122223333:function:ALC_Denier",
            "arn:aws-cn:lambda:cn-north-1:111122223333:function:ALC_Denier:7",
        ] {
            assert!(is_function(name), "{name}");
        }
        for name in ["", ":live", "a b", "a/b", "ALC:", "arn:aws:sns:x:y:F2B", "a:b:c", &"x".repeat(171)] {
            assert!(!is_function(name), "{name}");
        }
    }
}
