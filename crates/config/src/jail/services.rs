//! The ports behind the names of services.

use std::collections::HashMap;

use stockade_core::ports::Protocol;

/// Names of services: those of this machine, and for all it does not know those that jails name commonly.
#[derive(Debug, Default)]
pub(crate) struct Services {
    ports: HashMap<String, Vec<(u16, Option<Protocol>)>>,
}

/// As registered with IANA, and older names. All of them are the same port in TCP and UDP.
const COMMON: &[(&str, u16)] = &[
    ("auth", 113),
    ("domain", 53),
    ("ftp", 21),
    ("ftp-data", 20),
    ("ftps", 990),
    ("ftps-data", 989),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("imap", 143),
    ("imap2", 143),
    ("imap3", 220),
    ("imaps", 993),
    ("ldap", 389),
    ("ldaps", 636),
    ("mysql", 3306),
    ("nntp", 119),
    ("nntps", 563),
    ("ntp", 123),
    ("openvpn", 1194),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgresql", 5432),
    ("rsync", 873),
    ("sieve", 4190),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("smtp", 25),
    ("smtps", 465),
    ("socks", 1080),
    ("ssh", 22),
    ("ssmtp", 465),
    ("submission", 587),
    ("submissions", 465),
    ("telnet", 23),
    ("tftp", 69),
    ("urd", 465),
    ("webmin", 10000),
    ("www", 80),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
];

impl Services {
    /// Reads the form of `/etc/services`: name, port and protocol, other names. Lines of another form mean nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut services = Self::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
            let Some((port, protocol)) = port.split_once('/') else { continue };
            let protocol = match protocol {
                "tcp" => Protocol::Tcp,
                "udp" => Protocol::Udp,
                _ => continue,
            };
            let Ok(port) = port.parse() else { continue };
            for name in std::iter::once(name).chain(words) {
                services.ports.entry(name.to_lowercase()).or_default().push((port, Some(protocol)));
            }
        }
        for (name, port) in COMMON {
            services.ports.entry((*name).to_owned()).or_insert_with(|| vec![(*port, None)]);
        }
        services
    }

    /// The ports of a service: those in these protocols, or if it has none in them, in any.
    pub(crate) fn ports(&self, name: &str, protocols: &[Protocol]) -> Vec<u16> {
        let Some(all) = self.ports.get(&name.to_lowercase()) else { return Vec::new() };
        let fits =
            |protocol: &Option<Protocol>| protocol.is_none_or(|protocol| protocols.contains(&protocol));
        let fitting: Vec<_> =
            all.iter().filter(|(_, protocol)| fits(protocol)).map(|(port, _)| *port).collect();
        if fitting.is_empty() { all.iter().map(|(port, _)| *port).collect() } else { fitting }
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.ports.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_counts_more_than_what_is_common() {
        let services = Services::parse(
            "# x\nssh 2222/tcp secure\nodd 7/udp\nodd 8/tcp # odd\nbad\nno 70000/tcp\nn 1/ddp\n",
        );
        let tcp = |name| services.ports(name, &[Protocol::Tcp]);
        assert_eq!([tcp("ssh"), tcp("Secure"), tcp("odd")], [vec![2222], vec![2222], vec![8]]);
        assert_eq!(services.ports("odd", &[Protocol::Tcp, Protocol::Udp]), [7, 8]);
        assert_eq!(services.ports("odd", &[]), [7, 8]);
        assert_eq!(
            [tcp("no"), tcp("n"), tcp("bad"), tcp("nothing")],
            [const { Vec::new() }; 4] as [Vec<u16>; 4]
        );
        assert_eq!([tcp("https"), services.ports("domain", &[Protocol::Udp])], [vec![443], vec![53]]);
    }
}
