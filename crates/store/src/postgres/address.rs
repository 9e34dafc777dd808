//! Where the database is and how it is spoken to: libpq's connection string, with its passwords kept to ourselves.

use std::path::{Path, PathBuf};

use stockade_core::ports::{StoreError, StoreErrorKind};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, KEEPALIVE, LOCK_TIMEOUT, SCHEMA, error, passfile, tls};

/// A connection string that was understood.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: tls::Trust,
    /// For messages: without passwords.
    pub(super) shown: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// What of the connection string is ours to read, as its client library does not know it.
#[derive(Default)]
struct Ours {
    sslmode: Option<String>,
    sslrootcert: Option<String>,
    passfile: Option<String>,
}

impl Address {
    /// Reads `postgresql://…`; `shown` is the same without passwords. `env` reads an environment variable.
    pub(super) fn parse(
        url: &str,
        shown: &str,
        durable: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, StoreError> {
        let unusable = |what: &str| {
            error::refused(
                StoreErrorKind::Other,
                format!("cannot use `{shown}`: {what}"),
                "write `postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full`; what is no letter or digit in a \
                 name or password is written with `%` and two digits",
            )
        };
        let (url, ours) = split(url).ok_or_else(|| unusable("it is not text in UTF-8"))?;
        let mut config: Config = url.parse().map_err(|e| unusable(&error::reason_of(&e)))?;
        if config.get_user().is_none() {
            let user = env("PGUSER").or_else(|| env("USER")).unwrap_or_else(|| "stockade".to_owned());
            config.user(user);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host(env("PGHOST").unwrap_or_else(|| "/var/run/postgresql".to_owned()));
        }
        if config.get_password().is_none() {
            let home = || env("HOME").map(|home| Path::new(&home).join(".pgpass"));
            let file = ours.passfile.clone().or_else(|| env("PGPASSFILE")).map(PathBuf::from).or_else(home);
            let password = env("PGPASSWORD")
                .filter(|password| !password.is_empty())
                .or_else(|| passfile::look_up(&file?, &config));
            if let Some(password) = password {
                config.password(password);
            }
        }
        let sockets_only = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let root = ours.sslrootcert.or_else(|| env("PGSSLROOTCERT"));
        let mode = ours.sslmode.or_else(|| env("PGSSLMODE")).unwrap_or_else(|| "prefer".to_owned());
        let (ssl, tls) = tls::Trust::of(&mode, root.as_deref()).ok_or_else(|| {
            unusable("`sslmode` is one of `disable`, `prefer`, `require`, `verify-ca`, `verify-full`")
        })?;
        config.ssl_mode(if sockets_only { SslMode::Disable } else { ssl });
        settle(&mut config, durable);
        Ok(Self { config, tls, shown: shown.to_owned() })
    }
}

/// Takes out of the query what the client library does not know.
fn split(url: &str) -> Option<(String, Ours)> {
    let Some((address, query)) = url.split_once('?') else { return Some((url.to_owned(), Ours::default())) };
    let mut ours = Ours::default();
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let slot = match name {
            "sslmode" => &mut ours.sslmode,
            "sslrootcert" => &mut ours.sslrootcert,
            "passfile" => &mut ours.passfile,
            _ => {
                rest.push(pair);
                continue;
            }
        };
        *slot = Some(decoded(value)?);
    }
    let query = rest.join("&");
    Some((if query.is_empty() { address.to_owned() } else { format!("{address}?{query}") }, ours))
}

/// A value of a URL, with `%2F` and the like put back.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What every session of ours has: nobody waits for ever, neither we for the server nor other hosts for us.
fn settle(config: &mut Config, durable: bool) {
    config.application_name("stockade").connect_timeout(CONNECT_TIMEOUT);
    config
        .keepalives(true)
        .keepalives_idle(KEEPALIVE)
        .keepalives_interval(KEEPALIVE / 3)
        .keepalives_retries(3);
    config.tcp_user_timeout(ANSWER_TIMEOUT);
    let millis = |time: std::time::Duration| time.as_millis();
    let mut options = config.get_options().map(|own| format!("{own} ")).unwrap_or_default();
    options += &format!(
        "-c search_path={SCHEMA} -c statement_timeout={} -c lock_timeout={} \
         -c idle_in_transaction_session_timeout={} -c tcp_keepalives_idle={} -c TimeZone=UTC",
        millis(ANSWER_TIMEOUT),
        millis(LOCK_TIMEOUT),
        millis(ANSWER_TIMEOUT),
        KEEPALIVE.as_secs(),
    );
    if durable {
        options += " -c synchronous_commit=on";
    }
    config.options(options);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, env: &[(&str, &str)]) -> Result<Address, StoreError> {
        let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        Address::parse(url, "shown", false, &env)
    }

    #[test]
    fn what_is_not_said_comes_from_the_environment() {
        let address = parse("postgresql:///fleet", &[("PGUSER", "u"), ("PGPASSWORD", "p")]).unwrap();
        assert_eq!(address.config.get_user(), Some("u"));
        assert_eq!(address.config.get_password(), Some(&b"p"[..]));
        assert!(matches!(address.config.get_hosts(), [Host::Unix(_)]));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Disable);
        let address = parse("postgresql://a:b@h/d", &[("PGUSER", "u"), ("PGPASSWORD", "p")]).unwrap();
        assert_eq!(address.config.get_password(), Some(&b"b"[..]));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Prefer);
    }

    #[test]
    fn how_much_is_trusted_is_read() {
        for (mode, ssl) in [
            ("disable", SslMode::Disable),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::Require),
            ("verify-full", SslMode::Require),
        ] {
            let address = parse(&format!("postgres://h/d?sslmode={mode}&connect_timeout=2"), &[]).unwrap();
            assert_eq!(address.config.get_ssl_mode(), ssl, "{mode}");
        }
        assert!(parse("postgres://h/d?sslmode=allow", &[]).is_err());
    }

    #[test]
    fn an_error_says_no_password() {
        for url in [
            "postgresql://u:pa55@h:port/d",
            "postgresql://u:pa55@h/d?secret=1",
            "postgresql://u:pa55@h/d?sslmode=x",
        ] {
            let error = parse(url, &[]).unwrap_err();
            assert!(!format!("{error:?}").contains("pa55"), "{error:?}");
        }
    }

    #[test]
    fn values_are_decoded() {
        assert_eq!(decoded("%2Fetc%2Fa%20b"), Some("/etc/a b".to_owned()));
        assert_eq!(decoded("%2"), None);
        assert_eq!(decoded("%ff"), None);
    }
}
