//! The connection: made when it is needed, made again when it broke, and never waited for without end.

use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime as PoolRuntime};
use stockade_core::ports::StoreError;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::address::Address;
use super::error::Fault;
use super::{ANSWER_TIMEOUT, CONNECT_TIMEOUT};

/// A connection with its prepared statements.
pub(super) type Client = Object;

/// After a failure the server is left alone for this, doubled each time…
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// …but no longer than this.
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// The way to the server.
pub(super) struct Link {
    // Before the runtime: its connection lives on it.
    pool: Pool,
    runtime: Runtime,
    shown: String,
    /// After a failure: what it was, until when nothing is tried, and how long that is.
    pause: Option<(String, Instant, Duration)>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(address: &Address) -> Result<Self, StoreError> {
        let failed = |what: String| Fault::Connect(what).told("open", &address.shown);
        let tls = address.tls.connector().map_err(failed)?;
        let method = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(address.config.clone(), tls, method))
            .max_size(1) // A store is used by one thread.
            .create_timeout(Some(CONNECT_TIMEOUT))
            .runtime(PoolRuntime::Tokio1)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            pool,
            runtime: runtime().map_err(|e| failed(e.to_string()))?,
            shown: address.shown.clone(),
            pause: None,
        })
    }

    /// Does something with a connection. One that turns out to be broken is made anew, once, and `action` done
    /// again. `tried` is for messages.
    pub(super) fn run<T>(
        &mut self,
        tried: &str,
        mut action: impl AsyncFnMut(&mut Client) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let told = |fault: &Fault, shown: &str| fault.told(tried, shown);
        if let Some((said, until, _)) = &self.pause
            && Instant::now() < *until
        {
            return Err(told(&Fault::Waiting(said.clone()), &self.shown));
        }
        let pool = &self.pool;
        let outcome = self.runtime.block_on(async {
            match attempt(pool, &mut action).await {
                // It may have died long ago, and nobody noticed: that is no reason to fail.
                Err((fault, true)) if fault.breaks() && !matches!(fault, Fault::Silent) => {
                    attempt(pool, &mut action).await
                }
                other => other,
            }
        });
        match outcome {
            Ok(done) => {
                self.pause = None;
                Ok(done)
            }
            Err((fault, _)) => {
                if fault.is_of_the_server() {
                    let last = self.pause.as_ref().map(|(_, _, pause)| pause.saturating_mul(2));
                    let pause = last.unwrap_or(FIRST_PAUSE).min(LAST_PAUSE);
                    self.pause = Some((fault.to_string(), Instant::now() + pause, pause));
                }
                Err(told(&fault, &self.shown))
            }
        }
    }
}

/// What drives the connection, also while nobody waits for it: a transaction that was given up is rolled back at once,
/// and the end of a connection is noticed before the next question.
fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).thread_name("postgres").enable_all().build()
}

/// One try. An error tells as well whether there was a connection.
async fn attempt<T>(
    pool: &Pool,
    action: &mut impl AsyncFnMut(&mut Client) -> Result<T, Fault>,
) -> Result<T, (Fault, bool)> {
    let mut client = pool.get().await.map_err(|error| (Fault::from(error), false))?;
    let outcome = match timeout(ANSWER_TIMEOUT, action(&mut client)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Fault::Silent),
    };
    outcome.map_err(|fault| {
        if fault.breaks() {
            // Closed: what was begun on it is rolled back.
            drop(Object::take(client));
        }
        (fault, true)
    })
}
