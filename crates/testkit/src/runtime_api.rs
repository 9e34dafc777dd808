//! Lambda's Runtime API on loopback: the smallest honest stand-in for the service that starts a `bootstrap`.
//!
//! It serves one process: `GET …/invocation/next` waits for [`RuntimeApi::invoke`], and what the process answers comes
//! back from it whole. So a test sees what the emulators hide: an answer with `batchItemFailures`, an error with its
//! type, the time until the process first asks for work. It knows no retries, no timeouts of functions, no sandbox.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use tiny_http::{Header, Method, Request, Response, Server};

/// The version that all paths begin with.
const VERSION: &str = "/2018-06-01/runtime/";

/// How long a function says it may take, in the deadline of an invocation.
const DEADLINE: Duration = Duration::from_secs(60);

/// A Runtime API for one process.
pub struct RuntimeApi {
    server: Arc<Server>,
    address: SocketAddr,
    payloads: Option<Sender<Vec<u8>>>,
    events: Receiver<Event>,
    thread: Option<JoinHandle<()>>,
}

/// What became of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The function's answer.
    Response(Vec<u8>),
    /// The function failed: the service would try again, or give the event to the dead letters.
    Error(Vec<u8>),
}

/// What the process told us.
enum Event {
    /// It asked for the next invocation.
    Ready(Instant),
    Answered(Answer),
    /// It says that it could not start.
    InitError(Vec<u8>),
}

impl std::fmt::Debug for RuntimeApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeApi").field("address", &self.address).finish_non_exhaustive()
    }
}

impl RuntimeApi {
    /// Listens on loopback.
    ///
    /// # Errors
    /// When it cannot.
    pub fn start() -> io::Result<Self> {
        let server = Arc::new(Server::http("127.0.0.1:0").map_err(io::Error::other)?);
        let address = server.server_addr().to_ip().ok_or_else(|| io::Error::other("not an IP address"))?;
        let (payloads, waiting) = channel();
        let (tell, events) = channel();
        let thread = std::thread::spawn({
            let server = Arc::clone(&server);
            move || serve(&server, &waiting, &tell)
        });
        Ok(Self { server, address, payloads: Some(payloads), events, thread: Some(thread) })
    }

    /// What `AWS_LAMBDA_RUNTIME_API` must hold.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A command that starts `program` as the service would: with the variables that it sets, and no others.
    pub fn command(&self, program: &Path, handler: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null());
        command.env("AWS_LAMBDA_RUNTIME_API", self.address.to_string()).env("_HANDLER", handler);
        if let Some(root) = program.parent() {
            command.env("LAMBDA_TASK_ROOT", root).current_dir(root);
        }
        for (name, value) in [
            ("AWS_LAMBDA_FUNCTION_NAME", handler),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "test"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("TZ", ":UTC"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ] {
            command.env(name, value);
        }
        command
    }

    /// Waits until the process asks for its first (or, after an answer, its next) invocation; the instant it did.
    ///
    /// # Errors
    /// When it says that it could not start, or nothing at all within `patience`.
    pub fn ready(&self, patience: Duration) -> io::Result<Instant> {
        match self.event(patience)? {
            Event::Ready(at) => Ok(at),
            Event::InitError(why) => Err(io::Error::other(String::from_utf8_lossy(&why).into_owned())),
            Event::Answered(_) => Err(io::Error::other("an answer without a question")),
        }
    }

    /// Invokes the function with `payload` and waits for its answer. [`RuntimeApi::ready`] need not be asked before.
    ///
    /// # Errors
    /// When the process could not start, or does not answer within `patience`.
    pub fn invoke(&self, payload: impl Into<Vec<u8>>, patience: Duration) -> io::Result<Answer> {
        let closed = || io::Error::other("the API is closed");
        self.payloads.as_ref().ok_or_else(closed)?.send(payload.into()).map_err(|_| closed())?;
        let until = Instant::now() + patience;
        loop {
            match self.event(until.saturating_duration_since(Instant::now()))? {
                Event::Answered(answer) => return Ok(answer),
                Event::Ready(_) => {}
                Event::InitError(why) => {
                    return Err(io::Error::other(String::from_utf8_lossy(&why).into_owned()));
                }
            }
        }
    }

    fn event(&self, patience: Duration) -> io::Result<Event> {
        self.events.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
            RecvTimeoutError::Disconnected => io::ErrorKind::BrokenPipe.into(),
        })
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.payloads = None;
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Answers the process until there is nothing more to invoke.
fn serve(server: &Server, waiting: &Receiver<Vec<u8>>, tell: &Sender<Event>) {
    let mut number = 0_u64;
    while let Ok(mut request) = server.recv() {
        let now = Instant::now();
        let mut body = Vec::new();
        if request.as_reader().read_to_end(&mut body).is_err() {
            continue;
        }
        let path = request.url().strip_prefix(VERSION).unwrap_or_default().to_owned();
        let event = match (request.method(), path.as_str()) {
            (Method::Get, "invocation/next") => {
                if tell.send(Event::Ready(now)).is_err() {
                    return;
                }
                let Ok(payload) = waiting.recv() else { return };
                number += 1;
                let _ = request.respond(invocation(payload, number));
                continue;
            }
            (Method::Post, "init/error") => Event::InitError(body),
            (Method::Post, path) if path.ends_with("/response") => Event::Answered(Answer::Response(body)),
            (Method::Post, path) if path.ends_with("/error") => Event::Answered(Answer::Error(body)),
            _ => {
                let _ = request.respond(Response::empty(404));
                continue;
            }
        };
        accepted(request);
        if tell.send(event).is_err() {
            return;
        }
    }
}

fn invocation(payload: Vec<u8>, number: u64) -> Response<io::Cursor<Vec<u8>>> {
    let deadline = SystemTime::now() + DEADLINE;
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let arn = "arn:aws:lambda:eu-central-1:000000000000:function:test";
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", format!("00000000-0000-4000-8000-{number:012}")),
        ("Lambda-Runtime-Deadline-Ms", deadline.to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", arn.to_owned()),
        ("Lambda-Runtime-Trace-Id", format!("Root=1-00000000-{number:024}")),
        ("Content-Type", "application/json".to_owned()),
    ];
    let headers = headers.iter().filter_map(|(name, value)| Header::from_bytes(*name, value.as_str()).ok());
    headers.fold(Response::from_data(payload), Response::with_header)
}

fn accepted(request: Request) {
    let json = Header::from_bytes("Content-Type", "application/json").ok();
    let response = Response::from_data(br#"{"status":"OK"}"#.to_vec()).with_status_code(202);
    let _ = request.respond(json.into_iter().fold(response, Response::with_header));
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// One request of a process, and the answer as it comes.
    fn ask(address: SocketAddr, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!("{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}");
        write!(stream, "{head}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_process_gets_its_work_and_is_heard() {
        let api = RuntimeApi::start().unwrap();
        let address = api.address();
        let process = std::thread::spawn(move || {
            let next = ask(address, "GET /2018-06-01/runtime/invocation/next", "");
            let id = next.lines().find_map(|line| line.strip_prefix("Lambda-Runtime-Aws-Request-Id: "));
            let path = format!("POST /2018-06-01/runtime/invocation/{}/response", id.unwrap());
            ask(address, &path, r#"{"batchItemFailures":[]}"#);
            ask(address, &path.replace("response", "error"), "no");
            next
        });
        api.ready(PATIENCE).unwrap();
        let answer = api.invoke("{\"a\":1}", PATIENCE).unwrap();
        assert_eq!(answer, Answer::Response(br#"{"batchItemFailures":[]}"#.to_vec()));
        assert!(process.join().unwrap().ends_with("{\"a\":1}"));
        assert!(matches!(api.event(PATIENCE), Ok(Event::Answered(Answer::Error(why))) if why == b"no"));
    }

    #[test]
    fn a_process_that_cannot_start_says_why() {
        let api = RuntimeApi::start().unwrap();
        ask(api.address(), "POST /2018-06-01/runtime/init/error", "no table");
        assert_eq!(api.ready(PATIENCE).unwrap_err().to_string(), "no table");
    }
}
