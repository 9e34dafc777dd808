//! What a global table does, which no emulator has: an item written in one region is written in the other a moment
//! later, by nobody's function, and comes out of that region's stream.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use stockade_aws::Aws;

use crate::support::Deployed;

type Item = HashMap<String, AttributeValue>;

/// Copies between the tables of two regions until it is dropped.
pub(crate) struct Replication {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Replication {
    pub(crate) fn start(regions: &[Deployed; 2]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tables = regions.each_ref().map(|region| (region.aws.clone(), region.table.clone()));
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                // What was carried over, or came from there: an item is not sent back to where it is from.
                let mut known = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    carry(&tables[0], &tables[1], &mut known);
                    carry(&tables[1], &tables[0], &mut known);
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Replication {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn carry(from: &(Aws, String), to: &(Aws, String), known: &mut BTreeSet<String>) {
    let scan = Client::new(from.0.config()).scan().table_name(&from.1);
    let items: Vec<Item> = from.0.block_on(scan.send()).unwrap().items.unwrap_or_default();
    for item in items {
        // An item that was changed is another.
        let mut attributes: Vec<_> = item.iter().collect();
        attributes.sort_by_key(|(name, _)| *name);
        if known.insert(format!("{attributes:?}")) {
            let put = Client::new(to.0.config()).put_item().table_name(&to.1).set_item(Some(item.clone()));
            to.0.block_on(put.send()).unwrap();
        }
    }
}
