//! A jail's ports in words.

use stockade_core::ports::{Protocol, Scope};

/// `22,80-90`; empty for all ports.
pub(crate) fn port_list(scope: &Scope) -> String {
    let range =
        |(low, high): &(u16, u16)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    scope.ports.iter().map(range).collect::<Vec<_>>().join(",")
}

/// `tcp,udp`.
pub(crate) fn protocol_list(scope: &Scope) -> String {
    let name = |protocol: &Protocol| match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    scope.protocols.iter().map(name).collect::<Vec<_>>().join(",")
}

/// `tcp,udp 22,80-90`.
pub(crate) fn ports_text(scope: &Scope) -> String {
    let protocols = if scope.protocols.is_empty() { "tcp,udp".to_owned() } else { protocol_list(scope) };
    format!("{protocols} {}", port_list(scope))
}
