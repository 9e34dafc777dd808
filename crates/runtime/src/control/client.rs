//! The commands' end of the control socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{MAX_MESSAGE_BYTES, Request, Response};

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    path: PathBuf,
}

/// Why the daemon could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nothing listens there.
    #[error("cannot reach the daemon: `{path}`: {error}")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It went away, took too long, or said something that is no answer.
    #[error("cannot understand the daemon: `{path}`: {problem}")]
    Garbled {
        /// The socket.
        path: PathBuf,
        /// What was wrong.
        problem: String,
    },
}

impl ClientError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                Some("the socket belongs to the user that runs the daemon: try again as root")
            }
            Self::Unreachable { .. } => Some("is it running? start it with `stockade run`"),
            Self::Garbled { .. } => Some("the daemon may be of another version, or busy: see its log"),
        }
    }
}

impl Client {
    /// Connects to the daemon that listens at `path`.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] if nobody does.
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        let unreachable = |error| ClientError::Unreachable { path: path.to_owned(), error };
        let stream = UnixStream::connect(path).map_err(unreachable)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(unreachable)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(unreachable)?;
        Ok(Self { stream: BufReader::new(stream), path: path.to_owned() })
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError::Garbled`] if there is none.
    pub fn ask(&mut self, request: &Request) -> Result<Response, ClientError> {
        self.exchange(request).map_err(|problem| ClientError::Garbled { path: self.path.clone(), problem })
    }

    fn exchange(&mut self, request: &Request) -> Result<Response, String> {
        let mut line = serde_json::to_vec(request).map_err(|error| error.to_string())?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line).map_err(|error| error.to_string())?;
        line.clear();
        let mut bounded = (&mut self.stream).take(MAX_MESSAGE_BYTES as u64);
        bounded.read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
        if line.last() != Some(&b'\n') {
            return Err("it hung up before it had answered".to_owned());
        }
        serde_json::from_slice(&line).map_err(|error| error.to_string())
    }
}
