//! Which responders carry out what a jail decides, and on which packets.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::{door, told};
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
    assert_eq!(responders("action = iptables-ipset-proto6[x=1]\n report[y=2]\n"), ["wall", "report"]);
    assert_eq!(responders("banaction = ipset\n"), ["wall"]);
}

#[test]
fn actions_that_are_none_are_errors() {
    let said = |toml: &str, options: &str| {
        let mut files = door(options);
        files.0.insert("stockade.toml".into(), toml.into());
        files.0.insert("action.d/own-thing.conf".into(), b"[Definition]\nactionban = x\n".to_vec());
        told(&files.load())
    };
    assert_eq!(
        said(RESPONDERS, "action = tyr\n wall\n sendmail-whois[x=1]\n own-thing\n what\n smtp.py\n"),
        "error: /etc/stockade/jail.local:2: [door] action: unknown responder `tyr`\n  hint: did you mean `try`?\n\
         error: /etc/stockade/jail.local:2: [door] action: action `sendmail-whois` is a file of commands, which this version does not run\n  \
         hint: running fail2ban's action files comes with a later version; responders: `wall`, `report`, `try`\n\
         error: /etc/stockade/jail.local:2: [door] action: action `own-thing` is a file of commands, which this version does not run\n  \
         hint: running fail2ban's action files comes with a later version; responders: `wall`, `report`, `try`\n\
         error: /etc/stockade/jail.local:2: [door] action: unknown responder `what`\n  hint: known responders: `wall`, `report`, `try`\n\
         error: /etc/stockade/jail.local:2: [door] action: action `smtp.py` is a file of commands, which this version does not run\n  \
         hint: running fail2ban's action files comes with a later version; responders: `wall`, `report`, `try`\n\
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
        "error: /etc/stockade/stockade.toml:2:8: responders.try.kind: expected one of `nftables`, `command`, `dry-run`, got: `\"dry-rnu\"`"
    );
}
