//! A daemon over a directory of fail2ban's: the real files where they are installed, an action file of our own, a log.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stockade_config::{Paths, load};
use stockade_runtime::control::{Client, Request, Response};
use stockade_runtime::daemon::{self, DaemonError, RunOptions};

const FILTER: &str = "[Definition]\nfailregex = ^\\s*door: <F-USER>.*</F-USER> knocked <F-COLOUR>\\w+</F-COLOUR> from <HOST>$\n";

/// Notes what it does, in words that the tests read.
const NOTE: &str = "[Definition]\n\
    actionstart = echo start <name> <family> >> <file>\n\
    actionflush = echo flush <family> >> <file>\n\
    actionstop = echo stop <family> >> <file>\n\
    actioncheck = test -e <ground>\n\
    actionrepair = touch <ground>; echo repair >> <file>\n\
    actionban = test -e <ground> || exit 1\n\
    \x20   echo \"ban <x> <ip> <failures> <bantime> <bancount> <restored> [<F-USER>] [<F-COLOUR>]\" >> <file>\n\
    \x20   echo \"<matches>\" >> <file>.matches\n\
    actionunban = echo \"unban <x> <ip> <failures>\" >> <file>\n\
    [Init]\nx = four\nground = {at}/ground\nfile = {at}/seen\n[Init?family=inet6]\nx = six\n";

struct World {
    folder: tempfile::TempDir,
    daemon: Option<JoinHandle<Result<(), DaemonError>>>,
}

impl World {
    /// A directory of fail2ban's with these jails, in which `{at}` is the folder. `None` if fail2ban is not installed.
    fn new(jails: &str) -> Option<Self> {
        let world = Self { folder: tempfile::tempdir().unwrap(), daemon: None };
        let etc = world.path("etc");
        fs::create_dir(&etc).unwrap();
        if !copy(Path::new("/etc/fail2ban"), &etc) {
            eprintln!("skipped: fail2ban is not installed");
            return None;
        }
        for debian in fs::read_dir(etc.join("jail.d")).unwrap() {
            fs::remove_file(debian.unwrap().path()).unwrap();
        }
        world.write("etc/filter.d/door.conf", FILTER);
        world.write("etc/action.d/note.conf", NOTE);
        world.write("etc/jail.local", jails);
        // The firewall is somebody else's test.
        world.write("etc/stockade.toml", "[responders.dry]\nkind = \"dry-run\"\n");
        world.write("door.log", "");
        world.write("ground", "");
        Some(world)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text.replace("{at}", &self.folder.path().display().to_string())).unwrap();
    }

    fn start(&mut self) {
        let (store, socket) = (self.path("stockade.db"), self.path("stockade.sock"));
        let options = RunOptions { store: Some(store.into()), socket: Some(socket), ..RunOptions::default() };
        let paths = Paths { directory: Some(self.path("etc")), ..Paths::default() };
        self.daemon = Some(thread::spawn(move || daemon::run(&move || load(&paths, &|_| None), &options)));
        wait_for("the daemon", || {
            if self.daemon.as_ref().is_some_and(JoinHandle::is_finished) {
                panic!("the daemon ended: {:?}", self.daemon.take().map(JoinHandle::join));
            }
            let mut client = Client::connect(&self.path("stockade.sock")).ok()?;
            match client.ask(&Request::Status).ok()? {
                Response::Status(status) => (!status.sources.is_empty()).then_some(()),
                other => panic!("{other:?}"),
            }
        });
    }

    fn ask(&self, request: &Request) -> Response {
        Client::connect(&self.path("stockade.sock")).unwrap().ask(request).unwrap()
    }

    fn stop(&mut self) {
        self.ask(&Request::Stop { flush: false });
        self.daemon.take().unwrap().join().unwrap().unwrap();
    }

    fn unban(&self, key: &str) {
        let keys = vec![key.parse().unwrap()];
        self.ask(&Request::Unban { keys, all: false, jail: None, reason: String::new() });
    }

    fn knock(&self, who: &str, from: &str, times: u32) {
        let line =
            |_| format!("{} door: {who} knocked red from {from}\n", jiff::Zoned::now().strftime("%F %T"));
        let text: String = (0..times).map(line).collect();
        let mut log = fs::OpenOptions::new().append(true).open(self.path("door.log")).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }

    fn seen(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("seen")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits for so many lines.
    fn wait_seen(&self, lines: usize) -> Vec<String> {
        wait_for("what the action notes", || Some(self.seen()).filter(|seen| seen.len() >= lines))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.path("f2b.sock").exists() {
            // A test that failed leaves no server behind.
            let _ = Command::new("fail2ban-client").arg("-s").arg(self.path("f2b.sock")).arg("stop").output();
        }
        if self.daemon.is_some() && !thread::panicking() {
            self.stop();
        }
    }
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn copy(from: &Path, to: &Path) -> bool {
    let Ok(entries) = fs::read_dir(from) else { return false };
    for entry in entries.map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
    true
}

const DOOR: &str = "[door]\nenabled = true\nfilter = door\nlogpath = {at}/door.log\nbackend = polling\nusedns = no\n\
                    maxretry = 2\nbantime = 1h\naction = note\n";

#[test]
fn start_ban_unban_flush_and_stop_in_both_families() {
    let Some(mut world) = World::new(DOOR) else { return };
    world.start();
    assert_eq!(world.seen(), Vec::<String>::new(), "it has options for one family: it starts on demand");
    let hostile =
        format!("$(touch {0}/owned) '; touch {0}/owned; `touch {0}/owned` \"", world.folder.path().display());
    world.knock(&hostile, "203.0.113.5", 2);
    let expected =
        ["start door inet4".to_owned(), format!("ban four 203.0.113.5 2 3600 1 0 [{hostile}] [red]")];
    assert_eq!(world.wait_seen(2), expected);
    world.knock("bob", "2001:db8::7", 2);
    assert_eq!(world.wait_seen(4)[2..], ["start door inet6", "ban six 2001:db8::7 2 3600 1 0 [bob] [red]"]);
    world.unban("203.0.113.5");
    assert_eq!(world.wait_seen(5)[4], "unban four 203.0.113.5 2");
    let matches = fs::read_to_string(world.path("seen.matches")).unwrap();
    assert_eq!(matches.lines().count(), 4, "{matches}");
    assert!(
        matches.lines().next().unwrap().ends_with(&format!("door: {hostile} knocked red from 203.0.113.5"))
    );

    world.stop();
    assert_eq!(world.seen()[5..], ["flush inet4", "flush inet6", "stop inet4", "stop inet6"]);
    world.start();
    let restored = world.wait_seen(11);
    assert_eq!(restored[9], "start door inet6");
    assert!(restored[10].starts_with("ban six 2001:db8::7 2 3600 1 1 "), "{restored:?}");
    assert!(!world.path("owned").exists());
}

/// What fail2ban itself makes of the same: the judge.
#[test]
fn the_commands_are_those_that_fail2ban_runs() {
    let jails = format!("{DOOR}{}", "bantime.rndtime = 0\n");
    let [theirs, ours] = [true, false].map(|theirs| {
        let mut world = World::new(&jails)?;
        let folder = world.folder.path().to_owned();
        let fail2ban = |arguments: &[&str]| {
            let mut command = Command::new("fail2ban-client");
            command.arg("-c").arg(folder.join("etc")).arg("-s").arg(folder.join("f2b.sock"));
            let output = command.arg("-p").arg(folder.join("f2b.pid")).args(arguments).output().unwrap();
            output.status.success()
        };
        if theirs {
            let own = "[Definition]\nlogtarget = {at}/f2b.log\nsocket = {at}/f2b.sock\npidfile = {at}/f2b.pid\ndbfile = None\n";
            world.write("etc/fail2ban.local", own);
            assert!(fail2ban(&["start"]), "fail2ban does not start");
        } else {
            world.start();
        }
        world.knock("$(id) 'x'", "203.0.113.5", 2);
        world.wait_seen(2);
        world.knock("bob", "2001:db8::7", 2);
        world.wait_seen(4);
        fs::remove_file(world.path("ground")).unwrap();
        world.knock("eve", "203.0.113.6", 2);
        world.wait_seen(6);
        if theirs {
            assert!(fail2ban(&["set", "door", "unbanip", "203.0.113.5"]));
            world.wait_seen(7);
            assert!(fail2ban(&["stop"]));
        } else {
            // What was lost by the broken ground is put back here at once, in fail2ban when it is seen again.
            world.wait_seen(7);
            world.unban("203.0.113.5");
            world.wait_seen(8);
            world.stop();
        }
        wait_for("the end", || (world.seen().last()? == "stop inet6").then_some(()));
        Some(world.seen())
    });
    let (Some(theirs), Some(mut ours)) = (theirs, ours) else { return };
    assert!(ours.remove(6).starts_with("ban four 203.0.113.5 "), "{ours:?}");
    assert_eq!(ours, theirs);
}

#[test]
fn broken_ground_is_mended_and_a_reload_keeps_what_it_can() {
    let Some(mut world) = World::new(DOOR) else { return };
    world.start();
    world.knock("eve", "203.0.113.5", 2);
    world.wait_seen(2);
    fs::remove_file(world.path("ground")).unwrap();
    world.knock("eve", "203.0.113.6", 2);
    let seen = world.wait_seen(5);
    assert_eq!(seen[2], "repair");
    assert!(seen[3].starts_with("ban four 203.0.113.6"), "{seen:?}");
    assert!(seen[4].starts_with("ban four 203.0.113.5"), "what was lost is put back: {seen:?}");

    let second = "[shed]\nenabled = true\nfilter = door\nlogpath = {at}/door.log\nbackend = polling\nusedns = no\nmaxretry = 9\n\
                  action = note\n";
    world.write("etc/jail.local", &format!("{DOOR}{second}"));
    assert!(matches!(world.ask(&Request::Reload), Response::Done { .. }));
    wait_for("the new life", || Client::connect(&world.path("stockade.sock")).ok()?.ask(&Request::Ping).ok());
    world.knock("eve", "203.0.113.7", 2);
    let seen = world.wait_seen(6);
    assert!(seen[5].starts_with("ban four 203.0.113.7"), "nothing was done again: {seen:?}");

    // Another time: what was there is taken down first.
    world.write("etc/jail.local", &DOOR.replace("= note", "= note[actname=other, name=gate]"));
    assert!(matches!(world.ask(&Request::Reload), Response::Done { .. }));
    let seen = world.wait_seen(12);
    let (old, new): (Vec<&String>, Vec<&String>) =
        seen[6..].iter().partition(|line| !line.contains("gate") && !line.starts_with("ban"));
    assert_eq!(old, ["flush inet4", "stop inet4"]);
    assert_eq!(new[0], "start gate inet4");
    assert_eq!(new.len(), 4, "{seen:?}");
}

#[test]
fn its_own_hostsdeny_bans_both_families_and_takes_them_back() {
    let jails = format!(
        "{}{}",
        DOOR.replace("= note", "= hostsdeny[file={at}/deny, daemon_list=sshd]"),
        "bantime.increment = true\n"
    );
    let Some(mut world) = World::new(&jails) else { return };
    world.write("deny", "# mine\n");
    world.start();
    world.knock("eve", "203.0.113.5", 2);
    world.knock("eve", "2001:db8::7", 2);
    let deny = |world: &World| fs::read_to_string(world.path("deny")).unwrap();
    wait_for("the file", || (deny(&world).lines().count() == 3).then_some(()));
    assert_eq!(deny(&world), "# mine\nsshd: 203.0.113.5\nsshd: [2001:db8::7]\n");
    world.unban("2001:db8::7");
    wait_for("the file", || (deny(&world).lines().count() == 2).then_some(()));
    world.stop();
    assert_eq!(deny(&world), "# mine\n");
    world.start();
    wait_for("the file", || (deny(&world) == "# mine\nsshd: 203.0.113.5\n").then_some(()));
}

#[test]
fn a_command_says_whom_to_leave_alone() {
    let command = "ignorecommand = [ \"<F-USER>\" = \"our backup\" ] && [ <ip> = 203.0.113.5 ]\n";
    let Some(mut world) = World::new(&format!("{DOOR}{command}")) else { return };
    world.start();
    world.knock("our backup", "203.0.113.5", 5);
    world.knock("our backup", "203.0.113.6", 2);
    let seen = world.wait_seen(2);
    assert!(seen[1].starts_with("ban four 203.0.113.6 "), "{seen:?}");
    world.knock("\" = \"x\" ] || true || [ \"", "203.0.113.5", 2);
    let seen = world.wait_seen(3);
    assert!(seen[2].starts_with("ban four 203.0.113.5 "), "another user from there: {seen:?}");
}
