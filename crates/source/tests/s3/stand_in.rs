//! Answers as S3 does where no emulator does: for one test, on a port of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server on loopback, one request a connection. It ends with the process.
pub(crate) struct StandIn {
    pub(crate) endpoint: String,
    /// How many requests it was asked.
    asked: Arc<AtomicUsize>,
    /// How many it was asked at once, at most.
    pub(crate) most_at_once: Arc<AtomicUsize>,
}

/// A request without a body.
pub(crate) struct Request {
    /// Path and query.
    pub(crate) target: String,
    headers: Vec<String>,
}

/// What is answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    fn read(connection: &TcpStream) -> Self {
        let mut lines = BufReader::new(connection).lines().map(Result::unwrap);
        let target = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
        Self { target, headers: lines.take_while(|line| !line.is_empty()).collect() }
    }

    /// The region for which it is signed.
    pub(crate) fn region(&self) -> &str {
        let signed = self.headers.iter().find(|line| line.starts_with("authorization:")).unwrap();
        signed.split('/').nth(2).unwrap()
    }
}

impl Answer {
    pub(crate) fn ok(body: &str) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>");
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn write(&self, mut connection: &TcpStream) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        write!(connection, "{head}connection: close\r\n\r\n")?;
        connection.write_all(&self.body)
    }
}

impl StandIn {
    /// Each request is answered on a thread of its own.
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stand_in = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            asked: Arc::default(),
            most_at_once: Arc::default(),
        };
        let (asked, most_at_once) = (Arc::clone(&stand_in.asked), Arc::clone(&stand_in.most_at_once));
        let (answer, running) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for connection in listener.incoming().map(Result::unwrap) {
                let (asked, most_at_once) = (Arc::clone(&asked), Arc::clone(&most_at_once));
                let (answer, running) = (Arc::clone(&answer), Arc::clone(&running));
                std::thread::spawn(move || {
                    let request = Request::read(&connection);
                    asked.fetch_add(1, Ordering::SeqCst);
                    most_at_once.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let answer = answer(&request);
                    running.fetch_sub(1, Ordering::SeqCst);
                    // Whoever does not want the answer hangs up.
                    let _ = answer.write(&connection);
                });
            }
        });
        stand_in
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
