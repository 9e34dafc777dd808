//! A stand-in for DynamoDB's bad days: a proxy on loopback before an emulator, which never has any.
//!
//! It passes requests on to the emulator, and does to some of them what a `Plan` says: refuses them, closes the
//! connection before or after they were done, or does one half of a batch and sends the other back. It speaks enough
//! HTTP/1.1 for the AWS SDK and nothing more; each request has a connection of its own.

#![expect(clippy::expect_used, reason = "a proxy that cannot start is a failed test")]

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mishap {
    /// Nothing: it is done and answered.
    None,
    /// Refused: too many requests.
    Throttled,
    /// Refused: the service says that it is at fault.
    Internal,
    /// Refused: the request is said to be wrong.
    Refused,
    /// The connection ends before anything is done.
    Dropped,
    /// It is done, and the connection ends before the answer.
    AnswerLost,
    /// Of a `BatchWriteItem` every second write is done, beginning with the first, and the others are sent back. Any
    /// other request is done.
    HalfDone,
}

/// A request as a plan sees it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The operation: `BatchWriteItem`.
    pub operation: &'a str,
    /// The body, JSON.
    pub body: &'a str,
    /// How many requests came before it.
    pub nth: usize,
}

/// Says what happens to each request, in the order in which they come.
type Plan = Box<dyn FnMut(&Asked<'_>) -> Mishap + Send>;

/// The proxy. It ends with the test's process.
#[derive(Debug)]
pub struct FaultyDynamo {
    url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    plan: Plan,
    asked: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl FaultyDynamo {
    /// A proxy before the emulator at `emulator` (`http://127.0.0.1:4566`), on a port of its own.
    ///
    /// # Panics
    /// If there is no port.
    pub fn before(emulator: &str, plan: impl FnMut(&Asked<'_>) -> Mishap + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let state = Arc::new(Mutex::new(State { plan: Box::new(plan), asked: 0 }));
        let emulator: Arc<str> = emulator.trim_start_matches("http://").trim_end_matches('/').into();
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (emulator, state) = (emulator.clone(), shared.clone());
                // What a client or the emulator breaks off is the client's to notice.
                std::thread::spawn(move || serve(client, &emulator, &state).ok());
            }
        });
        Self { url, state }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on this happens.
    pub fn plan(&self, plan: impl FnMut(&Asked<'_>) -> Mishap + Send + 'static) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).plan = Box::new(plan);
    }

    /// How many requests came so far.
    pub fn asked(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).asked
    }
}

/// One request, and the end of its connection.
fn serve(mut client: TcpStream, emulator: &str, state: &Mutex<State>) -> std::io::Result<()> {
    let Some((head, body)) = read_request(&client)? else { return Ok(()) };
    let operation =
        header(&head, "x-amz-target").and_then(|target| target.rsplit('.').next()).unwrap_or_default();
    let mishap = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = state.asked;
        state.asked += 1;
        (state.plan)(&Asked { operation, body: &body, nth })
    };
    match mishap {
        Mishap::None => forward(&head, &body, emulator).and_then(|answer| client.write_all(&answer)),
        Mishap::Dropped => Ok(()),
        Mishap::AnswerLost => forward(&head, &body, emulator).map(|_| ()),
        Mishap::Throttled => refuse(client, 400, "ProvisionedThroughputExceededException"),
        Mishap::Internal => refuse(client, 500, "InternalServerError"),
        Mishap::Refused => refuse(client, 400, "ValidationException"),
        Mishap::HalfDone => match halves(operation, &body) {
            None => forward(&head, &body, emulator).and_then(|answer| client.write_all(&answer)),
            Some((done, back)) => {
                let answer = forward(&head, &done, emulator)?;
                if answer.starts_with(b"HTTP/1.1 200") {
                    reply(client, 200, &json!({ "UnprocessedItems": back }))
                } else {
                    client.write_all(&answer)
                }
            }
        },
    }
}

fn read_request(client: &TcpStream) -> std::io::Result<Option<(String, String)>> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let length = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((head, String::from_utf8_lossy(&body).into_owned())))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Sends the request on and returns the whole answer as it came. The emulator checks no signatures.
fn forward(head: &str, body: &str, emulator: &str) -> std::io::Result<Vec<u8>> {
    let mut request = String::new();
    for line in head.lines().filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default();
        if !["content-length", "connection"].iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            request.push_str(line);
            request.push_str("\r\n");
        }
    }
    request.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()));
    let mut connection = TcpStream::connect(emulator)?;
    connection.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(answer)
}

/// What is done of a batch, and what is sent back.
fn halves(operation: &str, body: &str) -> Option<(String, Value)> {
    let mut request: Value = serde_json::from_str(body).ok().filter(|_| operation == "BatchWriteItem")?;
    let mut back = serde_json::Map::new();
    for (table, writes) in request.get_mut("RequestItems")?.as_object_mut()? {
        let writes = writes.as_array_mut()?;
        let (mut done, mut not) = (Vec::new(), Vec::new());
        for (nth, write) in std::mem::take(writes).into_iter().enumerate() {
            if nth % 2 == 0 { done.push(write) } else { not.push(write) }
        }
        *writes = done;
        if !not.is_empty() {
            back.insert(table.clone(), Value::Array(not));
        }
    }
    Some((request.to_string(), Value::Object(back)))
}

fn refuse(client: TcpStream, status: u16, code: &str) -> std::io::Result<()> {
    let name = format!("com.amazonaws.dynamodb.v20120810#{code}");
    reply(client, status, &json!({ "__type": name, "message": "so the test wants it" }))
}

fn reply(mut client: TcpStream, status: u16, body: &Value) -> std::io::Result<()> {
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    client.write_all(head.as_bytes())?;
    client.write_all(body.as_bytes())
}
