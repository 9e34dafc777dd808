//! Looking without an event: some attacks keep their own events from coming.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stockade_config::Program;
use stockade_repair::{Engine, Scope};

use super::open::{Account, Need, open_with};
use super::responder::log;

/// How long the end waits for a repair that is being made; what is cut off is taken up by the next run.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// The thread that looks, for one life of a daemon.
#[derive(Debug)]
pub(crate) struct Schedule {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Schedule {
    /// Looks at once, and then every so often.
    pub(crate) fn start(program: &Program) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let program = program.clone();
        let thread =
            thread::Builder::new().name("repair".to_owned()).spawn(move || run(&program, &stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Schedule {
    /// Asks it to end, and waits for nothing: a look that has begun goes on meanwhile.
    pub(crate) fn end(&mut self) {
        drop(self.stop.take());
    }
}

impl Drop for Schedule {
    /// Waits until it has ended, but not for ever.
    fn drop(&mut self) {
        self.end();
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + LAST_WORDS;
        while !thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

fn run(program: &Program, stopped: &Receiver<()>) {
    let mut engine = None;
    loop {
        let began = Instant::now();
        // What is wrong was told, and is tried again the next time.
        let _ = look(program, None, &mut engine);
        let rest = program.repair.every.saturating_sub(began.elapsed());
        if !matches!(stopped.recv_timeout(rest), Err(RecvTimeoutError::Timeout)) {
            return;
        }
    }
}

/// Looks once at everything, and repairs what may be repaired. The engine is opened where there is none.
///
/// # Errors
/// What could not be done at all; it was told.
pub(crate) fn look(
    program: &Program,
    account: Option<&Account>,
    engine: &mut Option<Engine>,
) -> Result<(), String> {
    if engine.is_none() {
        match open_with(program, Need::All, account) {
            Ok(opened) => *engine = Some(opened.engine),
            Err(error) => {
                tracing::error!(%error, hint = error.hint(), "repairs: nothing can be looked at");
                return Err(error.to_string());
            }
        }
    }
    let Some(engine) = engine else { return Ok(()) };
    match engine.reconcile(&Scope::default()) {
        Ok(run) => {
            log("all", &run);
            tracing::debug!(things = run.items.len(), record = run.head, "repairs: looked at everything");
            Ok(())
        }
        Err(error) => {
            tracing::error!(%error, hint = error.hint(), "repairs: nothing could be looked at");
            Err(error.to_string())
        }
    }
}
