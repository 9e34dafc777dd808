//! The table as `nft` sees it: its shape, what a change of jails does to it, and that nothing else is touched.

use stockade_core::ports::{Protocol, Responder, Scope};
use stockade_core::{Outcome, Timestamp};
use stockade_respond::Nftables;

use crate::support::namespace::Namespace;
use crate::support::{apply, ban, current_keys, everywhere, in_secs, now, tcp, unban};

/// What the table looks like for [`scopes`] and one network, in nft's words.
const SHAPE: &str = r#"table inet stockade {
	comment "bans of Stockade; changes by hand are undone"
	set addr4-recidive {
		type ipv4_addr
		flags timeout
		gc-interval 30s
	}

	set addr4-web.3d7d50f619ea6089 {
		type ipv4_addr
		flags timeout
		gc-interval 30s
	}

	set addr6-recidive {
		type ipv6_addr
		flags timeout
		gc-interval 30s
	}

	set addr6-web.3d7d50f619ea6089 {
		type ipv6_addr
		flags timeout
		gc-interval 30s
	}

	set net4-20-recidive {
		type ipv4_addr
		flags timeout
		gc-interval 30s
		elements = { 198.51.96.0 }
	}

	set net6-64-recidive {
		type ipv6_addr
		flags timeout
		gc-interval 30s
		elements = { 2001:db8:: }
	}

	chain jail-recidive {
		comment "recidive"
		ip saddr @addr4-recidive counter drop
		ip6 saddr @addr6-recidive counter drop
		ip saddr & 255.255.240.0 == @net4-20-recidive counter drop
		ip6 saddr & ffff:ffff:ffff:ffff:: == @net6-64-recidive counter drop
	}

	chain jail-web.3d7d50f619ea6089 {
		comment "web?"
		ip saddr @addr4-web.3d7d50f619ea6089 counter drop
		ip6 saddr @addr6-web.3d7d50f619ea6089 counter drop
	}

	chain prerouting {
		type filter hook prerouting priority raw; policy accept;
		jump jail-recidive
		tcp dport 80 jump jail-web.3d7d50f619ea6089
		tcp dport 443-449 jump jail-web.3d7d50f619ea6089
		udp dport 80 jump jail-web.3d7d50f619ea6089
		udp dport 443-449 jump jail-web.3d7d50f619ea6089
	}
}
"#;

fn scopes() -> [Scope; 2] {
    let protocols = vec![Protocol::Udp, Protocol::Tcp];
    // Ranges that overlap, hold each other or touch, and a name that nft could not hold.
    let web = Scope {
        jail: "web\"".into(),
        ports: vec![(445, 448), (443, 446), (444, 444), (449, 449), (80, 80)],
        protocols,
    };
    [web, everywhere("recidive")]
}

fn prepared(namespace: &Namespace, scopes: &[Scope]) -> Nftables {
    let mut nftables = namespace.run(|| Nftables::open().unwrap());
    nftables.prepare(scopes).unwrap();
    nftables
}

#[test]
fn the_table_is_what_it_is_said_to_be() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace, &scopes());
    let networks =
        ["198.51.96.0/20", "2001:db8::/64"].map(|network| ban("recidive", network, Timestamp::MAX));
    apply(&mut nftables, &networks, &[]);
    assert_eq!(namespace.nft_list("ruleset"), SHAPE);
}

#[test]
fn our_rules_are_byte_for_byte_those_that_nft_would_make() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace, &scopes());
    let networks =
        ["198.51.96.0/20", "2001:db8::/64"].map(|network| ban("recidive", network, Timestamp::MAX));
    apply(&mut nftables, &networks, &[]);
    // What the kernel holds, in the words of its virtual machine: `[ payload load 4b @ network header + 12 => reg 1 ]`.
    let program = |namespace: &Namespace| {
        let listing = namespace.program("nft", &["--debug=netlink", "-s", "list", "ruleset"], "");
        let lines = listing.lines().filter(|line| line.trim_start().starts_with("[ "));
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let other = Namespace::new().unwrap();
    // nft lists `& mask == @set` and reads only `& mask @set`.
    other.nft(&SHAPE.replace(" == @", " @"));
    assert_eq!(program(&namespace), program(&other));
    assert!(program(&namespace).len() > 40);
}

#[test]
fn preparing_again_changes_nothing_at_all() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace, &scopes());
    apply(&mut nftables, &[ban("recidive", "198.51.96.0/20", in_secs(600))], &[]);
    // With handles, which a rule that is made anew does not keep.
    let listing = || namespace.program("nft", &["-a", "-s", "list", "table", "inet", "stockade"], "");
    let without_times =
        |text: String| text.lines().filter(|line| !line.contains("elements")).collect::<String>();
    let before = without_times(listing());
    nftables.prepare(&scopes()).unwrap();
    assert_eq!(without_times(listing()), before);
    drop(nftables);
    let mut nftables = prepared(&namespace, &scopes());
    assert_eq!(without_times(listing()), before);
    assert_eq!(current_keys(&mut nftables), ["recidive 198.51.96.0/20"]);
}

#[test]
fn other_ports_change_the_jumps_and_leave_bans_and_counters_alone() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace, &[tcp("sshd", &[(22, 22)])]);
    apply(&mut nftables, &[ban("sshd", "127.0.0.7", in_secs(600))], &[]);
    namespace.run(|| {
        let socket = std::net::TcpStream::connect_timeout(
            &"127.0.0.1:22".parse().unwrap(),
            std::time::Duration::from_secs(5),
        );
        assert!(socket.is_err(), "nobody listens");
        let socket =
            rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None)
                .unwrap();
        rustix::net::bind(&socket, &"127.0.0.7:0".parse::<std::net::SocketAddr>().unwrap()).unwrap();
        let soon = Some(std::time::Duration::from_millis(100));
        rustix::net::sockopt::set_socket_timeout(&socket, rustix::net::sockopt::Timeout::Send, soon).unwrap();
        rustix::net::connect(&socket, &"127.0.0.1:22".parse::<std::net::SocketAddr>().unwrap()).unwrap_err();
    });
    nftables.prepare(&[tcp("sshd", &[(2222, 2222)]), tcp("web", &[(80, 80)])]).unwrap();
    let listing = namespace.program("nft", &["list", "table", "inet", "stockade"], "");
    assert!(listing.contains("tcp dport 2222 jump jail-sshd"), "{listing}");
    assert!(!listing.contains("tcp dport 22 "), "{listing}");
    assert!(listing.contains("@addr4-sshd counter packets 1 bytes 60 drop"), "{listing}");
    assert_eq!(current_keys(&mut nftables), ["sshd 127.0.0.7"]);
}

#[test]
fn what_belongs_to_no_jail_any_more_goes() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace, &[everywhere("old"), everywhere("kept")]);
    let add = [ban("old", "192.0.2.1", in_secs(600)), ban("old", "192.0.2.0/24", in_secs(600))];
    apply(&mut nftables, &add, &[]);
    // And things that somebody else put into our table.
    namespace.nft(
        "table inet stockade { set theirs { type ipv4_addr; }; map away { type ipv4_addr : verdict; }; chain theirs { \
         type filter hook input priority 0; ip saddr @theirs accept; ip saddr vmap @away; jump jail-kept; }; \
         chain prerouting { tcp dport { 22, 80 } accept; }; }",
    );
    nftables.prepare(&[everywhere("kept")]).unwrap();
    let only_kept = namespace.nft_list("table inet stockade");
    namespace.nft("delete table inet stockade");
    nftables.prepare(&[everywhere("kept")]).unwrap();
    assert_eq!(namespace.nft_list("table inet stockade"), only_kept);
}

#[test]
fn no_other_table_is_touched() {
    let Some(namespace) = Namespace::new() else { return };
    for family in ["ip", "ip6", "inet", "arp"] {
        let name = if family == "inet" { "stockade2" } else { "stockade" };
        namespace.nft(&format!(
            "table {family} {name} {{ chain c {{ counter drop; }}; set s {{ type mark; }}; }}"
        ));
    }
    let before = namespace.nft_list("ruleset");
    let mut nftables = prepared(&namespace, &scopes());
    apply(&mut nftables, &[ban("recidive", "192.0.2.1", in_secs(600))], &[]);
    assert_ne!(namespace.nft_list("ruleset"), before);
    nftables.flush().unwrap();
    assert_eq!(namespace.nft_list("ruleset"), before);
}

#[test]
fn a_plan_may_hold_what_is_not_for_a_firewall() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace, &[everywhere("a")]);
    let plan = stockade_core::ports::Plan {
        add: vec![
            ban("a", "root", in_secs(600)),
            ban("a", "0.0.0.0/0", in_secs(600)),
            ban("a", "::/0", in_secs(600)),
            ban("b", "192.0.2.1", in_secs(600)),
            ban("a", "192.0.2.2", now()), // over already
            ban("a", "192.0.2.3", in_secs(600)),
        ],
        remove: vec![unban("a", "root"), unban("a", "0.0.0.0/0"), unban("b", "192.0.2.1")],
    };
    let outcomes = nftables.apply(&plan, now()).unwrap();
    for outcome in &outcomes[..3] {
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    }
    assert!(matches!(&outcomes[3], Outcome::Failed { error } if error.contains("`b`")), "{outcomes:?}");
    assert_eq!(outcomes[4..], [(); 5].map(|()| Outcome::Done));
    assert_eq!(current_keys(&mut nftables), ["a 192.0.2.3"]);
}

#[test]
fn mistakes_in_scopes_are_told_and_change_nothing() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = namespace.run(|| Nftables::open().unwrap());
    let error = nftables.prepare(&[tcp("sshd", &[(90, 80)])]).unwrap_err();
    assert_eq!(error.message, "the ports `90-80` of the jail `sshd` end before they begin");
    assert!(error.permanent);
    assert_eq!(namespace.nft_list("ruleset"), "");
}
