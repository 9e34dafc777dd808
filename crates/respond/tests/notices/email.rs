//! E-mail in a conversation with aiosmtpd, and with servers that have a bad day.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use stockade_core::Outcome;
use stockade_core::ports::{RespondError, Responder as _};
use stockade_respond::notice::Teller;
use stockade_respond::notice::email::{Email, Post, Security};

use crate::make::{at, book, notice, unlimited};
use crate::{certificates, python::Peer};

/// Prints each mail as it came. Its arguments: how it is spoken to, a folder of certificates.
const SERVER: &str = r#"
import asyncio, json, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
mode, folder = sys.argv[1:]
class Handler:
    async def handle_DATA(self, server, session, envelope):
        tls = server.transport.get_extra_info("ssl_object") is not None
        login = session.auth_data.decode() if session.authenticated else None
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": tls, "login": login,
                          "hello": session.host_name, "data": envelope.content.decode("utf-8")}))
        return "250 OK"
def check(server, session, envelope, mechanism, data):
    right = data.login == b"stockade" and data.password == b"s3cret pass"
    return AuthResult(success=right, auth_data=data.login, handled=False)
options = {}
if mode != "plain":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
    options = {"authenticator": check, "auth_required": True}
    if mode == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    else:
        options |= {"ssl_context": context, "auth_require_tls": False}
controller = Controller(Handler(), hostname="localhost", port=0, **options)
# A free port: the controller would look for itself at port 0.
import socket
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    controller.port = free.getsockname()[1]
controller.hostname = "127.0.0.1"
controller.start()
print(controller.port)
time.sleep(600)
"#;

/// A Python that has aiosmtpd.
fn python() -> Option<String> {
    let python = std::env::var("STOCKADE_TEST_SMTP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import aiosmtpd"]).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    eprintln!(
        "skipped: `{python}` has no aiosmtpd (STOCKADE_TEST_SMTP_PYTHON names one that has, dev/venv smtp)"
    );
    None
}

fn post(port: u16, security: Security) -> Post {
    Post {
        host: "localhost".into(),
        port,
        security,
        from: "Stockade <stockade@example.com>".into(),
        to: vec!["ops@example.com".into(), "Jörg <second@example.com>".into()],
        login: None,
        timeout: Duration::from_secs(5),
        authority: None,
    }
}

fn email(post: &Post) -> Result<Teller<Email>, RespondError> {
    Email::teller(post, unlimited(), book())
}

/// A mail without its soft line breaks and with its UTF-8.
fn decoded(data: &str) -> String {
    const DECODE: &str = "import email, email.policy, sys\n\
        m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)\n\
        print(m['Subject']); print(m['Auto-Submitted']); print(m['To']); print(m.keys()); print(m.get_content())";
    let mut child = Command::new("python3")
        .args(["-c", DECODE])
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(data.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().replace("\r\n", "\n")
}

#[test]
fn a_mail_says_what_the_message_says() {
    let Some(python) = python() else { return };
    let mut server = Peer::start(&python, SERVER, &["plain", ""]);
    let mut email = email(&post(server.port, Security::Plain)).unwrap();
    let hostile = "trail/a\r\nBcc: everybody@example.com\r\n.\r\nMAIL FROM:<x@example.com>";
    assert_eq!(email.tell(&[notice(hostile, "Zoë", 0)], at(5)).unwrap(), [Outcome::Done]);
    let got = server.line();
    assert_eq!(got["from"], "stockade@example.com");
    assert_eq!(got["to"], serde_json::json!(["ops@example.com", "second@example.com"]));
    assert_eq!(got["hello"], "web01");
    let data = got["data"].as_str().unwrap();
    let mail = decoded(data);
    let (subject, rest) = mail.split_once('\n').unwrap();
    assert!(subject.starts_with("[Stockade] [high] Who stops a trail: trail/a��Bcc: everybody@"), "{mail}");
    assert!(rest.starts_with("auto-generated\n"), "{mail}");
    assert!(!rest.lines().nth(2).unwrap().contains("Bcc"), "no header but ours: {mail}");
    assert!(rest.contains("  actor     Zoë\n") && rest.contains("Nothing was changed"), "{mail}");
    assert!(data.contains("Date: Tue, 14 Nov 2023 22:13:25 +0000"), "{data}");
    // Sent again, it is known as the same mail.
    let id = |data: &str| data.lines().find(|line| line.starts_with("Message-ID")).unwrap().to_owned();
    email.tell(&[notice(hostile, "Zoë", 0)], at(99)).unwrap();
    assert_eq!(id(server.line()["data"].as_str().unwrap()), id(data));
}

fn secured(python: &str, folder: &Path, mode: &str, security: Security) {
    let mut server = Peer::start(python, SERVER, &[mode, folder.to_str().unwrap()]);
    let login = Some(("stockade".to_owned(), "s3cret pass".to_owned()));
    let good = Post { login, authority: Some(folder.join("ca.pem")), ..post(server.port, security) };
    let told = [notice("trail/main", "mallory", 0)];
    assert_eq!(email(&good).unwrap().tell(&told, at(0)).unwrap(), [Outcome::Done], "{mode}");
    let got = server.line();
    assert_eq!((&got["tls"], &got["login"]), (&true.into(), &"stockade".into()), "{mode}");
    let error = |post: &Post| match email(post).unwrap().tell(&told, at(0)).unwrap().remove(0) {
        Outcome::Failed { error } => error,
        other => panic!("{mode}: {other:?}"),
    };
    let wrong = Post { login: Some(("stockade".into(), "wrong".into())), ..good.clone() };
    assert!(error(&wrong).contains("see whether `user` and `password` are right"), "{}", error(&wrong));
    assert!(!error(&wrong).contains("wrong") && !format!("{wrong:?}").contains("wrong"));
    // A certificate of nobody whom this machine knows, and one of another name.
    let unknown = Post { authority: None, ..good.clone() };
    if email(&unknown).is_ok() {
        assert!(error(&unknown).to_lowercase().contains("certificate"), "{}", error(&unknown));
    }
    let other_name = Post { host: "127.0.0.1".into(), ..good.clone() };
    assert!(error(&other_name).to_lowercase().contains("certificate"), "{}", error(&other_name));
    // Who has no STARTTLS gets nothing in the clear.
    if security == Security::StartTls {
        let mut plain = Peer::start(python, SERVER, &["plain", ""]);
        let stripped = Post { port: plain.port, ..good };
        assert!(error(&stripped).contains("STARTTLS"), "{}", error(&stripped));
        let mut clear = email(&Post { security: Security::Plain, login: None, ..stripped }).unwrap();
        clear.tell(&told, at(0)).unwrap();
        assert_eq!(plain.line()["login"], serde_json::Value::Null, "nothing came before this one");
    }
}

#[test]
fn a_mail_goes_encrypted_and_to_whom_is_known() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    certificates::make(folder.path());
    secured(&python, folder.path(), "starttls", Security::StartTls);
    secured(&python, folder.path(), "tls", Security::Tls);
}

#[test]
fn what_cannot_be_is_said_at_once() {
    let good = post(25, Security::Plain);
    for (post, said) in [
        (Post { host: "mail.example.com".into(), ..good.clone() }, "in the clear: it is not this machine"),
        (Post { from: "nobody".into(), ..good.clone() }, "`nobody` is no address"),
        (Post { to: vec!["a@example.com\r\nBcc: b@example.com".into()], ..good.clone() }, "is no address"),
        (Post { to: vec![], ..good.clone() }, "nobody to send it to"),
        (Post { security: Security::Tls, authority: Some("/nowhere.pem".into()), ..good }, "/nowhere.pem"),
    ] {
        let error = email(&post).unwrap_err();
        assert!(error.permanent && error.hint.is_some() && error.message.contains(said), "{error}");
    }
}

/// A server that knows just enough of SMTP to say these at the named moments.
fn grumpy(at: &'static str, says: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || converse(stream.unwrap(), at, says));
        }
    });
    (port, came)
}

fn converse(mut stream: TcpStream, at: &str, says: &str) {
    let answer = |stream: &mut TcpStream, moment: &str, usual: &str| {
        if moment == at && says.is_empty() {
            thread::sleep(Duration::from_secs(5));
        }
        let _ = writeln!(stream, "{}\r", if moment == at { says } else { usual });
    };
    answer(&mut stream, "hello", "220 localhost");
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        match line.get(..4).unwrap_or_default() {
            "EHLO" => answer(&mut stream, "ehlo", "250 localhost"),
            "MAIL" => answer(&mut stream, "mail", "250 ok"),
            "RCPT" => answer(&mut stream, "rcpt", "250 ok"),
            "DATA" => {
                answer(&mut stream, "data", "354 go on");
                while lines.next().is_some_and(|line| line.unwrap() != ".") {}
                answer(&mut stream, "end", "250 ok");
            }
            _ => answer(&mut stream, "else", "250 ok"),
        }
    }
}

#[test]
fn a_server_on_a_bad_day_loses_nothing() {
    for (moment, says, others_are_tried) in [
        ("hello", "421 too busy", false),
        ("mail", "451 later", true),
        ("rcpt", "550 who is that", true),
        ("end", "554 that is spam", true),
        ("hello", "", false),
    ] {
        let (port, came) = grumpy(moment, says);
        let slow = Post { timeout: Duration::from_millis(300), ..post(port, Security::Plain) };
        let begun = Instant::now();
        let outcomes =
            email(&slow).unwrap().tell(&[notice("a", "x", 0), notice("b", "y", 0)], at(0)).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(3), "{moment}");
        for outcome in &outcomes {
            let Outcome::Failed { error } = outcome else { panic!("{moment}: {outcome:?}") };
            let text = says.get(4..).unwrap_or_default();
            assert!(error.starts_with("cannot send mail by localhost:") && error.contains(text), "{error}");
        }
        let tries = if others_are_tried { 2 } else { 1 };
        assert_eq!(came.load(Ordering::Relaxed), tries, "{moment} {says}");
    }
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outcomes = email(&post(gone, Security::Plain)).unwrap().tell(&[notice("a", "x", 0)], at(0)).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Failed { error } if error.contains("refused")), "{outcomes:?}");
}
