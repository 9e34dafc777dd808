//! A host with a daemon that guards an account of moto's.

use serde_json::{Value, json};
use stockade_core::Outcome;
use stockade_core::ports::LoggedDecision;
use stockade_repair::{Shelf as _, SqliteShelf};
use stockade_runtime::control::{Request, Response};
use stockade_testkit::fault_proxy::FaultProxy;
use stockade_testkit::moto::Account;

use super::support::{Daemon, Site, wait_for};

const REGION: &str = "eu-central-1";
const NO_LOGS: &str = "[sshd]\nenabled = false\n[recidive]\nenabled = false\n";

pub(crate) struct Host {
    pub(crate) account: Account,
    /// Between the daemon and moto.
    pub(crate) proxy: FaultProxy,
    /// The address of the queue of events.
    pub(crate) queue: String,
    site: Site,
}

impl Host {
    /// None, after a line that says so, where no moto runs. `every`: how often it looks without an event.
    pub(crate) fn new(every: &str) -> Option<Self> {
        let account = Account::new(REGION)?;
        let proxy = FaultProxy::before(account.endpoint());
        let queue = account.queue("stockade-events");
        let host = Self { site: Site::new(NO_LOGS, ""), account, proxy, queue };
        host.configure(&host.settings(every));
        Some(host)
    }

    /// Everything may be repaired at once.
    pub(crate) fn settings(&self, every: &str) -> String {
        let at = self.site.path("state").display().to_string();
        format!(
            "socket = \"{at}/stockade.sock\"\nstore = \"{at}/stockade.db\"\n[events]\nqueue = \"stockade-events\"\n\
             [aws]\nregion = \"{REGION}\"\nendpoint = \"{}\"\n[responders.dry]\nkind = \"dry-run\"\n\
             [repair]\nmode = \"act\"\ntrial = 0\nevery = \"{every}\"\nregions = [\"{REGION}\"]\n",
            self.proxy.url()
        )
    }

    pub(crate) fn configure(&self, settings: &str) {
        std::fs::write(self.site.path("etc/stockade.toml"), settings).unwrap();
    }

    /// The daemon, with the keys of the account.
    pub(crate) fn start(&self) -> Daemon {
        let keys = self.account.env().into_iter().map(|(name, value)| format!("{name}={value}"));
        let level =
            "STOCKADE_LOG=info,stockade_runtime=debug,stockade_runtime::daemon::assembly=warn".to_owned();
        let words: Vec<String> = ["env".to_owned(), level].into_iter().chain(keys).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.site.ready(self.site.spawn_by(&words, None))
    }

    pub(crate) fn stop(&self, daemon: Daemon) {
        self.site.stop(daemon, false);
    }

    pub(crate) fn reload(&self) {
        match self.site.ask(&Request::Reload) {
            Response::Done { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    /// Waits until it has looked at everything so many times.
    pub(crate) fn looked(&self, times: usize) {
        wait_for("a look at everything", || {
            (self.lines_said(&["looked at everything"]) >= times).then_some(())
        });
        self.calls("");
    }

    pub(crate) fn said(&self) -> String {
        self.site.said()
    }

    pub(crate) fn lines_said(&self, parts: &[&str]) -> usize {
        self.site.lines_said(parts)
    }

    /// How many calls of this name the daemon has made since the last time it was asked.
    pub(crate) fn calls(&self, action: &str) -> usize {
        self.proxy.seen().iter().filter(|request| request.action() == Some(action)).count()
    }

    /// What was decided of a thing, the newest first.
    /// The minutes of a lease's life in no time.
    pub(crate) fn expire_leases(&self) {
        let mut shelf = SqliteShelf::open(&self.site.path("state/repairs.db")).unwrap();
        for (key, stored) in shelf.values("case/", "", 1000).unwrap() {
            let mut case: Value = serde_json::from_slice(&stored.value).unwrap();
            if !case["lease"].is_null() {
                case["lease"]["until"] = json!(0);
                let bytes = serde_json::to_vec(&case).unwrap();
                let written = shelf.put_if_version(&key, Some(&bytes), stored.version).unwrap();
                assert!(written.is_some(), "nobody else writes while it is held");
            }
        }
    }

    pub(crate) fn decisions(&self, key: &str) -> Vec<LoggedDecision> {
        self.site.why(key).decisions
    }

    /// What came of the newest decision.
    pub(crate) fn outcome(&self, key: &str) -> Outcome {
        let decisions = self.decisions(key);
        let of_repair = |one: &LoggedDecision| {
            one.outcomes.iter().find(|(by, _)| &**by == "repair").and_then(|(_, outcome)| outcome.clone())
        };
        decisions.first().and_then(of_repair).unwrap_or(Outcome::Failed { error: "nothing yet".to_owned() })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the daemon said:\n{}", self.said());
        }
    }
}
