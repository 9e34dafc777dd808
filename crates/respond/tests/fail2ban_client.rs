//! The responder `fail2ban-client` against a real server of fail2ban in a folder of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test, or the line that says why one was skipped"
)]

#[path = "support/fail2ban.rs"]
mod fail2ban;
mod support;

use std::time::Duration;

use fail2ban::Server;
use stockade_core::BanTime;
use stockade_core::ports::Responder;
use stockade_respond::Fail2banClient;
use stockade_testkit::responder::Contract;
use support::{apply, ban, current_keys, everywhere, in_secs, now, unban};

fn responder(server: &Server) -> Fail2banClient {
    Fail2banClient::new(server.argv(), Duration::from_secs(30)).unwrap()
}

#[test]
fn fail2ban_client_keeps_the_contract() {
    let Some(server) = Server::start() else { return };
    let long = "x".repeat(300);
    let longer = format!("{long}y");
    let names = [
        "a",
        "b",
        "c",
        "sshd",
        "SSHD",
        "a b",
        "a_b",
        "a-b",
        "a.b",
        "24-a",
        "drop",
        "",
        "\"; flush ruleset; #",
        "line\nbreak",
        "ünïcödé",
        "../../x",
        &long,
        &longer,
        "{}",
        "@a",
        "1",
    ];
    names.iter().for_each(|name| server.jail(name));
    let fresh = || {
        assert!(server.say(&["unban", "--all"]).0);
        responder(&server)
    };
    Contract::new(fresh).run();
}

#[test]
fn what_fail2ban_banned_itself_is_never_lifted() {
    let Some(server) = Server::start() else { return };
    let banned = || {
        let (_, said) = server.say(&["get", "a", "banip"]);
        let mut list: Vec<String> = said.split_whitespace().map(str::to_owned).collect();
        list.sort();
        list
    };
    assert!(server.say(&["set", "a", "banip", "198.51.100.7"]).0);
    let mut responder = responder(&server);
    responder.prepare(&[everywhere("a")]).unwrap();
    assert_eq!(current_keys(&mut responder), Vec::<String>::new());
    let many: Vec<_> = (0..1_200)
        .map(|n| ban("a", &format!("203.0.{}.{}", 113 + n / 250, n % 250), in_secs(600)))
        .chain([ban("a", "2001:db8::/64", in_secs(600))])
        .collect();
    apply(&mut responder, &many, &[]);
    assert_eq!(banned().len(), 1_202);
    // Somebody lifts one by hand; the next comparison sees it.
    assert!(server.say(&["set", "a", "unbanip", "203.0.113.9"]).0);
    let current = responder.current(now()).unwrap().unwrap();
    assert_eq!(responder.plan(&many, &current).add, [ban("a", "203.0.113.9", many[9].until)]);
    apply(&mut responder, &[], &[unban("a", "203.0.113.1")]);
    responder.flush().unwrap();
    assert_eq!(banned(), ["198.51.100.7"]);
}

#[test]
fn a_server_that_is_gone_or_lacks_the_jail_is_told() {
    let Some(server) = Server::start() else { return };
    let mut responder = responder(&server);
    assert_eq!(responder.jails().unwrap(), ["a"]);
    assert_eq!(responder.bantime("a").unwrap(), BanTime::For(Duration::from_secs(86_400)));
    responder.prepare(&[everywhere("a"), everywhere("missing")]).unwrap();
    let plan =
        stockade_core::ports::Plan { add: vec![ban("missing", "192.0.2.1", in_secs(60))], remove: vec![] };
    let outcomes = responder.apply(&plan, now()).unwrap();
    assert!(matches!(&outcomes[..], [stockade_core::Outcome::Failed { error }] if error.contains("missing")));
    assert!(server.say(&["stop"]).0);
    let error = responder.prepare(&[everywhere("a")]).unwrap_err();
    assert!(!error.permanent && error.hint.is_some(), "{error}");
    assert!(responder.jails().is_err());
}
