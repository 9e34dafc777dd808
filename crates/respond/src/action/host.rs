//! Names of machines: this one's, and that of an address.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use crate::run::{Ended, Run};

/// How long the name service may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// This machine's name as it calls itself.
pub(super) fn short() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}

/// This machine's name with its domain, if the name service knows one.
pub(super) fn full() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let qualified = |name: &String| name.contains('.');
        let names = || ask(short()).into_iter().find(qualified);
        Some(short().to_owned()).filter(qualified).or_else(names).unwrap_or_else(|| short().to_owned())
    })
}

/// The name of an address. Whoever owns the address chose it.
pub(super) fn name_of(addr: IpAddr) -> Option<String> {
    ask(&addr.to_string()).into_iter().next()
}

/// The names that the system's name service has for a name or an address, which is no option of a program.
fn ask(what: &str) -> Vec<String> {
    let arguments = ["hosts".into(), "--".into(), what.into()];
    let run = Run {
        program: "getent".as_ref(),
        arguments: &arguments,
        variables: &[],
        inherit: false,
        output: true,
        timeout: TIMEOUT,
    };
    match run.to_end() {
        Ended::Well { said } => {
            let is_name = |word: &&str| word.parse::<IpAddr>().is_err();
            said.split_whitespace().filter(is_name).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_and_the_loopback_too() {
        assert!(!short().is_empty() && full().starts_with(short().split('.').next().unwrap()));
        assert_eq!(name_of("127.0.0.1".parse().unwrap()).as_deref(), Some("localhost"));
        assert_eq!(ask("-x"), Vec::<String>::new());
    }
}
