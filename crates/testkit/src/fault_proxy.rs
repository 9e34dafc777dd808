//! A proxy that injects faults between a client and an AWS emulator: what AWS does on bad days and emulators never do.
//!
//! It stands on loopback, hands every request on and the answer back, and does otherwise where a rule says so. It
//! speaks plain HTTP/1.1 and is meant for emulators, which check no signatures: what it changes stays signed as it was.
//!
//! ```
//! use stockade_testkit::fault_proxy::{Answer, FaultProxy, Verdict};
//!
//! let proxy = FaultProxy::before("http://127.0.0.1:4566");
//! proxy.rule(|request| match request.action() {
//!     Some("PutItem") => Verdict::answer(Answer::json(400, r#"{"__type":"ThrottlingException"}"#)),
//!     _ => Verdict::Pass,
//! });
//! assert!(proxy.url().starts_with("http://127.0.0.1:"));
//! ```

#![expect(clippy::expect_used, reason = "a proxy that cannot stand is a failed test and says so")]

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longer requests and answers are a test gone wrong, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// How long the emulator, or a client, may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with its query, percent-encoded.
    pub path: String,
    /// The headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What is asked of the service: `PutItem` of JSON services, `PublishBatch` of Query services.
    pub fn action(&self) -> Option<&str> {
        if let Some(target) = self.header("x-amz-target") {
            return target.rsplit('.').next();
        }
        let body = std::str::from_utf8(&self.body).ok()?;
        body.split('&').find_map(|pair| pair.strip_prefix("Action="))
    }
}

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The value of `content-type`.
    pub content_type: String,
    /// AWS's own headers, such as the request's number; names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer of a JSON service.
    pub fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            content_type: "application/x-amz-json-1.0".to_owned(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// An answer of a Query service.
    pub fn xml(status: u16, body: &str) -> Self {
        Self { status, content_type: "text/xml".to_owned(), headers: Vec::new(), body: body.into() }
    }
}

/// What becomes of a request.
#[derive(Default)]
pub enum Verdict {
    /// It is handed on, and the answer back.
    #[default]
    Pass,
    /// The emulator never sees it.
    Answer(Answer),
    /// The connection ends without an answer; the emulator never sees it.
    Drop,
    /// The emulator does it, but the connection ends without an answer.
    Swallow,
    /// Another body is handed on, and the answer changed.
    Change {
        /// The body in place of the request's.
        body: Vec<u8>,
        /// What makes the answer of the emulator's.
        answer: Box<dyn FnOnce(Answer) -> Answer + Send>,
    },
}

impl Verdict {
    /// See [`Verdict::Answer`].
    pub fn answer(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "Pass",
            Self::Answer(_) => "Answer",
            Self::Drop => "Drop",
            Self::Swallow => "Swallow",
            Self::Change { .. } => "Change",
        })
    }
}

type Rule = Box<dyn FnMut(&Request) -> Verdict + Send>;

/// What the connections share.
struct Shared {
    /// `127.0.0.1:4566`.
    upstream: String,
    rule: Mutex<Rule>,
    seen: Mutex<Vec<Request>>,
    over: AtomicBool,
}

/// A proxy that stands until it is dropped.
pub struct FaultProxy {
    url: String,
    shared: Arc<Shared>,
}

impl FaultProxy {
    /// Stands before an emulator, such as `http://127.0.0.1:4566`, and hands everything on.
    ///
    /// # Panics
    /// If there is no free port, or the address is no plain `http://`.
    pub fn before(upstream: &str) -> Self {
        let upstream = upstream.strip_prefix("http://").expect("an address of an emulator");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address of its own");
        let shared = Arc::new(Shared {
            upstream: upstream.trim_end_matches('/').to_owned(),
            rule: Mutex::new(Box::new(|_| Verdict::Pass)),
            seen: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if of_thread.over.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || serve(&shared, client));
            }
        });
        Self { url: format!("http://{address}"), shared }
    }

    /// Its address, in place of the emulator's.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What becomes of requests from now on.
    pub fn rule(&self, rule: impl FnMut(&Request) -> Verdict + Send + 'static) {
        *self.shared.rule.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
    }

    /// Every request that came by since the last time this was asked.
    pub fn seen(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for clients.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Serves one request; the connection ends with it, so a dropped one is seen as dropped.
fn serve(shared: &Shared, mut client: TcpStream) {
    let Ok(request) = received(&client) else { return };
    let verdict = shared.rule.lock().unwrap_or_else(PoisonError::into_inner)(&request);
    shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let answer = match verdict {
        Verdict::Pass => hand_on(&shared.upstream, &request),
        Verdict::Answer(answer) => Ok(answer),
        Verdict::Drop => return,
        Verdict::Swallow => {
            let _ = hand_on(&shared.upstream, &request);
            return;
        }
        Verdict::Change { body, answer } => {
            hand_on(&shared.upstream, &Request { body, ..request }).map(answer)
        }
    };
    let answer = answer.unwrap_or_else(|error| Answer::xml(502, &format!("no answer: {error}")));
    let Answer { status, content_type, headers, body } = answer;
    let length = body.len();
    let mut head = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let _ = client.write_all(&[head.as_bytes(), &body].concat());
}

/// Reads a request whole.
fn received(client: &TcpStream) -> io::Result<Request> {
    client.set_read_timeout(Some(PATIENCE))?;
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let mut reader = BufReader::new(client.take(MAX_BYTES));
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).map(|_| line.trim_end().to_owned())
    };
    let first = line()?;
    let (method, rest) = first.split_once(' ').ok_or_else(wrong)?;
    let (path, _) = rest.split_once(' ').ok_or_else(wrong)?;
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method: method.to_owned(), path: path.to_owned(), headers, body: Vec::new() };
    let length: u64 = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    if request.header("expect").is_some() {
        let mut client = client;
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    reader.take(length).read_to_end(&mut request.body)?;
    Ok(request)
}

/// Asks the emulator, over a connection of its own.
fn hand_on(upstream: &str, request: &Request) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(upstream)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        if !matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding" | "expect") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(&request.body)?;
    let mut reply = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut reply)?;
    parsed(&reply).ok_or_else(|| io::Error::other("the emulator's answer cannot be read"))
}

fn parsed(reply: &[u8]) -> Option<Answer> {
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, rest) = reply.split_at_checked(end)?;
    let head = String::from_utf8_lossy(head);
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let header = |wanted: &str| {
        let mut pairs = head.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
    };
    let body = rest.get(4..)?;
    let chunked = header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let body = if chunked { dechunked(body)? } else { body.to_vec() };
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers = headers.filter(|(name, _)| name.starts_with("x-amz")).collect();
    Some(Answer { status, content_type: header("content-type").unwrap_or_default(), headers, body })
}

fn dechunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..end)?).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let start = end.checked_add(2)?;
        body.extend_from_slice(rest.get(start..start.checked_add(size)?)?);
        rest = rest.get(start.checked_add(size)?.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_and_in_chunks() {
        let plain = parsed(b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\nhello").unwrap();
        assert_eq!(
            plain,
            Answer { status: 200, content_type: "a/b".into(), headers: vec![], body: b"hello".to_vec() }
        );
        let chunked = parsed(
            b"HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\n\r\n",
        );
        assert_eq!(chunked.unwrap().body, b"hello");
        assert_eq!(parsed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfff\r\nhel"), None);
    }

    #[test]
    fn requests_are_handed_on_dropped_changed_and_answered() {
        let upstream = tiny_http::Server::http("127.0.0.1:0").unwrap();
        let address = format!("http://{}", upstream.server_addr());
        std::thread::spawn(move || {
            for mut request in upstream.incoming_requests() {
                let mut body = String::from("got ");
                request.as_reader().read_to_string(&mut body).unwrap();
                request.respond(tiny_http::Response::from_string(body)).unwrap();
            }
        });
        let proxy = FaultProxy::before(&address);
        let ask = |action: &str| {
            let body = format!("Action={action}&X=1").into_bytes();
            let request = Request { method: "POST".into(), path: "/".into(), headers: vec![], body };
            hand_on(proxy.url().trim_start_matches("http://"), &request)
        };
        proxy.rule(|request| match request.action() {
            Some("Refused") => Verdict::answer(Answer::xml(400, "no")),
            Some("Lost") => Verdict::Drop,
            Some("Changed") => Verdict::Change {
                body: b"less".to_vec(),
                answer: Box::new(|answer| Answer { status: 299, ..answer }),
            },
            _ => Verdict::Pass,
        });
        let said =
            |action| ask(action).map(|answer| (answer.status, String::from_utf8(answer.body).unwrap()));
        assert_eq!(said("Fine").unwrap(), (200, "got Action=Fine&X=1".to_owned()));
        assert_eq!(said("Refused").unwrap(), (400, "no".to_owned()));
        assert!(said("Lost").is_err());
        assert_eq!(said("Changed").unwrap(), (299, "got less".to_owned()));
        assert_eq!(proxy.seen().len(), 4);
    }
}
