//! Notices to people by SNS: e-mail, SMS, chat, whatever is subscribed to the topic.
//!
//! A topic of its own: that of bans is read by programs. Each message has a subject and the attributes `severity`, `type`
//! (`notice`, `group`, `summary`) and `rule`, by which subscriptions can filter.

use aws_sdk_sns::Client;
use aws_sdk_sns::error::BuildError;
use aws_sdk_sns::types::MessageAttributeValue;
use stockade_aws::{Aws, Fault, FaultKind};
use stockade_core::Timestamp;
use stockade_core::ports::RespondError;

use super::Sns;
use crate::notice::{Fate, Message, Road, Unsent};

/// The road to a topic.
#[derive(Debug)]
pub struct SnsNotice {
    aws: Aws,
    client: Client,
    topic: Sns,
    /// A name, or an ARN.
    name: String,
}

impl SnsNotice {
    /// The name of the responder over it.
    pub const NAME: &'static str = "sns-notice";

    /// To a topic, by its name or its ARN. One in another region is spoken to there. Asks nothing yet.
    pub fn new(aws: &Aws, topic: &str) -> Self {
        let region = topic.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2));
        let there = region.map_or_else(|| aws.clone(), |region| aws.in_region(region));
        Self {
            client: Client::new(there.config()),
            topic: Sns::new(&there, topic),
            aws: there,
            name: topic.to_owned(),
        }
    }

    async fn publish(&mut self, message: &Message) -> Result<(), Fault> {
        let arn = self.topic.topic_arn().await?;
        let tried = format!("publish to the SNS topic `{}`", self.name);
        let wrong = |error: BuildError| Fault::local(FaultKind::Other, format!("cannot {tried}: {error}"));
        let mut call =
            self.client.publish().topic_arn(arn).subject(message.ascii_subject()).message(message.text());
        for (name, value) in message.attributes() {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            call = call.message_attributes(name, value.build().map_err(wrong)?);
        }
        call.send().await.map(drop).map_err(|error| Fault::of(&tried, &error))
    }
}

impl Road for SnsNotice {
    const NAME: &'static str = Self::NAME;

    fn send(&mut self, message: &Message, _now: Timestamp) -> Result<(), Unsent> {
        let aws = self.aws.clone();
        aws.block_on(self.publish(message)).map_err(|fault| {
            let fate = if fault.code == "InvalidParameter" { Fate::Refused } else { Fate::Blocked };
            Unsent { message: fault.message, hint: fault.hint, fate }
        })
    }

    fn check(&mut self) -> Result<(), RespondError> {
        let aws = self.aws.clone();
        aws.block_on(self.topic.topic_arn())?;
        Ok(())
    }
}
