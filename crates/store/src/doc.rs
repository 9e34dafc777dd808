//! Values of the core as documents, read back exactly: a name that looks like an address stays a name.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stockade_core::ports::{Batch, Order, Retention, Settlement, WindowRecord};
use stockade_core::{
    BanRecord, Decision, Key, Match, MatchId, Outcome, Position, Reason, Timestamp, Verdict,
};

use crate::codec::{key_from, key_text};

/// A key with a mark before names.
#[derive(Clone, Debug)]
pub(crate) struct Marked(pub(crate) Key);

impl Serialize for Marked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&key_text(&self.0))
    }
}

impl<'de> Deserialize<'de> for Marked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        key_from(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A change of a store.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ChangeDoc {
    Commit(BatchDoc),
    Settle(Vec<SettlementDoc>),
    Purge { matches: Timestamp, decisions: Timestamp, bans: Timestamp, max_matches: u64 },
}

/// A change as it is done.
#[derive(Debug)]
pub(crate) enum Change {
    Commit(Batch),
    Settle(Vec<Settlement>),
    Purge(Retention),
}

impl From<ChangeDoc> for Change {
    fn from(doc: ChangeDoc) -> Self {
        match doc {
            ChangeDoc::Commit(batch) => Self::Commit(batch.into()),
            ChangeDoc::Settle(settled) => Self::Settle(settled.into_iter().map(Into::into).collect()),
            ChangeDoc::Purge { matches, decisions, bans, max_matches } => Self::Purge(Retention {
                matches_before: matches,
                decisions_before: decisions,
                bans_before: bans,
                max_matches,
            }),
        }
    }
}

impl From<&Retention> for ChangeDoc {
    fn from(keep: &Retention) -> Self {
        Self::Purge {
            matches: keep.matches_before,
            decisions: keep.decisions_before,
            bans: keep.bans_before,
            max_matches: keep.max_matches,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BatchDoc {
    matches: Vec<MatchDoc>,
    windows: Vec<WindowDoc>,
    bans: Vec<BanDoc>,
    orders: Vec<OrderDoc>,
    positions: Vec<Position>,
}

impl From<&Batch> for BatchDoc {
    fn from(batch: &Batch) -> Self {
        Self {
            matches: batch.matches.iter().map(Into::into).collect(),
            windows: batch.windows.iter().map(Into::into).collect(),
            bans: batch.bans.iter().map(Into::into).collect(),
            orders: batch.orders.iter().map(Into::into).collect(),
            positions: batch.positions.clone(),
        }
    }
}

impl From<BatchDoc> for Batch {
    fn from(doc: BatchDoc) -> Self {
        Self {
            matches: doc.matches.into_iter().map(Into::into).collect(),
            windows: doc.windows.into_iter().map(Into::into).collect(),
            bans: doc.bans.into_iter().map(Into::into).collect(),
            orders: doc.orders.into_iter().map(Into::into).collect(),
            positions: doc.positions,
            // What other hosts saw comes to a store that is shared; this one is not.
            ..Self::default()
        }
    }
}

/// Makes a document of a struct of the core, field by field, and the way back.
macro_rules! doc {
    ($doc:ident of $core:ident { $($field:ident: $type:ty),* $(,)? }) => {
        #[derive(Debug, Serialize, Deserialize)]
        pub(crate) struct $doc {
            key: Marked,
            $($field: $type,)*
        }

        impl From<&$core> for $doc {
            fn from(value: &$core) -> Self {
                Self { key: Marked(value.key.clone()), $($field: value.$field.clone(),)* }
            }
        }

        impl From<$doc> for $core {
            fn from(doc: $doc) -> Self {
                Self { key: doc.key.0, $($field: doc.$field,)* }
            }
        }
    };
}

doc!(MatchDoc of Match {
    id: MatchId, jail: Arc<str>, time: Timestamp, count: u32, user: Option<Box<str>>, stream: Arc<str>, line: Box<str>,
});
doc!(WindowDoc of WindowRecord { jail: Arc<str>, times: Vec<Timestamp> });
doc!(BanDoc of BanRecord {
    jail: Arc<str>, times: u32, since: Timestamp, until: Timestamp, live: bool, reason: Reason,
});
doc!(DecisionDoc of Decision { jail: Arc<str>, verdict: Verdict, at: Timestamp, reason: Reason, nth: u32 });

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OrderDoc {
    decision: DecisionDoc,
    responders: Vec<Arc<str>>,
    refused: Option<String>,
}

impl From<&Order> for OrderDoc {
    fn from(order: &Order) -> Self {
        Self {
            decision: (&order.decision).into(),
            responders: order.responders.clone(),
            refused: order.refused.clone(),
        }
    }
}

impl From<OrderDoc> for Order {
    fn from(doc: OrderDoc) -> Self {
        Self { decision: doc.decision.into(), responders: doc.responders, refused: doc.refused }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SettlementDoc {
    id: i64,
    outcome: Outcome,
    retry_at: Timestamp,
}

impl From<&Settlement> for SettlementDoc {
    fn from(settled: &Settlement) -> Self {
        Self { id: settled.id, outcome: settled.outcome.clone(), retry_at: settled.retry_at }
    }
}

impl From<SettlementDoc> for Settlement {
    fn from(doc: SettlementDoc) -> Self {
        Self { id: doc.id, outcome: doc.outcome, retry_at: doc.retry_at }
    }
}
