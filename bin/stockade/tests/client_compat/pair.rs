//! Two daemons side by side over the same jails and the same logs: fail2ban's, and ours.
//!
//! Both have socket, database and log in the same temporary folder, and their only action runs `true`: nothing of this
//! machine is touched.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const JAILS: &str = "\
[DEFAULT]
bantime = 600
findtime = 600
maxretry = 3
backend = polling
usedns = no
action = dummy
ignoreip = 192.0.2.200 198.51.100.128/25
[door]
enabled = true
filter = door
logpath = {at}/door.log
[grow]
enabled = true
filter = grow
maxretry = 5
logpath = {at}/grow.log
bantime.increment = true
";

const FAIL2BAN: &str = "\
[Definition]
loglevel = INFO
logtarget = {at}/f2b.log
syslogsocket = auto
socket = {at}/f2b.sock
pidfile = {at}/f2b.pid
dbfile = {at}/f2b.sqlite3
dbpurgeage = 90d
dbmaxmatches = 10
allowipv6 = auto
[Thread]
stacksize = 0
";

const STOCKADE: &str = "\
store = \"{at}/stockade.db\"
socket = \"{at}/stockade.sock\"
[fail2ban_log]
file = \"{at}/ours.log\"
[guards]
protect_own = false
[responders.rehearsal]
kind = \"dry-run\"
";

/// The two.
pub(crate) struct Pair {
    folder: tempfile::TempDir,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Fail2ban,
    Stockade,
}

/// What came of a command, without what differs by nature.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Pair {
    /// Starts both; `None` where there is no fail2ban.
    pub(crate) fn start() -> Option<Self> {
        let version = Command::new("fail2ban-client").arg("-V").output();
        if !version.is_ok_and(|output| output.stdout.starts_with(b"1.0.2")) {
            eprintln!("skipped: no fail2ban-client 1.0.2 is installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let pair = Self { folder };
        let at = pair.path("").display().to_string();
        let at = at.trim_end_matches('/');
        for folder in ["conf/filter.d", "conf/action.d", "bin"] {
            fs::create_dir_all(pair.path(folder)).unwrap();
        }
        let write = |name: &str, text: &str| fs::write(pair.path(name), text.replace("{at}", at)).unwrap();
        write("conf/jail.conf", JAILS);
        write("conf/fail2ban.conf", FAIL2BAN);
        write("conf/stockade.toml", STOCKADE);
        write("conf/action.d/dummy.conf", "[Definition]\nactionban = true\nactionunban = true\n");
        write(
            "conf/filter.d/door.conf",
            "[Definition]\nfailregex = ^ door: knock from <ADDR>$\n            ^ door: kick from <ADDR> port \\d+$\n\
             ignoreregex = kick from 203\\.0\\.113\\.250\n",
        );
        write("conf/filter.d/grow.conf", "[Definition]\nfailregex = ^ grow: knock from <ADDR>$\n");
        write("door.log", "");
        write("grow.log", "");
        symlink(env!("CARGO_BIN_EXE_stockade"), pair.path("bin/fail2ban-client")).unwrap();
        for who in [Who::Fail2ban, Who::Stockade] {
            let told = pair.ask(who, &["start"]);
            assert_eq!((told.code, told.out.as_str()), (Some(0), "Server ready\n"), "{who:?}: {}", told.err);
        }
        Some(pair)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes lines with the time of now to a log that both read.
    pub(crate) fn log(&self, name: &str, messages: &[&str]) {
        let now = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        let lines: String = messages.iter().map(|message| format!("{now} {message}\n")).collect();
        let mut file = fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    pub(crate) fn ask(&self, who: Who, words: &[&str]) -> Told {
        let output = self.command(who).args(words).output().unwrap();
        self.told(who, &output)
    }

    /// The client of one of them.
    pub(crate) fn command(&self, who: Who) -> Command {
        let mut command = match who {
            Who::Fail2ban => Command::new("fail2ban-client"),
            Who::Stockade => Command::new(self.path("bin/fail2ban-client")),
        };
        command.arg("-c").arg(self.path("conf")).stdin(Stdio::null());
        command
    }

    /// Asks both, and insists on the same answer.
    #[track_caller]
    pub(crate) fn same(&self, words: &[&str]) -> Told {
        let (theirs, ours) = (self.ask(Who::Fail2ban, words), self.ask(Who::Stockade, words));
        assert_eq!(ours, theirs, "ours and theirs of {words:?}");
        ours
    }

    /// Asks both again and again until both say `wanted`, which is a part of the answer.
    #[track_caller]
    pub(crate) fn until(&self, words: &[&str], wanted: &str) {
        let began = Instant::now();
        loop {
            let told = [Who::Fail2ban, Who::Stockade].map(|who| self.ask(who, words));
            if told.iter().all(|told| told.out.contains(wanted)) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "waited for `{wanted}`: {told:#?}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Takes out what differs by nature: dates, process numbers, where each has its own files.
    fn told(&self, who: Who, output: &Output) -> Told {
        let text = |bytes: &[u8]| {
            let mut text = dateless(&String::from_utf8_lossy(bytes));
            for (ours, theirs) in
                [("stockade.sock", "f2b.sock"), ("stockade.db", "f2b.sqlite3"), ("ours.log", "f2b.log")]
            {
                text = text.replace(&self.shown(ours), &self.shown(theirs));
            }
            text
        };
        let told = Told { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        assert!(who == Who::Fail2ban || !told.err.contains("panicked"), "{}", told.err);
        told
    }

    fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for who in [Who::Fail2ban, Who::Stockade] {
            let _ = self.command(who).arg("stop").stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// Dates become `DATE`, and `[123]:` becomes `[PID]:`.
pub(crate) fn dateless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let shape: String = rest.chars().take(23).map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        if shape == "9999-99-99 99:99:99,999" {
            out += "DATE";
            rest = &rest[23..];
        } else if shape.starts_with("9999-99-99 99:99:99") {
            out += "DATE";
            rest = &rest[19..];
        } else if let Some((pid, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("]:"))
            && !pid.is_empty()
            && pid.bytes().all(|b| b.is_ascii_digit())
        {
            out += "[PID]:";
            rest = after;
        } else {
            let c = rest.chars().next().unwrap();
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// The lines of a log, without dates and process numbers.
pub(crate) fn lines_of(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(dateless).collect()
}
