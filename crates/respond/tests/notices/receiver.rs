//! The other end of a webhook, on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tiny_http::{Header, Response, Server};

/// One request as it came.
#[derive(Default)]
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// How one request is answered.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) header: Option<(&'static str, String)>,
    pub(crate) body: &'static str,
    pub(crate) after: Duration,
}

pub(crate) fn status(status: u16) -> Answer {
    Answer { status, header: None, body: "", after: Duration::ZERO }
}

/// A server that gives these answers in turn, then the last of them for ever.
pub(crate) struct Other {
    server: Arc<Server>,
    got: Receiver<Got>,
    thread: Option<JoinHandle<()>>,
}

impl Other {
    pub(crate) fn new(answers: Vec<Answer>) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let (sender, got) = channel();
        let (serving, nth) = (Arc::clone(&server), AtomicUsize::new(0));
        let thread = std::thread::spawn(move || {
            while let Ok(mut request) = serving.recv() {
                let mut body = Vec::new();
                request.as_reader().read_to_end(&mut body).unwrap();
                let headers = request.headers().iter();
                let headers =
                    headers.map(|one| (one.field.to_string().to_lowercase(), one.value.to_string()));
                let got = Got {
                    method: request.method().to_string(),
                    path: request.url().to_owned(),
                    headers: headers.collect(),
                    body,
                };
                let place = nth.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
                let answer = answers[place].clone();
                let _ = sender.send(got);
                std::thread::sleep(answer.after);
                let mut response = Response::from_string(answer.body).with_status_code(answer.status);
                if let Some((name, value)) = answer.header {
                    response.add_header(Header::from_bytes(name, value).unwrap());
                }
                let _ = request.respond(response);
            }
        });
        Self { server, got, thread: Some(thread) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.server_addr())
    }

    /// All that came until now.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.try_iter().collect()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
