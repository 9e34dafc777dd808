//! Lists of bans, from the index that holds those that are live or yet to be announced.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt as _, TryStreamExt as _};
use stockade_core::ledger::LedgerBan;
use stockade_core::ports::StoreError;

use super::INDEX;
use super::ban_item::{ban_from, shards};
use super::item::{Item, text, unreadable};
use super::ledger::DynamoLedger;
use super::table::AT_ONCE;

/// Which bans of the index are wanted.
#[derive(Debug)]
pub(super) struct Listing {
    /// Whether the end lies before or after a place.
    pub(super) end: Option<(bool, String)>,
    pub(super) wanted: Wanted,
}

#[derive(Debug)]
pub(super) enum Wanted {
    Live,
    Unannounced,
}

impl DynamoLedger {
    /// Bans of the index that end within bounds and pass a filter, the earliest end first within each partition, at
    /// most `limit` of each.
    pub(super) async fn listed(&self, listing: &Listing, limit: usize) -> Result<Vec<LedgerBan>, StoreError> {
        let shards: Vec<String> = shards(&self.region).collect();
        let lists = futures_util::stream::iter(shards)
            .map(|shard| async move {
                let mut bans = Vec::new();
                let mut from = None;
                while bans.len() < limit {
                    let (page, next) = self.listed_page(listing, &shard, from).await?;
                    bans.extend(page);
                    from = next;
                    if from.is_none() {
                        break;
                    }
                }
                Ok::<_, StoreError>(bans)
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        let mut bans: Vec<LedgerBan> = lists.into_iter().flatten().collect();
        bans.sort_by_key(|ban| ban.record.until);
        bans.truncate(limit);
        Ok(bans)
    }

    pub(super) async fn listed_page(
        &self,
        listing: &Listing,
        shard: &str,
        from: Option<Item>,
    ) -> Result<(Vec<LedgerBan>, Option<Item>), StoreError> {
        let tried = format!("list bans of the table `{}`", self.table.name);
        let mut query = self.table.client.query().index_name(INDEX);
        query = query.expression_attribute_values(":shard", text(shard));
        let condition = match &listing.end {
            None => "bpk = :shard",
            Some((before, bound)) => {
                query = query.expression_attribute_values(":end", text(bound));
                if *before { "bpk = :shard AND bsk < :end" } else { "bpk = :shard AND bsk > :end" }
            }
        };
        query = query.key_condition_expression(condition);
        query = match listing.wanted {
            Wanted::Live => query
                .filter_expression("#live = :true")
                .expression_attribute_names("#live", "live")
                .expression_attribute_values(":true", AttributeValue::Bool(true)),
            Wanted::Unannounced => query
                .filter_expression("#announced < #version")
                .expression_attribute_names("#announced", "announced")
                .expression_attribute_names("#version", "version"),
        };
        // An index has no reads that must be the latest.
        let (items, next) = self.table.page(&tried, &query, false, from).await?;
        let bans = items.iter().map(|item| ban_from(item).ok_or_else(|| unreadable("ban", item)));
        Ok((bans.collect::<Result<_, _>>()?, next))
    }
}
