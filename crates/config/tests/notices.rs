//! Responders that tell people and programs: what is read, what is shown, and exactly what is said of what cannot be.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::time::Duration;

use common::{BASE, FILTER, Files, told};
use stockade_config::{Config, MailTls, Pace, Problems, ResponderKind, Secret};

fn files(toml: &str) -> Files {
    Files::new(&[("jail.conf", BASE), FILTER, ("stockade.toml", toml)])
}

fn load(toml: &str) -> Result<Config, Problems> {
    files(toml).load()
}

#[track_caller]
fn errors(toml: &str, expected: &str) {
    let result = load(toml);
    assert!(result.is_err(), "expected errors for {toml}");
    assert_eq!(told(&result), expected.trim_matches('\n'));
}

const ALL: &str = r#"
[responders.hook]
kind = "webhook"
url = "https://user:s3cret@hooks.example.com/in/s3cret?key=s3cret"
secret = "env:HOOK_SECRET"
timeout = "5s"
ca = "/etc/ssl/own.pem"
group = 0
messages = 5
per = "1m"
[responders.chat]
kind = "slack"
url = "file:/etc/stockade/slack.url"
unban = true
[responders.mail]
kind = "email"
server = "mail.example.com"
from = "Stockade <stockade@example.com>"
to = ["ops@example.com", "Jörg <second@example.com>"]
user = "stockade"
password = "file:/etc/stockade/mail.password"
[responders.here]
kind = "email"
server = "[::1]:2525"
from = "stockade@example.com"
to = ["ops@example.com"]
[responders.pager]
kind = "sns-notice"
topic = "alerts"
region = "eu-west-1"
"#;

#[test]
fn all_of_their_settings_are_read_and_no_secret_is_shown() {
    let config = load(ALL).unwrap();
    let [hook, chat, mail, here, pager] = &config.program.responders[..] else { panic!("five") };
    let ResponderKind::Webhook(hook) = &hook.kind else { panic!("{hook:?}") };
    assert_eq!(hook.url.reveal().unwrap(), "https://user:s3cret@hooks.example.com/in/s3cret?key=s3cret");
    assert_eq!(hook.secret, Some(Secret::Env("HOOK_SECRET".into())));
    let pace = Pace { group: Duration::ZERO, messages: 5, per: Duration::from_secs(60) };
    assert_eq!((hook.pace, hook.timeout), (pace, Duration::from_secs(5)));
    let ResponderKind::Slack(chat) = &chat.kind else { panic!("{chat:?}") };
    assert_eq!((chat.unban, chat.pace, chat.timeout), (true, Pace::default(), Duration::from_secs(10)));
    let ResponderKind::Email(mail) = &mail.kind else { panic!("{mail:?}") };
    assert_eq!((mail.host.as_str(), mail.port, mail.tls), ("mail.example.com", 587, MailTls::StartTls));
    assert_eq!(mail.to.len(), 2);
    assert_eq!(mail.login.as_ref().unwrap().0, "stockade");
    let ResponderKind::Email(here) = &here.kind else { panic!("{here:?}") };
    assert_eq!((here.host.as_str(), here.port, here.tls), ("::1", 2525, MailTls::None));
    let ResponderKind::SnsNotice(pager) = &pager.kind else { panic!("{pager:?}") };
    assert_eq!(
        (pager.topic.as_str(), pager.place.region.as_str(), pager.unban),
        ("alerts", "eu-west-1", false)
    );

    let rows: Vec<String> = config
        .origin_table()
        .iter()
        .filter(|row| row.section.starts_with("responders."))
        .map(|row| format!("{}.{} = {} ({})", row.section, row.key, row.value, row.origin))
        .collect();
    for row in [
        "responders.hook.url = \"https://hooks.example.com/***\" (/etc/stockade/stockade.toml:4:1)",
        "responders.hook.secret = \"env:HOOK_SECRET\" (/etc/stockade/stockade.toml:5:1)",
        "responders.hook.group = \"0s\" (/etc/stockade/stockade.toml:8:1)",
        "responders.chat.url = \"file:/etc/stockade/slack.url\" (/etc/stockade/stockade.toml:13:1)",
        "responders.mail.server = \"mail.example.com:587\" (/etc/stockade/stockade.toml:17:1)",
        "responders.mail.tls = \"starttls\" (default)",
        "responders.mail.password = \"file:/etc/stockade/mail.password\" (/etc/stockade/stockade.toml:21:1)",
        "responders.here.server = \"[::1]:2525\" (/etc/stockade/stockade.toml:24:1)",
        "responders.pager.per = \"10m\" (default)",
    ] {
        assert!(rows.iter().any(|known| known == row), "{row}\n{}", rows.join("\n"));
    }
    let shown = format!("{rows:?} {config:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn every_slip_is_told_with_its_place_and_no_secret_with_it() {
    errors(
        r#"
[responders.a]
kind = "webhook"
url = "hooks.example.com/s3cret"
secret = "s3cret"
ca = "own.pem"
mesages = 5
messages = 0
[responders.b]
kind = "slack"
group = "soon"
[responders.c]
kind = "email"
server = "smtp://mail.example.com"
tls = "ssl"
to = "ops@example.com"
user = "stockade"
[responders.d]
kind = "email"
server = "mail.example.com"
tls = "none"
from = "nobody"
to = []
password = "s3cret"
[responders.e]
kind = "sns-notice"
[responders.f]
kind = "email"
server = "localhost"
from = "a@example.com"
to = ["b@example.com"]
password = "env:PASSWORD"
"#,
        r#"
error: /etc/stockade/stockade.toml:4:7: responders.a.url: expected `https://…`, or `env:NAME` or `file:/path` for where it stands, got: something that is not shown here
error: /etc/stockade/stockade.toml:5:10: responders.a.secret: expected `env:NAME` or `file:/path`: the secret itself does not stand here, got: something that is not shown here
error: /etc/stockade/stockade.toml:6:6: responders.a.ca: expected an absolute path, or nothing, got: `"own.pem"`
error: /etc/stockade/stockade.toml:7:1: responders.a: unknown setting `mesages`
  hint: did you mean `messages`?
error: /etc/stockade/stockade.toml:8:12: responders.a.messages: expected a whole number from 1 to 10000, got: `0`
error: /etc/stockade/stockade.toml:9:13: responders.b.url: expected `https://…`, or `env:NAME` or `file:/path` for where it stands, got nothing
error: /etc/stockade/stockade.toml:11:9: responders.b.group: expected a length of time such as `10m`, at least 0s, got: `"soon"`
error: /etc/stockade/stockade.toml:12:13: responders.c.from: expected an address such as `Stockade <stockade@example.com>`, got nothing
error: /etc/stockade/stockade.toml:12:13: responders.c.password: expected `env:NAME` or `file:/path`: the secret itself does not stand here, got nothing
error: /etc/stockade/stockade.toml:14:10: responders.c.server: expected the name of a mail server, with its port if wanted: `mail.example.com:587`, got: `"smtp://mail.example.com"`
error: /etc/stockade/stockade.toml:15:7: responders.c.tls: expected one of `none`, `starttls`, `tls`, got: `"ssl"`
error: /etc/stockade/stockade.toml:16:6: responders.c.to: expected a list of addresses such as `["ops@example.com"]`, got: `"ops@example.com"`
error: /etc/stockade/stockade.toml:21:7: responders.d.tls: expected `starttls` or `tls`, as the server is not this machine, got: `"none"`
error: /etc/stockade/stockade.toml:22:8: responders.d.from: expected an address such as `Stockade <stockade@example.com>`, got: `"nobody"`
error: /etc/stockade/stockade.toml:23:6: responders.d.to: expected a list of addresses such as `["ops@example.com"]`, got: `[]`
error: /etc/stockade/stockade.toml:24:12: responders.d.password: expected `env:NAME` or `file:/path`: the secret itself does not stand here, got: something that is not shown here
error: /etc/stockade/stockade.toml:25:13: responders.e.topic: expected the name of an SNS topic or its ARN, got nothing
error: /etc/stockade/stockade.toml:27:13: responders.f.user: expected the name to log in with, got nothing
"#,
    );
}

#[test]
fn who_only_tells_people_takes_nobodys_place() {
    let slack = "[responders.chat]\nkind = \"slack\"\nurl = \"env:SLACK\"\n";
    let names = |config: &Config| -> Vec<String> {
        config.program.responders.iter().map(|responder| responder.name.to_string()).collect()
    };
    let of_door = |config: &Config| -> Vec<String> {
        let jail = config.jails.iter().find(|jail| &*jail.jail.name == "door").unwrap();
        jail.responders.iter().map(ToString::to_string).collect()
    };
    let config = load(slack).unwrap();
    assert_eq!(
        (names(&config), of_door(&config)),
        (vec!["nftables".into(), "chat".into()], vec!["nftables".into()])
    );
    let rows = config.origin_table();
    let table = rows.iter().find(|row| row.section == "responders.nftables" && row.key == "table").unwrap();
    assert_eq!((table.value.as_str(), table.origin.to_string().as_str()), ("\"stockade\"", "default"));
    // Where a jail names it, it hears of the bans; where another is there, the firewall was left out on purpose.
    let mut named = files(slack);
    named.0.insert("jail.local".into(), b"[door]\naction = responders\n         chat\n".to_vec());
    assert_eq!(of_door(&named.load().unwrap()), ["nftables", "chat"]);
    let config = load(&format!("{slack}[responders.try]\nkind = \"dry-run\"\n")).unwrap();
    assert_eq!((names(&config), of_door(&config)), (vec!["chat".into(), "try".into()], vec!["try".into()]));
}
