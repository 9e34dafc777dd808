//! Opening the responders that tell people and programs.

use std::collections::HashMap;
use std::sync::Arc;

use stockade_config::{Config, Pace, Program, ResponderConfig, ResponderKind, Secret};
use stockade_core::ports::{Evidence, Notice, Plan, Report, RespondError, Responder, Scope, Standing, Wants};
use stockade_core::{Outcome, Timestamp, Verdict};
use stockade_respond::notice::{About, Book, Limits};

/// What the rules say of themselves, and who tells.
pub(crate) fn book(config: &Config) -> Arc<Book> {
    let rules = config.jails.iter().flat_map(|jail| &jail.rules);
    let about = |rule: &stockade_rule::Rule| About {
        description: rule.description.clone(),
        severity: rule.severity,
        playbook: rule.playbook.clone(),
    };
    let host = host(&config.program);
    let mut repairs: HashMap<Arc<str>, Vec<Box<str>>> = HashMap::new();
    for jail in &config.jails {
        for playbook in jail.rules.iter().filter_map(|rule| rule.playbook.as_ref()) {
            let known = repairs.entry(Arc::clone(&jail.jail.name)).or_default();
            if !known.contains(playbook) {
                known.push(playbook.clone());
            }
        }
    }
    let rules = rules.map(|rule| (Arc::clone(&rule.name), about(rule))).collect();
    Arc::new(Book { rules, host, repairs })
}

/// The name of this host.
pub(crate) fn host(program: &Program) -> String {
    match program.host.as_str() {
        "" => rustix::system::uname().nodename().to_string_lossy().into_owned(),
        host => host.to_owned(),
    }
}

/// Whether a responder is one of these.
pub(crate) fn is_one(kind: &ResponderKind) -> bool {
    matches!(kind, ResponderKind::Webhook(_)) || kind.tells_people()
}

/// Who speaks to AWS for a responder that does.
#[cfg(feature = "aws")]
type Account = stockade_aws::Aws;
/// Nobody does.
#[cfg(not(feature = "aws"))]
type Account = std::convert::Infallible;

/// Where responders are opened.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) program: Program,
    pub(crate) book: Arc<Book>,
    /// Whether what has no room may wait: whether there is an outbox.
    pub(crate) waits: bool,
    /// AWS, where it is known already; a program inside a runtime cannot find it by itself.
    pub(crate) account: Option<Account>,
}

impl Place {
    /// A daemon's.
    pub(crate) fn of_daemon(program: &Program, book: &Arc<Book>) -> Self {
        Self { program: program.clone(), book: Arc::clone(book), waits: true, account: None }
    }
}

/// Opens one, or something in its place that tries again; then, why.
pub(crate) fn open_or_later(config: &ResponderConfig, place: Place) -> (Box<dyn Responder>, Option<String>) {
    match open(config, &place) {
        Ok(responder) => (responder, None),
        Err(error) => {
            let (kind, config) = (config.kind.clone(), config.clone());
            let later = Unopened::new(&kind, Box::new(move || open(&config, &place)));
            let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            (Box::new(later), Some(format!("{}{hint}: it is tried again", error.message)))
        }
    }
}

/// Opens one: finds its secrets and reads its certificates, but speaks to nobody.
///
/// # Errors
/// If a secret or a file is not there, or this build has no such responder.
fn open(config: &ResponderConfig, place: &Place) -> Result<Box<dyn Responder>, RespondError> {
    crate::responder::supported(config)?;
    let Place { program, book, waits, account } = place;
    let waits = *waits;
    match &config.kind {
        #[cfg(feature = "notify")]
        ResponderKind::Webhook(hook) => {
            let url = revealed(&hook.url, "url")?;
            let secret = hook.secret.as_ref().map(|secret| revealed(secret, "secret")).transpose()?;
            let secret = secret.as_ref().map(String::as_bytes);
            let (limits, ca) = (limits(hook.pace, waits), hook.ca.as_deref());
            let hook = stockade_respond::notice::Webhook::new(
                &url,
                secret,
                hook.timeout,
                ca,
                limits,
                Arc::clone(book),
            );
            Ok(Box::new(hook?))
        }
        #[cfg(feature = "notify")]
        ResponderKind::Slack(slack) => {
            let url = revealed(&slack.url, "url")?;
            let limits = limits(slack.pace, waits);
            let teller =
                stockade_respond::notice::Slack::teller(&url, slack.timeout, limits, Arc::clone(book))?;
            Ok(Box::new(teller.with_unbans(slack.unban)))
        }
        #[cfg(feature = "email")]
        ResponderKind::Email(email) => {
            let teller = stockade_respond::notice::Email::teller(
                &post(email)?,
                limits(email.pace, waits),
                Arc::clone(book),
            )?;
            Ok(Box::new(teller.with_unbans(email.unban)))
        }
        #[cfg(feature = "aws")]
        ResponderKind::SnsNotice(sns) => {
            let aws = match account {
                Some(aws) if sns.place.region.is_empty() => aws.clone(),
                Some(aws) => aws.in_region(&sns.place.region),
                None => crate::responder::aws(&sns.place, program)?,
            };
            let road = stockade_respond::aws::SnsNotice::new(&aws, &sns.topic);
            let limits = limits(sns.pace, waits);
            let teller = stockade_respond::notice::Teller::new(road, limits, Arc::clone(book));
            Ok(Box::new(teller.with_unbans(sns.unban)))
        }
        _ => {
            let _ = (program, book, waits, account);
            Err(RespondError {
                message: format!("the responder `{}` tells nobody", config.name),
                hint: None,
                permanent: true,
            })
        }
    }
}

/// Says whether a responder that tells people or programs could be opened here and now.
///
/// # Errors
/// Why not: a secret that is not there, certificates that cannot be read.
pub fn usable(config: &ResponderConfig, program: &Program) -> Result<(), RespondError> {
    // Whoever speaks to AWS asks for credentials first, which may take long where there are none.
    if !is_one(&config.kind) || matches!(config.kind, ResponderKind::SnsNotice(_)) {
        return Ok(());
    }
    open(config, &Place::of_daemon(program, &Arc::default())).map(drop)
}

#[cfg(feature = "email")]
fn post(email: &stockade_config::EmailConfig) -> Result<stockade_respond::notice::email::Post, RespondError> {
    use stockade_config::MailTls;
    use stockade_respond::notice::email::{Post, Security};

    let login = match &email.login {
        Some((user, password)) => Some((user.clone(), revealed(password, "password")?)),
        None => None,
    };
    Ok(Post {
        host: email.host.clone(),
        port: email.port,
        security: match email.tls {
            MailTls::None => Security::Plain,
            MailTls::StartTls => Security::StartTls,
            MailTls::Tls => Security::Tls,
        },
        from: email.from.clone(),
        to: email.to.clone(),
        login,
        timeout: email.timeout,
        authority: email.ca.clone(),
    })
}

#[cfg_attr(
    not(any(feature = "notify", feature = "email")),
    expect(dead_code, reason = "nobody has a secret")
)]
fn revealed(secret: &Secret, key: &str) -> Result<String, RespondError> {
    secret.reveal().map_err(|error| RespondError {
        message: format!("cannot find `{key}`: {error}"),
        hint: Some(
            match secret {
                Secret::Env(_) => {
                    "set it where Stockade is started: under systemd by `Environment=` or `EnvironmentFile=`"
                }
                _ => "make the file readable for the user that Stockade runs as, and for nobody else",
            }
            .to_owned(),
        ),
        permanent: false,
    })
}

#[cfg_attr(
    not(any(feature = "notify", feature = "email", feature = "aws")),
    expect(dead_code, reason = "nobody tells anything")
)]
fn limits(pace: Pace, waits: bool) -> Limits {
    let Pace { group, messages, per } = pace;
    Limits { group, messages, per, waits }
}

/// Opens a responder, now or later.
type Open = Box<dyn FnMut() -> Result<Box<dyn Responder>, RespondError> + Send>;

/// A responder that could not be opened yet. It says so of each notice, which then waits in the outbox, and tries again:
/// a secret may still come. A dry run in its place would lose what it is told.
struct Unopened {
    name: &'static str,
    tells_people: bool,
    open: Open,
    opened: Option<Box<dyn Responder>>,
}

impl Unopened {
    fn new(kind: &ResponderKind, open: Open) -> Self {
        let tells_people = kind.tells_people();
        Self { name: if tells_people { "notice" } else { "webhook" }, tells_people, open, opened: None }
    }

    fn responder(&mut self) -> Result<&mut Box<dyn Responder>, RespondError> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => (self.open)()?,
        };
        Ok(self.opened.insert(opened))
    }
}

impl Responder for Unopened {
    fn name(&self) -> &str {
        self.name
    }

    fn prepare(&mut self, scopes: &[Scope]) -> Result<(), RespondError> {
        self.responder()?.prepare(scopes)
    }

    fn current(&mut self, _now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        Ok(None)
    }

    fn takes(&self, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Ban { .. } | Verdict::Unban | Verdict::Notify | Verdict::Repair)
    }

    fn wants(&self) -> Wants {
        Wants { matches: self.tells_people, ..Wants::default() }
    }

    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.responder()?.apply(plan, now)
    }

    fn apply_with(
        &mut self,
        plan: &Plan,
        evidence: &[Evidence],
        now: Timestamp,
    ) -> Result<Vec<Outcome>, RespondError> {
        self.responder()?.apply_with(plan, evidence, now)
    }

    fn tell(&mut self, notices: &[Notice], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.responder()?.tell(notices, now)
    }

    fn reports(&self) -> bool {
        true
    }

    fn report(&mut self, reports: &[Report], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.responder()?.report(reports, now)
    }

    fn restore(&mut self, bans: &[(Standing, Evidence)], now: Timestamp) -> Result<(), RespondError> {
        self.responder()?.restore(bans, now)
    }

    fn flush(&mut self) -> Result<(), RespondError> {
        // What was never opened holds nothing.
        self.opened.as_mut().map_or(Ok(()), |opened| opened.flush())
    }
}
