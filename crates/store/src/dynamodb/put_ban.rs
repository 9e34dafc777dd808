//! Bans: put and announced on conditions, so that of two functions one does.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use stockade_aws::Fault;
use stockade_core::ports::StoreError;
use stockade_core::{BanRecord, Key};

use super::ban_item::{ban_place, end_place, gone, shard, short_reason};
use super::item::{Item, number, number_of, text, text_of};
use super::ledger::DynamoLedger;
use super::match_item::checked_partition;
use super::table::random;

/// What became of a change on a condition.
enum Changed {
    Done,
    /// The condition did not hold; the item as it is, empty if there is none.
    Not(Item),
}

impl DynamoLedger {
    /// Puts a ban in the place of version `seen`.
    pub(super) async fn put(&self, ban: &BanRecord, seen: u64) -> Result<bool, StoreError> {
        let partition = checked_partition(&ban.jail, &ban.key)?;
        let tried = format!("put the ban `{partition}` into the table `{}`", self.table.name);
        // A try whose answer got lost may have worked: then the item is there with our token.
        let token = format!("{:016x}{:016x}", random(), random());
        let mut sets = vec![
            ("version", number(seen.saturating_add(1))),
            ("times", number(ban.times)),
            ("since", number(ban.since.as_millis())),
            ("until", number(ban.until.as_millis())),
            ("live", AttributeValue::Bool(ban.live)),
            ("reason", text(short_reason(&ban.reason))),
            ("token", text(&token)),
            ("bpk", text(shard(&self.region, &partition))),
            ("bsk", text(end_place(ban.until, &partition))),
        ];
        let gone = gone(ban, self.options.keep_bans);
        sets.extend(gone.map(|secs| ("ttl", number(secs))));
        let mut update = self.update(&partition);
        let mut expression = "SET #announced = if_not_exists(#announced, :zero)".to_owned();
        for (name, value) in sets {
            expression.push_str(&format!(", #{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        if gone.is_none() {
            expression.push_str(" REMOVE #ttl");
            update = update.expression_attribute_names("#ttl", "ttl");
        }
        let condition = if seen == 0 {
            "attribute_not_exists(pk)"
        } else {
            update = update.expression_attribute_values(":seen", number(seen));
            "#version = :seen"
        };
        let update = update
            .expression_attribute_names("#announced", "announced")
            .expression_attribute_values(":zero", number(0))
            .update_expression(expression)
            .condition_expression(condition);
        Ok(match self.change(&tried, &update).await? {
            Changed::Done => true,
            Changed::Not(item) => text_of(&item, "token") == Some(&token),
        })
    }

    /// Notes that a version was announced. The end of a ban leaves the index with that.
    ///
    /// `live` says what the ban is thought to be; if it is not, that costs one more try.
    pub(super) async fn announced(
        &self,
        jail: &str,
        key: &Key,
        version: u64,
        live: bool,
    ) -> Result<(), StoreError> {
        /// Each try fails only because the item changed after it was seen.
        const TRIES: u32 = 20;
        let partition = checked_partition(jail, key)?;
        let tried = format!("note in the table `{}` that `{partition}` was announced", self.table.name);
        let mut is = if live { State::Live } else { State::Ended };
        for _ in 0..TRIES {
            let update = self
                .update(&partition)
                .expression_attribute_names("#announced", "announced")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version));
            let newer = "#announced < :version AND #version";
            let update = match is {
                State::Replaced => update
                    .update_expression("SET #announced = :version")
                    .condition_expression(format!("{newer} > :version")),
                State::Live | State::Ended => update
                    .expression_attribute_names("#live", "live")
                    .expression_attribute_values(":live", AttributeValue::Bool(is == State::Live))
                    .update_expression(match is {
                        State::Live => "SET #announced = :version",
                        _ => "SET #announced = :version REMOVE bpk, bsk",
                    })
                    .condition_expression(format!("{newer} = :version AND #live = :live")),
            };
            let Changed::Not(item) = self.change(&tried, &update).await? else { return Ok(()) };
            let last: Option<u64> = number_of(&item, "version");
            let announced: Option<u64> = number_of(&item, "announced");
            is = match last {
                // There is no such ban, or no such version of it.
                None => return Ok(()),
                Some(last) if last < version => return Ok(()),
                _ if announced.is_some_and(|announced| announced >= version) => return Ok(()),
                Some(last) if last > version => State::Replaced,
                Some(_) if item.get("live") == Some(&AttributeValue::Bool(true)) => State::Live,
                Some(_) => State::Ended,
            };
        }
        Err(Fault::local(
            stockade_aws::FaultKind::Conflict,
            format!("cannot {tried}: it changed {TRIES} times meanwhile"),
        )
        .into())
    }

    fn update(&self, partition: &str) -> UpdateItemFluentBuilder {
        let client = &self.table.client;
        client
            .update_item()
            .table_name(&*self.table.name)
            .key("pk", text(partition))
            .key("sk", text(ban_place(&self.region)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    async fn change(&self, tried: &str, update: &UpdateItemFluentBuilder) -> Result<Changed, Fault> {
        let changed = self.table.patiently(|| async {
            match update.clone().send().await {
                Ok(answer) => {
                    self.table.note_written(answer.consumed_capacity());
                    Ok(Changed::Done)
                }
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                        // A write that was refused is paid for like one that was done.
                        self.table.note(|spent| spent.write_units += 1.0);
                        Ok(Changed::Not(failed.item().cloned().unwrap_or_default()))
                    }
                    _ => Err(Fault::of(tried, &error)),
                },
            }
        });
        changed.await
    }
}

/// What the version that was announced is by now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Live,
    Ended,
    /// There is a later one, which is to be announced by itself.
    Replaced,
}
