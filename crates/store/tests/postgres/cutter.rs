//! A proxy between a store and its server that cuts the line where it hurts most.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

/// Where PostgreSQL's clients look for a socket in a folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// Lets everything through until it is armed; then what holds certain bytes reaches the server, and the answer nobody.
pub(crate) struct Cutter {
    folder: PathBuf,
    armed: Arc<AtomicU32>,
}

impl Cutter {
    /// Between `folder` and the server whose socket lies in `server`; `at`: where it cuts.
    pub(crate) fn new(folder: &Path, server: &Path, at: &'static [u8]) -> Self {
        let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
        let armed = Arc::new(AtomicU32::new(0));
        let (server, arm) = (server.join(SOCKET), Arc::clone(&armed));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = UnixStream::connect(&server).unwrap();
                let arm = Arc::clone(&arm);
                thread::spawn(move || pass_on(client, server, at, &arm));
            }
        });
        Self { folder: folder.to_owned(), armed }
    }

    pub(crate) fn arm(&self, cuts: u32) {
        self.armed.store(cuts, Ordering::SeqCst);
    }

    pub(crate) fn has_cut(&self) -> bool {
        self.armed.load(Ordering::SeqCst) == 0
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@{}/{database}", self.folder.display().to_string().replace('/', "%2F"))
    }
}

fn pass_on(mut client: UnixStream, mut server: UnixStream, at: &[u8], armed: &AtomicU32) {
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let cut = Arc::new(AtomicBool::new(false));
    let deaf = Arc::clone(&cut);
    let back = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from_server.read(&mut buffer) {
            if !deaf.load(Ordering::SeqCst) && to_client.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 65536];
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        let meant = buffer[..read].windows(at.len()).any(|bytes| bytes == at);
        if meant && armed.try_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            cut.store(true, Ordering::SeqCst);
            server.write_all(&buffer[..read]).unwrap();
            // The server does as it was told, and then finds nobody there.
            thread::sleep(std::time::Duration::from_millis(200));
            break;
        }
        if server.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
    let _ = back.join();
}
