//! One request to one address, over TLS where the address says so.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use stockade_core::ports::RespondError;
use ureq::http::{StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Error};

use super::road::{Fate, Unsent};
use super::{authority, clean};

/// How much of an answer is read.
const MAX_ANSWER_BYTES: u64 = 16 << 10;
/// How much of what an answer says is told, in characters.
const MAX_SAID: usize = 200;
/// How long to wait where the other end says that it was too much, but not for how long.
const PAUSE: Duration = Duration::from_secs(60);

/// Where requests go. Its path and query may hold a secret and are never shown.
pub(super) struct Http {
    agent: Agent,
    url: String,
    /// Scheme, host and port.
    shown: String,
    timeout: Duration,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("to", &self.shown).field("timeout", &self.timeout).finish()
    }
}

impl Http {
    /// For an address; `authority` is a file of certificates in PEM that are trusted beside the machine's.
    pub(super) fn new(url: &str, timeout: Duration, authority: Option<&Path>) -> Result<Self, RespondError> {
        let parsed: Option<Uri> = url.parse().ok();
        let parts = parsed.as_ref().and_then(|uri| {
            let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
            Some((scheme, uri.host().filter(|host| !host.is_empty())?, uri.port_u16()))
        });
        let (scheme, host, port) = parts.ok_or_else(|| RespondError {
            message: "cannot send notices: what was given as their address is no URL".to_owned(),
            hint: Some("it begins with `https://` and a host".to_owned()),
            permanent: true,
        })?;
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let shown = format!("{scheme}://{host}{port}");
        let tls = if scheme == "https" { Some(tls(authority)?) } else { None };
        let mut config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .user_agent(concat!("stockade/", env!("CARGO_PKG_VERSION")));
        if let Some(tls) = tls {
            config = config.tls_config(tls);
        }
        Ok(Self { agent: config.build().new_agent(), url: url.to_owned(), shown, timeout })
    }

    /// Sends a body of JSON. Taken is what was answered with a status from 200 to 299.
    pub(super) fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Unsent> {
        let mut request = self.agent.post(&self.url).content_type("application/json; charset=utf-8");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.send(body).map_err(|error| self.not_reached(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let wait =
            answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let said = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).lossy_utf8(true).read_to_string();
        Err(self.answered(status, wait, &said.unwrap_or_default()))
    }

    fn not_reached(&self, error: &Error) -> Unsent {
        let what = match error {
            Error::Timeout(_) => format!("no answer within {} s", self.timeout.as_secs_f32()),
            // It shows the address.
            Error::BadUri(_) => "the address cannot be used".to_owned(),
            Error::Io(error) => error.to_string(),
            error => error.to_string(),
        };
        Unsent::blocked(format!("cannot send a message to {}: {}", self.shown, clean::line(&what, MAX_SAID)))
    }

    fn answered(&self, status: StatusCode, wait: Option<u64>, said: &str) -> Unsent {
        let code = status.as_u16();
        let said = match clean::line(said, MAX_SAID) {
            said if said.is_empty() => String::new(),
            said => format!(": {said}"),
        };
        let unsent = Unsent::blocked(format!("{} answered {code}{said}", self.shown));
        let unsent = match code {
            300..=399 => unsent.hint("redirects are not followed: set the address that it leads to"),
            401 | 403 => unsent.hint("see whether the address and the secret are right, and still hold"),
            404 | 410 => unsent.hint("see whether the address is right, and still there"),
            _ => unsent,
        };
        let fate = match (code, wait) {
            (429, wait) => Fate::NotBefore(wait.map_or(PAUSE, Duration::from_secs)),
            (503, Some(wait)) => Fate::NotBefore(Duration::from_secs(wait)),
            (400 | 413 | 415 | 422, _) => Fate::Refused,
            _ => Fate::Blocked,
        };
        Unsent { fate, ..unsent }
    }
}

/// TLS as the machine trusts others, and the authority if one is given.
fn tls(authority: Option<&Path>) -> Result<TlsConfig, RespondError> {
    let native = rustls_native_certs::load_native_certs();
    let mut roots: Vec<Certificate<'static>> =
        native.certs.iter().map(|cert| Certificate::from_der(cert).to_owned()).collect();
    if let Some(path) = authority {
        roots.extend(read_authority(path)?);
    }
    if roots.is_empty() {
        let why = native.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(RespondError {
            message: format!(
                "cannot trust anybody over TLS: this machine has no certificates of authorities{why}"
            ),
            hint: Some("install the package `ca-certificates`".to_owned()),
            permanent: true,
        });
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

fn read_authority(path: &Path) -> Result<Vec<Certificate<'static>>, RespondError> {
    let wrong = |why: &dyn fmt::Display| RespondError {
        message: format!("cannot read the certificates in `{}`: {why}", path.display()),
        hint: Some("the file holds certificates in PEM: `-----BEGIN CERTIFICATE-----`".to_owned()),
        permanent: true,
    };
    let pem = authority::read(path).map_err(|error| wrong(&error))?;
    let items = ureq::tls::parse_pem(&pem);
    let certs = items.filter_map(|item| match item {
        Ok(ureq::tls::PemItem::Certificate(cert)) => Some(Ok(cert)),
        Ok(_) => None,
        Err(error) => Some(Err(wrong(&error))),
    });
    let certs: Vec<_> = certs.collect::<Result<_, _>>()?;
    if certs.is_empty() { Err(wrong(&"there are none")) } else { Ok(certs) }
}
