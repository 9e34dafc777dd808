//! The herald of a daemon: a thread that looks whether the record has grown, whoever wrote to it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use stockade_config::Program;
use stockade_core::Outcome;
use stockade_core::ports::{Clock, Report};

use super::herald::Herald;
use crate::daemon::hands::Work;

/// How often it looks: a question for one key where the record is on this machine.
const EVERY: Duration = Duration::from_secs(2);
/// And where it is elsewhere.
const EVERY_ELSEWHERE: Duration = Duration::from_secs(10);

/// One who tells, as the daemon runs it. The thread ends with the daemon's end of it, not with ours.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    pub(crate) name: Arc<str>,
    pub(crate) work: Weak<Sender<Work>>,
}

impl Teller {
    /// Has the responder's thread tell, and waits for what came of it.
    fn tell(&self, reports: &[Report]) -> Result<Vec<Outcome>, String> {
        let gone = || "the responder is gone".to_owned();
        let (answer, told) = std::sync::mpsc::sync_channel(1);
        let work = self.work.upgrade().ok_or_else(gone)?;
        work.send(Work::Report(reports.to_vec(), answer)).map_err(|_| gone())?;
        drop(work);
        told.recv().map_err(|_| gone())?
    }
}

/// The thread that tells, for one life of a daemon.
#[derive(Debug)]
pub(crate) struct Telling {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Telling {
    /// Begins to tell; `None` where nobody is to be told.
    pub(crate) fn start(
        program: &Program,
        tellers: Vec<Teller>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Option<Self>> {
        let mut herald = Herald::new(program, None, format!("host {}", crate::notices::host(program)));
        let tellers: Vec<Teller> = tellers.into_iter().filter(|one| herald.tells(&one.name)).collect();
        for name in &program.repair.tell {
            if !tellers.iter().any(|one| *one.name == **name) {
                tracing::warn!(
                    responder = name,
                    "`tell` of `[repair]` names nobody who tells what repairs came to"
                );
            }
        }
        if tellers.is_empty() {
            return Ok(None);
        }
        let here = program.repair.shelf(&program.store).file().is_some();
        let every = if here { EVERY } else { EVERY_ELSEWHERE };
        let (stop, stopped) = channel();
        let thread = thread::Builder::new().name("herald".to_owned()).spawn(move || {
            run(&mut herald, &tellers, &*clock, every, &stopped);
        })?;
        Ok(Some(Self { stop: Some(stop), thread: Some(thread) }))
    }
}

impl Drop for Telling {
    /// Waits for what is being told; what is left is told by the next life.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(herald: &mut Herald, tellers: &[Teller], clock: &dyn Clock, every: Duration, stopped: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
        for teller in tellers {
            herald.tell(&teller.name, clock.now(), &mut |reports| teller.tell(reports));
        }
    }
}
