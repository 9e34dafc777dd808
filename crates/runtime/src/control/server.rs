//! The daemon's end of the control socket.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::{Request, Response};

/// The longest request, in bytes.
const MAX_REQUEST_BYTES: u64 = 1 << 20;
/// How many commands may speak at once; more are turned away.
const MAX_CLIENTS: usize = 32;
/// How long a silent client keeps its place.
const IDLE: Duration = Duration::from_secs(60);

/// A question with the way back.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) reply: SyncSender<Response>,
}

/// Listens until it is dropped; then the socket file is gone.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Listens at `path`, for this user and root only. A socket file that nobody listens at any more is replaced.
    pub(crate) fn start<T: Send + From<Asked> + 'static>(path: &Path, inputs: Sender<T>) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
        }
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another daemon listens there"));
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || listen(&listener, &inputs, &stopped))?;
        Ok(Self { path: path.to_owned(), stop })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The listener waits in accept: a last visitor wakes it.
        let _ = UnixStream::connect(&self.path);
        let _ = fs::remove_file(&self.path);
    }
}

fn listen<T: Send + From<Asked> + 'static>(listener: &UnixListener, inputs: &Sender<T>, stop: &AtomicBool) {
    let clients = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else {
            // Out of descriptors: give somebody time to close one.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if clients.fetch_add(1, Ordering::Relaxed) >= MAX_CLIENTS {
            clients.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (inputs, clients) = (inputs.clone(), Arc::clone(&clients));
        let spawned = thread::Builder::new().name("client".to_owned()).spawn(move || {
            let _ = serve(stream, &inputs);
            clients.fetch_sub(1, Ordering::Relaxed);
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "cannot serve a command");
        }
    }
}

fn serve<T: From<Asked>>(stream: UnixStream, inputs: &Sender<T>) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        (&mut reader).take(MAX_REQUEST_BYTES).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        let response = match serde_json::from_slice(&line) {
            Ok(request) => answer(request, inputs),
            Err(error) => {
                Response::Error { message: format!("cannot read the request: {error}"), hint: None }
            }
        };
        let mut line = serde_json::to_vec(&response)?;
        line.push(b'\n');
        reader.get_mut().write_all(&line)?;
    }
}

fn answer<T: From<Asked>>(request: Request, inputs: &Sender<T>) -> Response {
    let (reply, answer) = sync_channel(1);
    let gone = || Response::Error { message: "the daemon is stopping".to_owned(), hint: None };
    if inputs.send(Asked { request, reply }.into()).is_err() {
        return gone();
    }
    answer.recv().unwrap_or_else(|_| gone())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::control::Client;

    #[test]
    fn a_question_gets_its_answer_and_garbage_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/stockade.sock");
        let (inputs, questions) = channel::<Asked>();
        let server = Server::start(&path, inputs).unwrap();
        thread::spawn(move || {
            for asked in questions {
                asked.reply.send(Response::Done { message: format!("{:?}", asked.request) }).unwrap();
            }
        });
        let mut client = Client::connect(&path).unwrap();
        assert_eq!(client.ask(&Request::Ping).unwrap(), Response::Done { message: "Ping".to_owned() });

        let mut raw = UnixStream::connect(&path).unwrap();
        raw.write_all(b"{\"ask\":\"nonsense\"}\n").unwrap();
        let mut line = String::new();
        BufReader::new(raw).read_line(&mut line).unwrap();
        assert!(line.contains("cannot read the request"), "{line}");

        assert!(Server::start(&path, channel::<Asked>().0).is_err(), "two daemons at one socket");
        drop(server);
        assert!(!path.exists());
        assert!(Client::connect(&path).is_err());
    }
}
