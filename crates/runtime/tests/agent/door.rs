//! A way from a network namespace to the emulator outside, which can be shut.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::support::namespace::Namespace;

/// Forwards connections while it is open.
pub(crate) struct Door {
    open: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    pub(crate) port: u16,
}

impl Door {
    /// Listens on loopback at `port` (0: any), inside a namespace if one is given, and forwards to `target` outside.
    pub(crate) fn new(inside: Option<&Namespace>, port: u16, target: SocketAddr) -> Self {
        let bind = || TcpListener::bind(("127.0.0.1", port)).unwrap();
        let listener = match inside {
            Some(namespace) => namespace.run(bind),
            None => bind(),
        };
        let door = Self {
            open: Arc::new(AtomicBool::new(true)),
            streams: Arc::default(),
            port: listener.local_addr().unwrap().port(),
        };
        let (open, streams) = (Arc::clone(&door.open), Arc::clone(&door.streams));
        std::thread::spawn(move || {
            for inner in listener.incoming().map_while(Result::ok) {
                if !open.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(outer) = TcpStream::connect(target) else { continue };
                streams.lock().unwrap().extend([inner.try_clone().unwrap(), outer.try_clone().unwrap()]);
                for (mut from, mut to) in [
                    (inner.try_clone().unwrap(), outer.try_clone().unwrap()),
                    (outer.try_clone().unwrap(), inner.try_clone().unwrap()),
                ] {
                    std::thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        door
    }

    /// Cuts what is open, and lets nobody through.
    pub(crate) fn shut(&self) {
        self.open.store(false, Ordering::Relaxed);
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets everybody through again.
    pub(crate) fn reopen(&self) {
        self.open.store(true, Ordering::Relaxed);
    }
}
