//! The ledger of functions in DynamoDB.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt as _, TryStreamExt as _};
use stockade_aws::Aws;
use stockade_core::ledger::{Answer, Ledger, LedgerBan, Question, Unwritten};
use stockade_core::ports::StoreError;
use stockade_core::{BanRecord, Key, Match, MatchId, Timestamp};

use super::ban_item::{after_end, ban_from, ban_place, shards};
use super::batch::Write;
use super::item::{text, unreadable};
use super::listing::{Listing, Wanted};
use super::match_item::{checked_partition, match_item, past_from};
use super::table::{AT_ONCE, Spent, Table};
use super::text::{MATCH, partition, time_text};
use super::{DEFAULT_PATIENCE, DEFAULT_TABLE, KEYS};

/// How many partitions are remembered as contested or by their bans; of more, an answer may be old once more, or a note
/// cost a write unit more.
const MAX_REMEMBERED: usize = 10_000;

/// How a ledger is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerOptions {
    /// The table's name.
    pub table: String,
    /// Whose bans these are: each region of a global table keeps and announces its own. `None`: the region of `Aws`.
    pub region: Option<String>,
    /// How long matches stay after they happened; at least the longest `findtime`.
    pub keep_matches: Duration,
    /// How long bans stay after their end, and with them the count that makes the next one longer.
    pub keep_bans: Duration,
    /// How long what passes by itself (throttling, no answer) is tried again.
    pub patience: Duration,
    /// How new the answers are.
    pub reads: Reads,
}

/// How new the answers of a ledger are, which is what their price depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// All that was written before is seen: a read unit for each question. Of two functions that remember and then
    /// recall at the same time, at least one sees the matches of both.
    Latest,
    /// What was written in the last moment, usually much less than a second, may not be seen yet: half a read unit.
    /// Where it matters the latest is asked for after all: of a key that has half of the matches for its ban but not
    /// all, and where another function was first to put one. A match that was missed counts with the next of its key.
    ///
    /// Log events come a few at a time, in the five seconds that the CloudWatch agent collects them for: on real
    /// attacks every second match is a question, and with the latest answers to all it would cost more than half a
    /// read unit. `benches/run.sh cost` measures it.
    #[default]
    Recent,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            table: DEFAULT_TABLE.to_owned(),
            region: None,
            keep_matches: DAY,
            keep_bans: DAY * 30,
            patience: DEFAULT_PATIENCE,
            reads: Reads::default(),
        }
    }
}

/// Remembers in a DynamoDB table, for any number of functions and regions at once. See the [module](super) for the
/// table.
///
/// A clone is the same table. Many requests of one call are under way at once.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    pub(super) table: Table,
    pub(super) region: Arc<str>,
    pub(super) options: LedgerOptions,
    /// Partitions where another function was first: the next answer must know of it.
    contested: HashSet<String>,
    /// Whether the ban that was last put or listed is live: announcing its end is another change than announcing it.
    live: HashMap<String, bool>,
}

impl DynamoLedger {
    /// Asks nothing yet; the table must be there when the first question comes: see
    /// [`create_if_missing`](super::create_if_missing).
    pub fn new(aws: &Aws, options: LedgerOptions) -> Self {
        let region = options.region.as_deref().unwrap_or_else(|| aws.region()).into();
        let table = Table::new(aws, &options.table, options.patience);
        Self { table, region, options, contested: HashSet::new(), live: HashMap::new() }
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table.name
    }

    /// What this ledger and its clones cost so far.
    pub fn spent(&self) -> Spent {
        self.table.spent()
    }

    fn keep_in_mind(&mut self, ban: &BanRecord) {
        if self.live.len() >= MAX_REMEMBERED {
            self.live.clear();
        }
        self.live.insert(partition(&ban.jail, &ban.key), ban.live);
    }

    /// What was written in the last moment may be missing from an answer that need not be the latest. Where that could
    /// keep a key from its ban, as it already has half of the matches or more, the latest is asked for after all.
    async fn answer(&self, question: &Question) -> Result<Answer, StoreError> {
        let partition = checked_partition(&question.jail, &question.key)?;
        let latest = self.options.reads == Reads::Latest || self.contested.contains(&partition);
        let answer = self.ask(question, &partition, latest).await?;
        let limit = usize::try_from(question.limit).unwrap_or(usize::MAX);
        let open = answer.matches.len() < limit && answer.matches.len() >= limit.div_ceil(2);
        if open && !latest { self.ask(question, &partition, true).await } else { Ok(answer) }
    }

    /// One query: the ban sorts after all matches, so backwards it comes first and then the newest matches. Only bans
    /// of other regions may stand between, and make a second page.
    async fn ask(&self, question: &Question, partition: &str, latest: bool) -> Result<Answer, StoreError> {
        let tried = format!("ask the table `{}` about `{partition}`", self.table.name);
        let limit = usize::try_from(question.limit.max(1)).unwrap_or(usize::MAX);
        let mine = ban_place(&self.region);
        let query = self
            .table
            .client
            .query()
            .key_condition_expression("pk = :pk AND sk BETWEEN :since AND :ban")
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":since", text(format!("{MATCH}{}", time_text(question.since))))
            .expression_attribute_values(":ban", text(&mine))
            .scan_index_forward(false);
        let mut answer = Answer::default();
        let mut from = None;
        loop {
            let wanted = limit - answer.matches.len() + usize::from(from.is_none());
            let query = query.clone().limit(i32::try_from(wanted).unwrap_or(i32::MAX));
            let (items, next) = self.table.page(&tried, &query, latest, from).await?;
            for item in &items {
                if let Some(past) = past_from(item) {
                    answer.matches.push(past);
                } else if item.get("sk").is_some_and(|sk| *sk == AttributeValue::S(mine.clone())) {
                    answer.ban = Some(ban_from(item).ok_or_else(|| unreadable("ban", item))?);
                }
            }
            answer.matches.truncate(limit);
            from = next;
            if from.is_none() || answer.matches.len() == limit {
                return Ok(answer);
            }
        }
    }
}

impl Ledger for DynamoLedger {
    fn remember(&mut self, matches: &[Match]) -> Result<(), Unwritten> {
        let mut failed: Vec<(MatchId, StoreError)> = Vec::new();
        let mut writes = Vec::with_capacity(matches.len());
        let mut ids = Vec::with_capacity(matches.len());
        for m in matches {
            match match_item(m, self.options.keep_matches) {
                Ok(item) => {
                    writes.push(Write::Put(item));
                    ids.push(m.id);
                }
                Err(error) => failed.push((m.id, error)),
            }
        }
        let unwritten = self.table.block_on(self.table.write_all(KEYS, writes));
        failed.extend(unwritten.into_iter().filter_map(|(nth, fault)| Some((*ids.get(nth)?, fault.into()))));
        match failed.last() {
            None => Ok(()),
            Some((_, error)) => {
                Err(Unwritten { error: error.clone(), ids: failed.into_iter().map(|(id, _)| id).collect() })
            }
        }
    }

    fn recall(&mut self, questions: &[Question]) -> Result<Vec<Answer>, StoreError> {
        let answers: Result<Vec<Answer>, StoreError> = self.table.block_on(
            futures_util::stream::iter(questions)
                .map(|question| self.answer(question))
                .buffered(AT_ONCE)
                .try_collect(),
        );
        if answers.is_ok() && !self.contested.is_empty() {
            let asked: HashSet<String> = questions.iter().map(|q| partition(&q.jail, &q.key)).collect();
            self.contested.retain(|contested| !asked.contains(contested));
        }
        answers
    }

    fn put_ban(&mut self, ban: &BanRecord, seen: u64) -> Result<bool, StoreError> {
        let put = self.table.block_on(self.put(ban, seen))?;
        if put {
            self.keep_in_mind(ban);
        } else if self.contested.len() < MAX_REMEMBERED {
            self.contested.insert(partition(&ban.jail, &ban.key));
        }
        Ok(put)
    }

    fn note_announced(&mut self, bans: &[(Arc<str>, Key, u64)]) -> Result<(), StoreError> {
        self.table.block_on(
            futures_util::stream::iter(bans)
                .map(|(jail, key, version)| {
                    // Most announcements are of bans and not of their ends.
                    let live = self.live.get(&partition(jail, key)).copied().unwrap_or(true);
                    self.announced(jail, key, *version, live)
                })
                .buffer_unordered(AT_ONCE)
                .try_collect(),
        )
    }

    fn unannounced(&mut self, limit: usize) -> Result<Vec<LedgerBan>, StoreError> {
        let listing = Listing { end: None, wanted: Wanted::Unannounced };
        let bans = self.table.block_on(self.listed(&listing, limit))?;
        bans.iter().for_each(|ban| self.keep_in_mind(&ban.record));
        Ok(bans)
    }

    fn over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<LedgerBan>, StoreError> {
        let listing = Listing { end: Some((true, after_end(now))), wanted: Wanted::Live };
        self.table.block_on(self.listed(&listing, limit))
    }

    fn live(&mut self, now: Timestamp, each: &mut dyn FnMut(LedgerBan)) -> Result<(), StoreError> {
        let listing = Listing { end: Some((false, after_end(now))), wanted: Wanted::Live };
        self.table.block_on(async {
            for shard in shards(&self.region) {
                let mut from = None;
                loop {
                    let (bans, next) = self.listed_page(&listing, &shard, from).await?;
                    bans.into_iter().for_each(&mut *each);
                    from = next;
                    if from.is_none() {
                        break;
                    }
                }
            }
            Ok(())
        })
    }
}
