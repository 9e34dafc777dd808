//! Host names of log lines, looked up: `usedns = yes`.
//!
//! A name server may take its time, and who logs in decides which names stand in a log. So a reader never waits longer
//! than [`PATIENCE`] for all the names of one block; what is not known by then counts for nobody, and it is told. The
//! answers are remembered, also those that came too late.

use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a block of lines waits for its names.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is believed.
const BELIEVED: Duration = Duration::from_secs(300);
/// How long a name that has no address is not asked for again.
const DOUBTED: Duration = Duration::from_secs(60);
/// How many answers are remembered; when there are more, all are forgotten.
const MAX_KNOWN: usize = 10_000;
/// How many names may wait to be looked up.
const MAX_ASKED: usize = 256;
/// How many are looked up at the same time.
const WORKERS: usize = 4;
/// How many addresses of one name count.
const MAX_ADDRESSES: usize = 8;

/// Asks the name service of this machine, a few names at a time.
#[derive(Debug)]
pub(crate) struct Resolver {
    known: HashMap<Box<str>, Answer>,
    asked: SyncSender<Box<str>>,
    answers: Receiver<(Box<str>, Vec<IpAddr>)>,
    waiting: usize,
}

#[derive(Debug)]
struct Answer {
    addresses: Vec<IpAddr>,
    /// `None` while it is being looked up.
    until: Option<Instant>,
}

impl Resolver {
    /// Starts its threads, which end with it.
    pub(crate) fn new() -> Self {
        Self::asking(|name| {
            (name, 0).to_socket_addrs().map(|found| found.map(|a| a.ip()).collect()).unwrap_or_default()
        })
    }

    fn asking(look_up: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        let (asked, names) = sync_channel::<Box<str>>(MAX_ASKED);
        let (answer, answers) = sync_channel(MAX_ASKED + WORKERS);
        let (names, look_up) = (Arc::new(Mutex::new(names)), Arc::new(look_up));
        for _ in 0..WORKERS {
            let (names, answer, look_up) = (Arc::clone(&names), answer.clone(), Arc::clone(&look_up));
            let work = move || {
                while let Ok(name) = names.lock().map_err(drop).and_then(|names| names.recv().map_err(drop)) {
                    let addresses = look_up(&name);
                    if answer.send((name, addresses)).is_err() {
                        return;
                    }
                }
            };
            if let Err(error) = std::thread::Builder::new().name("names".to_owned()).spawn(work) {
                tracing::error!(%error, "cannot start to look up names");
            }
        }
        Self { known: HashMap::new(), asked, answers, waiting: 0 }
    }

    /// The addresses of every name, as far as they become known in time; and how many names did not.
    pub(crate) fn resolve<'n>(
        &mut self,
        names: impl IntoIterator<Item = &'n str>,
        patience: Duration,
    ) -> (HashMap<&'n str, Vec<IpAddr>>, u64) {
        let began = Instant::now();
        let mut wanted: Vec<&str> = names.into_iter().collect();
        wanted.sort_unstable();
        wanted.dedup();
        self.take_answers(Duration::ZERO);
        for name in &wanted {
            self.ask(name, began);
        }
        let is_open =
            |this: &Self, name: &&str| this.known.get(*name).is_none_or(|answer| answer.until.is_none());
        while wanted.iter().any(|name| is_open(self, name)) {
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() || self.waiting == 0 || !self.take_answers(left) {
                break;
            }
        }
        let open = wanted.iter().filter(|name| is_open(self, name)).count() as u64;
        let of = |name: &'n str| Some((name, self.known.get(name)?.addresses.clone()));
        (wanted.into_iter().filter_map(of).collect(), open)
    }

    fn ask(&mut self, name: &str, now: Instant) {
        if self.known.get(name).is_some_and(|answer| answer.until.is_none_or(|until| now < until)) {
            return;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
            self.waiting = 0;
        }
        match self.asked.try_send(name.into()) {
            Ok(()) => {
                self.waiting += 1;
                self.known.insert(name.into(), Answer { addresses: Vec::new(), until: None });
            }
            // It is asked for again when it is seen again.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => _ = self.known.remove(name),
        }
    }

    /// Waits for an answer and takes all there are. Says whether there will be more.
    fn take_answers(&mut self, patience: Duration) -> bool {
        let mut patience = patience;
        loop {
            let (name, mut addresses) = match self.answers.recv_timeout(patience) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            };
            patience = Duration::ZERO;
            addresses.sort_unstable();
            addresses.dedup();
            addresses.truncate(MAX_ADDRESSES);
            let believed = if addresses.is_empty() { DOUBTED } else { BELIEVED };
            self.waiting = self.waiting.saturating_sub(1);
            self.known.insert(name, Answer { addresses, until: Some(Instant::now() + believed) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn this_machine_has_a_name() {
        let mut resolver = Resolver::new();
        let (found, open) = resolver.resolve(["localhost", "nobody.invalid"], Duration::from_secs(30));
        assert!(
            found["localhost"].iter().all(std::net::IpAddr::is_loopback) && !found["localhost"].is_empty()
        );
        assert!(found["nobody.invalid"].is_empty());
        assert_eq!(open, 0);
    }

    #[test]
    fn an_answer_is_asked_for_once() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let mut resolver = Resolver::asking(|_| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            vec![IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 1])]
        });
        for _ in 0..3 {
            let (found, open) = resolver.resolve(["a.example", "a.example"], Duration::from_secs(30));
            assert_eq!((found["a.example"].as_slice(), open), (&[IpAddr::from([192, 0, 2, 1])][..], 0));
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn nobody_waits_for_a_slow_name_server_and_a_late_answer_is_kept() {
        let (open, gate) = sync_channel::<()>(0);
        let gate = Mutex::new(gate);
        let mut resolver = Resolver::asking(move |_| {
            gate.lock().unwrap().recv().ok();
            vec![IpAddr::from([192, 0, 2, 9])]
        });
        let names: Vec<String> = (0..2_000).map(|n| format!("h{n}.example")).collect();
        let (found, late) = resolver.resolve(names.iter().map(String::as_str), Duration::from_millis(20));
        assert!(found.values().all(Vec::is_empty));
        assert_eq!(late, 2_000);
        assert!(resolver.known.len() <= MAX_ASKED + WORKERS, "{}", resolver.known.len());
        drop(open);
        let (found, late) = resolver.resolve(["h0.example"], Duration::from_secs(30));
        assert_eq!((found["h0.example"].len(), late), (1, 0));
    }
}
