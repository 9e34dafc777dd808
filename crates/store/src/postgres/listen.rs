//! LISTEN: a connection that does nothing but hear of commits.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stockade_core::ports::Listener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};

use super::CONNECT_TIMEOUT;
use super::address::Address;
use super::write::CHANNEL;

/// How often it is worth looking while nobody can be heard.
const DEAF_EVERY: Duration = Duration::from_millis(500);

/// Hears of what other hosts commit.
pub(super) struct Ear {
    address: Address,
    host: String,
    // Before the runtime, on which its connection lives.
    line: Option<Line>,
    runtime: Option<Runtime>,
}

/// An open connection.
struct Line {
    _client: Client,
    heard: Arc<Notify>,
    open: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Ear {
    pub(super) fn new(address: Address, host: String) -> Self {
        Self { address, host, line: None, runtime: None }
    }
}

impl Listener for Ear {
    fn wait(&mut self, patience: Duration) -> bool {
        if self.runtime.is_none() {
            self.runtime = Builder::new_current_thread().enable_all().build().ok();
        }
        let Some(runtime) = &self.runtime else {
            std::thread::sleep(patience);
            return true;
        };
        if let Some(line) = self.line.take_if(|line| line.open.load(Ordering::Relaxed)) {
            let heard = runtime.block_on(async { timeout(patience, line.heard.notified()).await.is_ok() });
            self.line = Some(line);
            return heard;
        }
        self.line = None;
        let opened = async { timeout(CONNECT_TIMEOUT, open(&self.address, &self.host)).await.ok()? };
        self.line = runtime.block_on(opened);
        if self.line.is_none() {
            runtime.block_on(async { sleep(DEAF_EVERY.min(patience)).await });
        }
        // Whatever was committed meanwhile was not heard.
        true
    }
}

async fn open(address: &Address, host: &str) -> Option<Line> {
    let tls = address.tls.connector().ok()?;
    let (client, mut connection) = address.config.connect(tls).await.ok()?;
    let (heard, open) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(true)));
    let (told, ended, own) = (Arc::clone(&heard), Arc::clone(&open), host.to_owned());
    let reader = tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if matches!(&message, AsyncMessage::Notification(note) if note.payload() != own) {
                told.notify_one();
            }
        }
        ended.store(false, Ordering::Relaxed);
        told.notify_one();
    });
    let line = Line { _client: client, heard, open, reader };
    line._client.batch_execute(&format!("LISTEN {CHANNEL}")).await.ok()?;
    Some(line)
}
