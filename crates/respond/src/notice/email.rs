//! E-mail, by a mail server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lettre::Transport as _;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mail};
use lettre::transport::smtp::SmtpTransport;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use stockade_core::ports::RespondError;
use stockade_core::{MatchId, Timestamp};

use super::about::Book;
use super::limits::Limits;
use super::message::Message;
use super::road::{Fate, Road, Unsent};
use super::teller::Teller;
use super::{authority, clean};

/// How much of what a server says is told, in characters.
const MAX_SAID: usize = 300;

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// In the clear: only to this machine itself.
    Plain,
    /// Encrypted from the greeting on, or not at all.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
}

/// Where mail goes, and from whom to whom.
#[derive(Clone)]
pub struct Post {
    /// The mail server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: Security,
    /// The sender: `stockade@example.com`, `Stockade <stockade@example.com>`.
    pub from: String,
    /// The recipients, at least one. All of them get a mail, or it counts as not sent.
    pub to: Vec<String>,
    /// Name and password, where the server wants them.
    pub login: Option<(String, String)>,
    /// How long one answer of the server may take.
    pub timeout: Duration,
    /// A file of certificates in PEM that are trusted beside the machine's.
    pub authority: Option<PathBuf>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("user", &self.login.as_ref().map(|(user, _)| user))
            .finish_non_exhaustive()
    }
}

/// The road by e-mail.
pub struct Email {
    transport: SmtpTransport,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// For errors.
    server: String,
}

impl Email {
    /// The name of the responder over it.
    pub const NAME: &'static str = "email";
    /// The time that one answer has unless something else is wanted.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// A responder that sends mail. Nothing is sent yet, and no server asked.
    ///
    /// # Errors
    /// If an address is none, the certificates cannot be read, or a server that is not this machine is to be spoken to in
    /// the clear.
    pub fn teller(post: &Post, limits: Limits, book: Arc<Book>) -> Result<Teller<Self>, RespondError> {
        let server = format!("{}:{}", post.host, post.port);
        let tls = match post.security {
            Security::Plain if !is_loopback(&post.host) => {
                return Err(wrong(
                    format!("cannot send mail by `{server}` in the clear: it is not this machine"),
                    "use `starttls` or `tls`",
                ));
            }
            Security::Plain => Tls::None,
            Security::StartTls => Tls::Required(parameters(post)?),
            Security::Tls => Tls::Wrapper(parameters(post)?),
        };
        let mut transport =
            SmtpTransport::builder_dangerous(&post.host).port(post.port).tls(tls).timeout(Some(post.timeout));
        if let Some((user, password)) = &post.login {
            transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
        }
        if is_host(&book.host) {
            transport = transport.hello_name(ClientId::Domain(book.host.clone()));
        }
        let from = mailbox(&post.from)?;
        let to = post.to.iter().map(|one| mailbox(one)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(wrong("cannot send mail: there is nobody to send it to".to_owned(), "set `to`"));
        }
        Ok(Teller::new(Self { transport: transport.build(), from, to, server }, limits, book))
    }

    fn mail(&self, message: &Message, now: Timestamp) -> Result<Mail, lettre::error::Error> {
        let ids = message.stories.iter().map(|story| format!("{:032x}", story.id.0));
        let id = MatchId::derive(&ids.collect::<String>(), "mail", "", message.count as u64, 0);
        let seconds = u64::try_from(now.as_secs()).unwrap_or_default();
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(message.subject())
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            // The same mail, sent again because nobody said that it had arrived, is known as the same.
            .message_id(Some(format!("<{:032x}@{}>", id.0, self.from.email.domain())))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        mail.body(message.text())
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Road for Email {
    const NAME: &'static str = Self::NAME;

    fn send(&mut self, message: &Message, now: Timestamp) -> Result<(), Unsent> {
        let tried = format!("cannot send mail by {}", self.server);
        let mail = self.mail(message, now).map_err(|error| Unsent {
            message: format!("{tried}: {error}"),
            hint: None,
            fate: Fate::Refused,
        })?;
        let Err(error) = self.transport.send(&mail) else { return Ok(()) };
        let unsent = Unsent::blocked(format!("{tried}: {}", clean::line(&chain(&error), MAX_SAID)));
        let code = error.status().map(u16::from);
        let unsent = match code {
            Some(530 | 534 | 535 | 538) => unsent.hint("see whether `user` and `password` are right"),
            _ if error.is_tls() => unsent.hint("see whether `tls` and `port` are what the server wants"),
            _ => unsent,
        };
        // What the server says of this mail, or of whom it is for, it need not say of the next.
        let alone = matches!(code, Some(450..=452 | 550..=554));
        Err(if alone { Unsent { fate: Fate::Alone, ..unsent } } else { unsent })
    }
}

/// Says that no person wrote it, so that no answering machine answers (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

fn parameters(post: &Post) -> Result<TlsParameters, RespondError> {
    let mut parameters = TlsParameters::builder(post.host.clone());
    if let Some(path) = &post.authority {
        for cert in certificates(path)? {
            parameters = parameters.add_root_certificate(cert);
        }
    }
    parameters.build().map_err(|error| {
        wrong(
            format!("cannot speak TLS to `{}`: {}", post.host, chain(&error)),
            "see whether `server` is a host's name",
        )
    })
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, RespondError> {
    let read = authority::read(path).map_err(|error| error.to_string());
    let certs = read.and_then(|pem| {
        // Each by itself: lettre reads the first of a text alone.
        let text = String::from_utf8_lossy(&pem);
        let parts =
            text.split_inclusive("-----END CERTIFICATE-----").filter(|part| part.contains("BEGIN CERT"));
        parts
            .map(|part| Certificate::from_pem(part.as_bytes()).map_err(|error| chain(&error)))
            .collect::<Result<Vec<_>, _>>()
    });
    match certs {
        Ok(certs) if !certs.is_empty() => Ok(certs),
        Ok(_) => Err("there are none".to_owned()),
        Err(why) => Err(why),
    }
    .map_err(|why| {
        wrong(
            format!("cannot read the certificates in `{}`: {why}", path.display()),
            "the file holds certificates in PEM: `-----BEGIN CERTIFICATE-----`",
        )
    })
}

fn mailbox(text: &str) -> Result<Mailbox, RespondError> {
    text.parse().map_err(|error| {
        wrong(
            format!("cannot send mail: `{}` is no address: {error}", clean::line(text, MAX_SAID)),
            "write it as `name@example.com`",
        )
    })
}

fn wrong(message: String, hint: &str) -> RespondError {
    RespondError { message, hint: Some(hint.to_owned()), permanent: true }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|addr| addr.to_canonical().is_loopback())
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text += &format!(": {more}");
        }
        cause = error.source();
    }
    text
}
