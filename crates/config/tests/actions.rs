//! Which responders carry out what a jail decides, and on which packets.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::time::Duration;

use common::{Files, door, told};
use stockade_config::JailConfig;
use stockade_core::action::{ActionSpec, Family, Verb};
use stockade_core::ports::Protocol;

#[test]
fn which_packets_its_bans_keep_out() {
    let scope = |options: &str| {
        let config = door(options).load().unwrap();
        let scope = config.jail("door").unwrap().scope.clone();
        assert_eq!(&*scope.jail, "door");
        (scope.ports, scope.protocols)
    };
    let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
    assert_eq!(scope("port = ssh, 80:90,89-95 https\n"), (vec![(22, 22), (80, 95), (443, 443)], vec![tcp]));
    assert_eq!(scope("port = odd\nprotocol = udp\n"), (vec![(7, 7)], vec![udp]));
    assert_eq!(scope("port = 53\nprotocol = tcp,udp\n"), (vec![(53, 53)], vec![tcp, udp]));
    assert_eq!(scope("port = 53\nprotocol = all\n"), (vec![(53, 53)], vec![tcp, udp]));
    for all in ["all", "0:65535", "1:65535", "22,all"] {
        assert_eq!(scope(&format!("port = {all}\n")), (vec![], vec![]), "{all}");
    }
    // The firewall actions of fail2ban say it themselves.
    assert_eq!(
        scope("port = 1\naction = nftables[type=multiport, port=\"2,3\"]\n"),
        (vec![(2, 3)], vec![tcp])
    );
    assert_eq!(scope("port = 1\naction = iptables[port=4, protocol=udp]\n"), (vec![(4, 4)], vec![udp]));
    assert_eq!(scope("port = 1\naction = iptables-allports[protocol=tcp]\n"), (vec![], vec![]));
    assert_eq!(scope("port = 1\naction = nftables[type=allports]\n"), (vec![], vec![]));
    assert_eq!(
        scope("port = 1\naction = iptables[port=4]\n  ipset[name=x, port=5, protocol=udp]\n"),
        (vec![(4, 5)], vec![tcp, udp])
    );
}

const RESPONDERS: &str = "[responders.wall]\nkind = \"nftables\"\n[responders.report]\nkind = \"command\"\n\
                          argv = [\"/bin/report\"]\n[responders.try]\nkind = \"dry-run\"\n";

fn responders(options: &str) -> Vec<String> {
    let mut files = door(options);
    files.0.insert("stockade.toml".into(), RESPONDERS.into());
    let config = files.load().unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.problems.to_string(), "");
    config.jail("door").unwrap().responders.iter().map(ToString::to_string).collect()
}

#[test]
fn actions_are_responders() {
    assert_eq!(responders(""), ["wall", "report", "try"]);
    assert_eq!(responders("action = try\n report\n try\n"), ["try", "report"]);
    assert_eq!(
        responders(
            "banaction = nftables-multiport\naction_ = %(banaction)s[port=\"%(port)s\"]\naction = %(action_)s\n"
        ),
        ["wall"]
    );
    assert_eq!(responders("action = iptables-ipset-proto6[name=x]\n report[y=2]\n"), ["wall", "report"]);
    assert_eq!(responders("banaction = ipset\n"), ["wall"]);
}

#[test]
fn actions_that_are_none_are_errors() {
    let said = |toml: &str, options: &str| {
        let mut files = door(options);
        files.0.insert("stockade.toml".into(), toml.into());
        told(&files.load())
    };
    assert_eq!(
        said(RESPONDERS, "action = tyr\n wall\n sendmail-whois[x=1]\n what\n smtp.py\n tell.py\n"),
        "error: /etc/stockade/jail.local:2: [door] action: unknown responder `tyr`\n  hint: did you mean `try`?\n\
         error: /etc/stockade/jail.local:2: [door] action: action `sendmail-whois` is a file of commands, and `action.d/sendmail-whois.conf` does not exist\n  \
         hint: copy it from fail2ban's action.d, or use one of the responders: `wall`, `report`, `try`\n\
         error: /etc/stockade/jail.local:2: [door] action: unknown responder `what`\n  hint: known responders: `wall`, `report`, `try`\n\
         error: /etc/stockade/jail.local:2: [door] action: action `smtp.py` is a Python class, which only fail2ban can run\n  \
         hint: use one of the `sendmail-*` actions, or a responder of kind `command`\n\
         error: /etc/stockade/jail.local:2: [door] action: action `tell.py` is a Python class, which only fail2ban can run\n  \
         hint: make it a program and run it by an action file or a responder of kind `command`\n\
         error: none of the enabled jails can be used"
    );
    assert_eq!(
        said("[responders.try]\nkind = \"dry-run\"\n", "action = nftables\n"),
        "error: /etc/stockade/jail.local:2: [door] action: action `nftables` means the firewall, but no responder is of kind `nftables`\n  \
         hint: add `[responders.nftables]` with `kind = \"nftables\"` to stockade.toml\n\
         error: none of the enabled jails can be used"
    );
    // A responder that could not be read is not unknown on top of that.
    assert_eq!(
        said("[responders.try]\nkind = \"dry-rnu\"\n", "action = try\n"),
        "error: /etc/stockade/stockade.toml:2:8: responders.try.kind: expected one of `nftables`, `command`, `fail2ban-client`, `sns`, `lambda`, `webhook`, `slack`, `email`, `sns-notice`, `log`, `repair`, `dry-run`, got: `\"dry-rnu\"`"
    );
}

const NOTE: &str = "[Definition]\nactionstart = start <name> <x>\nactionban = ban <ip> <port> <bantime> <timeout>\n\
                    actionunban =\nactionflush = flush <matches>\nnorestored = 1\n\
                    [Init]\nx = four\n[Init?family=inet6]\nx = six\n";

fn with_file(name: &str, text: &str, options: &str) -> Files {
    let mut files = door(options);
    files.0.insert("stockade.toml".into(), RESPONDERS.into());
    files.0.insert(format!("action.d/{name}"), text.into());
    files
}

fn jail(files: &Files) -> JailConfig {
    let config = files.load().unwrap_or_else(|problems| panic!("{problems}"));
    config.jail("door").unwrap().clone()
}

#[test]
fn other_action_files_run_as_they_are() {
    let options =
        "port = 22\naction = wall\n note[port=\"%(port)s\", timeout=2m, bantime=10m]\n note[name=more]\n";
    let door = jail(&with_file("note.conf", NOTE, options));
    assert_eq!(door.responders, ["wall".into(), "door/note".into(), "door/note-more".into()]);
    let ActionSpec { conditional, on_demand, norestored, timeout, bantime, .. } = door.actions[0].clone();
    assert!(conditional && on_demand && norestored);
    assert_eq!((timeout, bantime), (Duration::from_secs(120), 600));
    let command = |verb, family| door.actions[0].command(verb, family);
    assert_eq!(command(Verb::Start, Some(Family::Inet4)), "start door four");
    assert_eq!(command(Verb::Start, Some(Family::Inet6)), "start door six");
    assert_eq!(command(Verb::Ban, None), "ban <ip> 22 <bantime> 120", "what is known only at run time stays");
    assert_eq!(command(Verb::Flush, None), "flush <matches>");
    assert_eq!(command(Verb::Unban, None), "");
    assert_eq!(door.actions[1].command(Verb::Start, None), "start more four");
    assert_eq!(door.actions[1].timeout, Duration::from_secs(60));

    let said = |options: &str| told(&with_file("note.conf", NOTE, options).load());
    assert!(said("action = note\n note\n").contains("action `note` is already in this jail"));
    assert!(said("action = note[timeout=soon]\n").contains("expected a `timeout` above zero, got: `soon`"));
    assert!(said("action = noet\n").contains("did you mean `note`?"));
}

#[test]
fn stock_actions_are_the_firewall_unless_they_let_in_or_were_changed() {
    let stock =
        "[Definition]\nactionban = iptables <ip>\nactionunban = iptables -D <ip>\n[Init]\nblocktype = DROP\n";
    let who = |files: &Files| jail(files).responders[0].to_string();
    for action in ["iptables", "iptables[blocktype=DROP]", "iptables[blocktype=\"REJECT --reject-with x\"]"] {
        assert_eq!(
            who(&with_file("iptables.conf", stock, &format!("action = {action}\n"))),
            "wall",
            "{action}"
        );
    }
    let allows = "action = iptables[blocktype=RETURN, returntype=DROP]\n";
    assert_eq!(who(&with_file("iptables.conf", stock, allows)), "door/iptables");
    let changed = |text: &str| {
        let mut files = with_file("iptables.conf", stock, "action = iptables\n");
        files.0.insert("action.d/iptables.local".into(), text.into());
        who(&files)
    };
    assert_eq!(changed("[Init]\nblocktype = DROP\n"), "wall");
    assert_eq!(changed("[Definition]\nactionban = mine <ip>\n"), "door/iptables");
    // A file of the operator's own that is called so.
    assert_eq!(
        who(&with_file("iptables-mine.conf", stock, "action = iptables-mine\n")),
        "door/iptables-mine"
    );
    // No responder for the firewall: better the commands than no ban.
    let mut files = with_file("iptables.conf", stock, "action = iptables\n");
    files.0.insert("stockade.toml".into(), "[responders.try]\nkind = \"dry-run\"\n".into());
    assert_eq!(who(&files), "door/iptables");

    let said = |action: &str| told(&with_file("x.conf", stock, &format!("action = {action}\n")).load());
    assert_eq!(said("iptables[name=x, chain=\"<known/chain>\", port=1, protocol=tcp]"), "");
    assert!(
        said("iptables[chain=DOCKER-USER]")
            .contains("`chain` of `iptables` has no effect: bans hold before routing")
    );
    for action in
        ["ufw", "firewallcmd-allports", "firewallcmd-ipset[actiontype=<allports>]", "iptables-allports"]
    {
        let files = with_file("x.conf", stock, &format!("port = 22\naction = {action}\n"));
        assert_eq!(jail(&files).scope.ports, [], "{action}");
    }
    let files = with_file("x.conf", stock, "port = 22\naction = firewallcmd-rich-rules[port=80]\n");
    assert_eq!((jail(&files).scope.ports, who(&files)), (vec![(80, 80)], "wall".to_owned()));
}

#[test]
fn what_is_written_for_fail2ban_works_over_the_built_in_jails() {
    let local = "[DEFAULT]\nbanaction = nftables\n[sshd]\nbackend = %(sshd_backend)s\nlogpath = %(sshd_log)s\n\
                 port = 22,2222\naction = %(action_)s\n[roundcube]\nenabled = true\nbanaction = %(banaction_allports)s\n\
                 [nginx-http-auth]\nenabled = true\nport = 80\naction = %(action_)s\nlogpath = %(nginx_error_log)s\n";
    let config = Files::new(&[("jail.local", local)]).load().unwrap();
    assert_eq!(told(&Ok(config.clone())), "");
    let scope = |name: &str| config.jail(name).unwrap().scope.ports.clone();
    assert_eq!(scope("sshd"), [(22, 22), (2222, 2222)]);
    assert_eq!(scope("nginx-http-auth"), [(80, 80)]);
    let sshd = config.jail("sshd").unwrap();
    assert_eq!(sshd.logpaths.len(), 2);
    assert_eq!(sshd.responders, ["nftables".into()]);
    // All responders there are, if nothing is said.
    let local =
        "[roundcube]\nenabled = true\nbanaction = %(banaction_allports)s\n[sshd]\naction = %(action_)s\n";
    let config = Files::new(&[("jail.local", local), ("stockade.toml", RESPONDERS)]).load().unwrap();
    assert_eq!(told(&Ok(config.clone())), "");
    for name in ["roundcube", "sshd", "recidive"] {
        assert_eq!(
            config.jail(name).unwrap().responders,
            ["wall".into(), "report".into(), "try".into()],
            "{name}"
        );
    }
    assert_eq!(config.jail("roundcube").unwrap().scope.ports, []);
    assert_eq!(config.jail("sshd").unwrap().scope.ports, [(22, 22)]);
}
