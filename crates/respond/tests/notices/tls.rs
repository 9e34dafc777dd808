//! A webhook over TLS, at a server of Python's.

use std::time::Duration;

use stockade_core::Outcome;
use stockade_core::ports::Responder as _;
use stockade_respond::notice::Webhook;

use crate::make::{at, book, notice, unlimited};
use crate::{certificates, python::Peer};

const SERVER: &str = r#"
import http.server, json, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(json.dumps({"path": self.path, "type": json.loads(body)["type"]}))
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port)
server.serve_forever()
"#;

#[test]
fn an_authority_of_ones_own_is_believed_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    certificates::make(folder.path());
    let file = |name: &str| folder.path().join(name);
    let (cert, key) = (file("server.pem"), file("server.key"));
    let mut peer = Peer::start("python3", SERVER, &[cert.to_str().unwrap(), key.to_str().unwrap()]);
    let url = format!("https://localhost:{}/hook", peer.port);
    let timeout = Duration::from_secs(5);
    let open = |authority: Option<&str>, url: &str| {
        let authority = authority.map(file);
        Webhook::new(url, None, timeout, authority.as_deref(), unlimited(), book())
    };
    let told = [notice("trail/main", "mallory", 0)];
    assert_eq!(open(Some("ca.pem"), &url).unwrap().tell(&told, at(0)).unwrap(), [Outcome::Done]);
    assert_eq!(peer.line()["type"], "notice");
    // Neither without it, nor under another name.
    let other_name = url.replace("localhost", "127.0.0.1");
    for (authority, url) in [(None, &url), (Some("ca.pem"), &other_name)] {
        let Ok(mut hook) = open(authority, url) else {
            // A machine without any authorities says so at once.
            continue;
        };
        let outcomes = hook.tell(&told, at(0)).unwrap();
        assert!(
            matches!(&outcomes[0], Outcome::Failed { error } if error.contains("certificate")),
            "{outcomes:?}"
        );
    }
    for (name, text) in [("none", None), ("empty", Some("")), ("names", Some("nothing"))] {
        if let Some(text) = text {
            std::fs::write(file(name), text).unwrap();
        }
        let error = open(Some(name), &url).unwrap_err();
        assert!(error.permanent && error.message.contains(name), "{error}");
    }
}
