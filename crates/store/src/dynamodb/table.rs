//! A table as its users see it: requests with all their tries, and what they cost.

use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use stockade_aws::{Aws, Fault, FaultKind};

use super::item::{Item, size};

/// How many requests of one call are under way at once.
pub(super) const AT_ONCE: usize = 8;
/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one try may take. DynamoDB answers in milliseconds, or something is wrong.
const TRY: Duration = Duration::from_secs(5);
/// The longest wait before the second try; each further one may be twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// What requests cost so far, as DynamoDB says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Write units, those of indexes included.
    pub write_units: f64,
    /// Read units.
    pub read_units: f64,
    /// Read units by the size of what was read: what DynamoDB bills, also where an emulator says something else.
    pub read_units_by_size: f64,
    /// Requests, tries included.
    pub requests: u64,
    /// Tries that failed in a way that passes, and items that were sent back.
    pub setbacks: u64,
}

/// A table and the way to it. A clone is the same.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: Arc<str>,
    aws: Aws,
    patience: Duration,
    spent: Arc<Mutex<Spent>>,
}

impl Table {
    /// What passes by itself is tried again for `patience`.
    pub(super) fn new(aws: &Aws, name: &str, patience: Duration) -> Self {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(TRY);
        // Tries are counted here: the SDK's own would hide what they cost, and give up within a second or two.
        let config = aws_sdk_dynamodb::config::Builder::from(aws.config())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build())
            .build();
        Self {
            client: Client::from_conf(config),
            name: name.into(),
            aws: aws.clone(),
            patience,
            spent: Arc::default(),
        }
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.aws.block_on(future)
    }

    pub(super) fn spent(&self) -> Spent {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Spent)) {
        change(&mut self.spent.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn note_written(&self, consumed: Option<&ConsumedCapacity>) {
        let units = consumed.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
        self.note(|spent| spent.write_units += units);
    }

    /// Tries, and tries again what passes, with growing waits, until it is done or patience is at its end.
    pub(super) async fn patiently<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut waits = Waits::new(self.patience);
        loop {
            self.note(|spent| spent.requests += 1);
            match attempt().await {
                Err(fault) if matches!(fault.kind, FaultKind::Throttled | FaultKind::Unreachable) => {
                    self.note(|spent| spent.setbacks += 1);
                    if !waits.wait().await {
                        return Err(fault);
                    }
                }
                outcome => return outcome,
            }
        }
    }

    pub(super) fn waits(&self) -> Waits {
        Waits::new(self.patience)
    }

    /// One page of a query: its items, and where to go on.
    pub(super) async fn page(
        &self,
        tried: &str,
        query: &QueryFluentBuilder,
        consistent: bool,
        from: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), Fault> {
        let request = query
            .clone()
            .table_name(&*self.name)
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .set_exclusive_start_key(from);
        let answer = self
            .patiently(|| async { request.clone().send().await.map_err(|error| Fault::of(tried, &error)) })
            .await?;
        let items = answer.items.unwrap_or_default();
        let units = answer.consumed_capacity.as_ref().and_then(ConsumedCapacity::capacity_units);
        let by_size = read_units(items.iter().map(size).sum(), consistent);
        self.note(|spent| {
            spent.read_units += units.unwrap_or_default();
            spent.read_units_by_size += by_size;
        });
        Ok((items, answer.last_evaluated_key.filter(|key| !key.is_empty())))
    }
}

/// What reading so many bytes at once costs: a unit for each 4 KB begun, half of it where it need not be the latest.
fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = u32::try_from(bytes.div_ceil(4096).max(1)).unwrap_or(u32::MAX);
    f64::from(units) * if consistent { 1.0 } else { 0.5 }
}

/// The waits between tries, each of a random length so that many functions do not come back all at once.
#[derive(Debug)]
pub(super) struct Waits {
    until: Instant,
    next: Duration,
}

impl Waits {
    fn new(patience: Duration) -> Self {
        Self { until: Instant::now() + patience, next: FIRST_WAIT }
    }

    /// Waits, and says whether to try again: not if patience is at its end.
    pub(super) async fn wait(&mut self) -> bool {
        let wait = self.next.mul_f64(random_share());
        if Instant::now() + wait >= self.until {
            return false;
        }
        tokio::time::sleep(wait).await;
        self.next = (self.next * 2).min(LONGEST_WAIT);
        true
    }

    /// Something was done: the next wait is a short one again.
    pub(super) fn progress(&mut self) {
        self.next = FIRST_WAIT;
    }
}

/// From a half to one.
fn random_share() -> f64 {
    let share = u32::try_from(random() >> 32).unwrap_or_default();
    0.5 + f64::from(share) / f64::from(u32::MAX) / 2.0
}

/// A number that nobody can guess: what `HashMap` seeds itself with.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
