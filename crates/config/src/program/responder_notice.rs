//! `kind = "webhook"`, `"slack"`, `"email"` and `"sns-notice"`: responders that tell people and other programs.

use std::net::IpAddr;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::document::Entry;
use super::notices::{EmailConfig, MailTls, Pace, SlackConfig, SnsNoticeConfig, WebhookConfig};
use super::responder_aws::TOPIC_NAME;
use super::responders::{One, entry};
use super::value::{Kind, Parsed, span_text};
use super::{ResponderKind, Secret};
use crate::limits::{MAX_HOST_BYTES, MAX_MAILBOX_BYTES, MAX_RECIPIENTS};

const URL: &str = "`https://…`, or `env:NAME` or `file:/path` for where it stands";
const SECRET: &str = "`env:NAME` or `file:/path`: the secret itself does not stand here";
const SERVER: &str = "the name of a mail server, with its port if wanted: `mail.example.com:587`";
const FROM: Kind =
    Kind::Text { expected: "an address such as `Stockade <stockade@example.com>`", fits: is_mailbox };
const TO: &str = "a list of addresses such as `[\"ops@example.com\"]`";
const USER: Kind = Kind::Text { expected: "the name to log in with", fits: is_user };
const GROUP: Kind = Kind::Span { min: Duration::ZERO };
const MESSAGES: Kind = Kind::Count { min: 1, max: 10_000 };
const PER: Kind = Kind::Span { min: Duration::from_secs(1) };

impl One<'_, '_> {
    pub(super) fn webhook(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<ResponderKind> {
        let url = self.needed_url(table, header);
        let secret = self.secret(table, "secret");
        let timeout = self.timeout(table, ResponderKind::NOTICE_TIMEOUT);
        let ca = self.ca(table);
        let pace = self.pace(table);
        let (url, secret, timeout, ca, pace) = (url?, secret?, timeout?, ca?, pace?);
        Some(ResponderKind::Webhook(WebhookConfig { url, secret, timeout, ca, pace }))
    }

    pub(super) fn slack(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<ResponderKind> {
        let url = self.needed_url(table, header);
        let unban = self.flag(table, "unban", false);
        let timeout = self.timeout(table, ResponderKind::NOTICE_TIMEOUT);
        let pace = self.pace(table);
        Some(ResponderKind::Slack(SlackConfig { url: url?, unban: unban?, timeout: timeout?, pace: pace? }))
    }

    pub(super) fn sns_notice(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<ResponderKind> {
        let topic = self.needed_text(table, header, "topic", TOPIC_NAME);
        let unban = self.flag(table, "unban", false);
        let place = self.aws_place(table);
        let pace = self.pace(table);
        let (topic, unban, place, pace) = (topic?, unban?, place?, pace?);
        Some(ResponderKind::SnsNotice(SnsNoticeConfig { topic, unban, place, pace }))
    }

    pub(super) fn email(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<ResponderKind> {
        let server = self.server(table, header);
        let tls = self.tls(table, server.as_ref().map(|(host, _)| host.as_str()));
        let from = self.needed_text(table, header, "from", FROM);
        let to = self.recipients(table, header);
        let login = self.login(table, header);
        let unban = self.flag(table, "unban", false);
        let timeout = self.timeout(table, ResponderKind::NOTICE_TIMEOUT);
        let ca = self.ca(table);
        let pace = self.pace(table);
        let ((host, port), tls) = (server?, tls?);
        let port = port.unwrap_or(tls.port());
        let (from, to, login, unban, timeout) = (from?, to?, login?, unban?, timeout?);
        let config = EmailConfig { host, port, tls, from, to, login, unban, timeout, ca: ca?, pace: pace? };
        Some(ResponderKind::Email(Box::new(config)))
    }

    fn pace(&mut self, table: &DeTable<'_>) -> Option<Pace> {
        let usual = Pace::default();
        let group = self.span(table, "group", GROUP, usual.group);
        let messages = match self.value(table, "messages", MESSAGES) {
            Some(Parsed::Count(count)) => u32::try_from(count).ok(),
            None if !table.contains_key("messages") => Some(usual.messages),
            _ => None,
        };
        let per = self.span(table, "per", PER, usual.per);
        Some(Pace { group: group?, messages: messages?, per: per? })
    }

    fn needed_url(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<Secret> {
        let Some(found) = entry(table, "url") else {
            self.missing("url", URL.to_owned(), header);
            return None;
        };
        let url = found.value.as_str().and_then(Secret::parse_url);
        if url.is_none() {
            self.wrong_hidden("url", URL, &found);
        }
        url
    }

    /// Outer `None`: what stands there is wrong.
    fn secret(&mut self, table: &DeTable<'_>, name: &str) -> Option<Option<Secret>> {
        let Some(found) = entry(table, name) else { return Some(None) };
        let secret = found.value.as_str().and_then(Secret::parse);
        if secret.is_none() {
            self.wrong_hidden(name, SECRET, &found);
        }
        secret.map(Some)
    }

    fn ca(&mut self, table: &DeTable<'_>) -> Option<Option<std::path::PathBuf>> {
        match self.value(table, "ca", Kind::OptionalPath) {
            Some(Parsed::Path(path)) => Some(Some(path).filter(|path| !path.as_os_str().is_empty())),
            None if !table.contains_key("ca") => Some(None),
            _ => None,
        }
    }

    fn server(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<(String, Option<u16>)> {
        let Some(found) = entry(table, "server") else {
            self.missing("server", SERVER.to_owned(), header);
            return None;
        };
        let server = found.value.as_str().and_then(server);
        if server.is_none() {
            self.wrong("server", SERVER, &found);
        }
        server
    }

    /// In the clear only to this machine, and encrypted to any other unless something is said.
    fn tls(&mut self, table: &DeTable<'_>, host: Option<&str>) -> Option<MailTls> {
        let is_here = host.is_none_or(is_loopback);
        let tls = match self.value(table, "tls", Kind::Word(MailTls::WORDS)) {
            Some(Parsed::Word(word)) => MailTls::parse(word)?,
            None if !table.contains_key("tls") => {
                return Some(if is_here { MailTls::None } else { MailTls::StartTls });
            }
            _ => return None,
        };
        if tls == MailTls::None
            && !is_here
            && let Some(found) = entry(table, "tls")
        {
            self.wrong("tls", "`starttls` or `tls`, as the server is not this machine", &found);
            return None;
        }
        Some(tls)
    }

    fn recipients(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<Vec<String>> {
        let Some(found) = entry(table, "to") else {
            self.missing("to", TO.to_owned(), header);
            return None;
        };
        let to = recipients(found.value);
        if to.is_none() {
            self.wrong("to", TO, &found);
        }
        to
    }

    /// Name and password, both or none; outer `None`: something is wrong.
    fn login(&mut self, table: &DeTable<'_>, header: &Entry<'_>) -> Option<Option<(String, Secret)>> {
        let password = self.secret(table, "password");
        let user = match self.value(table, "user", USER) {
            Some(Parsed::Text(user)) => Some(user),
            _ if table.contains_key("user") => return None,
            _ => None,
        };
        match (user, password?) {
            (Some(user), Some(password)) => Some(Some((user, password))),
            (None, None) => Some(None),
            (Some(_), None) => {
                self.missing("password", SECRET.to_owned(), header);
                None
            }
            (None, Some(_)) => {
                self.missing("user", USER.expected(), header);
                None
            }
        }
    }
}

/// What the settings of such a responder are.
pub(super) fn rows(kind: &ResponderKind, row: &mut dyn FnMut(&str, String)) {
    let flag = |flag: bool| flag.to_string();
    let path = |path: &Option<std::path::PathBuf>| {
        text(&path.as_ref().map(|path| path.display().to_string()).unwrap_or_default())
    };
    let pace = match kind {
        ResponderKind::Webhook(WebhookConfig { url, secret, timeout, ca, pace }) => {
            row("kind", text("webhook"));
            row("url", text(&url.to_string()));
            row("secret", text(&secret.as_ref().map(Secret::to_string).unwrap_or_default()));
            row("timeout", span(*timeout));
            row("ca", path(ca));
            pace
        }
        ResponderKind::Slack(SlackConfig { url, unban, timeout, pace }) => {
            row("kind", text("slack"));
            row("url", text(&url.to_string()));
            row("unban", flag(*unban));
            row("timeout", span(*timeout));
            pace
        }
        ResponderKind::Email(email) => {
            row("kind", text("email"));
            let bracketed = email.host.contains(':');
            let host = if bracketed { format!("[{}]", email.host) } else { email.host.clone() };
            row("server", text(&format!("{host}:{}", email.port)));
            row("tls", text(email.tls.name()));
            row("from", text(&email.from));
            row("to", toml::Value::from(email.to.clone()).to_string());
            let (user, password) = email
                .login
                .as_ref()
                .map(|(user, password)| (user.clone(), password.to_string()))
                .unwrap_or_default();
            row("user", text(&user));
            row("password", text(&password));
            row("unban", flag(email.unban));
            row("timeout", span(email.timeout));
            row("ca", path(&email.ca));
            &email.pace
        }
        ResponderKind::SnsNotice(SnsNoticeConfig { topic, unban, place, pace }) => {
            row("kind", text("sns-notice"));
            row("topic", text(topic));
            row("unban", flag(*unban));
            row("region", text(&place.region));
            row("endpoint", text(&place.endpoint));
            pace
        }
        _ => return,
    };
    row("group", span(pace.group));
    row("messages", pace.messages.to_string());
    row("per", span(pace.per));
}

fn text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn span(span: Duration) -> String {
    text(&span_text(span))
}

/// A host, and a port if there is one: `mail.example.com`, `192.0.2.1:25`, `[::1]:25`, `::1`.
fn server(text: &str) -> Option<(String, Option<u16>)> {
    if let Ok(addr) = text.parse::<IpAddr>() {
        return Some((addr.to_string(), None));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host.parse::<std::net::Ipv6Addr>().ok()?.to_string(), port.strip_prefix(':').or(Some(port))?)
        }
        None => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            (Some(host).filter(|host| is_host(host))?.to_owned(), port)
        }
    };
    match port {
        "" if text.ends_with(':') => None,
        "" => Some((host, None)),
        port => Some((host, Some(port.parse().ok().filter(|port| *port > 0)?))),
    }
}

fn is_host(host: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    (1..=MAX_HOST_BYTES).contains(&host.len()) && host.bytes().all(allowed)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|addr| addr.to_canonical().is_loopback())
}

fn recipients(value: &DeValue<'_>) -> Option<Vec<String>> {
    let fits = |to: &&str| is_mailbox(to);
    let one = |word: &toml::Spanned<DeValue<'_>>| word.get_ref().as_str().filter(fits).map(str::to_owned);
    let all: Vec<String> = value.as_array()?.iter().map(one).collect::<Option<_>>()?;
    (1..=MAX_RECIPIENTS).contains(&all.len()).then_some(all)
}

/// Looks enough like an address that a slip is found at once; what it really is says the mail library.
fn is_mailbox(text: &str) -> bool {
    let address = match text.strip_suffix('>') {
        Some(rest) => rest.rsplit_once('<').map(|(_, address)| address),
        None => Some(text),
    };
    let parts = address.and_then(|address| address.rsplit_once('@'));
    text.len() <= MAX_MAILBOX_BYTES
        && !text.contains(char::is_control)
        && parts.is_some_and(|(name, host)| {
            !name.is_empty() && !name.contains([' ', '<', '>', ',']) && is_host(host)
        })
}

fn is_user(text: &str) -> bool {
    (1..=MAX_MAILBOX_BYTES).contains(&text.len()) && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_a_name_and_perhaps_a_port() {
        for (text, host, port) in [
            ("mail.example.com", "mail.example.com", None),
            ("localhost:2525", "localhost", Some(2525)),
            ("[::1]:25", "::1", Some(25)),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("::1", "::1", None),
            ("192.0.2.1:25", "192.0.2.1", Some(25)),
        ] {
            assert_eq!(server(text), Some((host.to_owned(), port)), "{text}");
        }
        for wrong in
            ["", ":25", "a b", "host:", "host:0", "host:70000", "host:25:25", "[::1", "[::1]25x", "smtp://h"]
        {
            assert_eq!(server(wrong), None, "{wrong}");
        }
        assert!(is_loopback("::1") && is_loopback("127.0.0.2") && is_loopback("LocalHost"));
        assert!(!is_loopback("mail.example.com") && !is_loopback("192.0.2.1"));
    }

    #[test]
    fn addresses_of_mail_are_told_from_slips() {
        for good in ["ops@example.com", "Jörg Ops <ops@example.com>", "a+b@localhost"] {
            assert!(is_mailbox(good), "{good}");
        }
        for wrong in
            ["ops", "@example.com", "ops@", "a b@example.com", "a@example.com\nBcc: b@c", "<a@b", "a,b@c"]
        {
            assert!(!is_mailbox(wrong), "{wrong}");
        }
    }
}
