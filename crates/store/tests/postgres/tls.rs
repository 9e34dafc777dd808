//! TLS, with a certificate of an authority of our own, and the ways to give a password.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use stockade_core::ports::StoreErrorKind;
use stockade_testkit::postgres::Server;

use super::try_open;

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// An authority, a certificate of it for `localhost`, and another authority.
fn certificates(folder: &Path) {
    for (name, subject) in [("ca", "/CN=authority"), ("other", "/CN=other")] {
        openssl(
            folder,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj {subject} -keyout \
                 {name}.key -out {name}.pem"
            ),
        );
    }
    openssl(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key -out \
         server.csr",
    );
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    );
}

#[test]
fn a_server_is_believed_as_far_as_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    certificates(folder.path());
    // PostgreSQL wants a key that is the server's alone; it runs as nobody where we are root.
    fs::set_permissions(folder.path().join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let _ = Command::new("chown").arg("nobody").arg(folder.path().join("server.key")).status();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = folder.path().display();
    let hba = folder.path().join("hba");
    fs::write(
        &hba,
        "local all all trust\nhostssl all postgres all trust\nhostssl all all all scram-sha-256\n",
    )
    .unwrap();
    fs::set_permissions(&hba, fs::Permissions::from_mode(0o644)).unwrap();
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={at}/server.pem"),
        format!("ssl_key_file={at}/server.key"),
        format!("hba_file={at}/hba"),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let Some(server) = Server::start_at(port, &settings) else { return };
    let database = server.database();
    let url = |user: &str, host: &str, more: &str| {
        format!("postgresql://{user}@{host}:{port}/{}?{more}", database.name)
    };
    let ca = format!("sslrootcert={at}/ca.pem");
    let other = format!("sslrootcert={at}/other.pem");
    for (host, more, ok) in [
        ("localhost", "sslmode=prefer".to_owned(), true),
        ("localhost", "sslmode=require".to_owned(), true),
        ("localhost", format!("sslmode=verify-full&{ca}"), true),
        ("127.0.0.1", format!("sslmode=verify-ca&{ca}"), true),
        ("127.0.0.1", format!("sslmode=verify-full&{ca}"), false),
        ("localhost", format!("sslmode=verify-full&{other}"), false),
        ("127.0.0.1", format!("sslmode=verify-ca&{other}"), false),
        ("localhost", format!("sslmode=require&{other}"), false),
        ("localhost", "sslmode=disable".to_owned(), false),
    ] {
        let opened = try_open(&url("postgres", host, &more), "web01");
        assert_eq!(opened.is_ok(), ok, "{host} {more}: {opened:?}");
        if let Err(error) = opened {
            assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
        }
    }
    // A password, from each place it may stand in; SCRAM binds it to the channel.
    database.sql("CREATE ROLE guard LOGIN PASSWORD 's3cret'");
    database.sql(&format!("ALTER DATABASE {} OWNER TO guard", database.name));
    database.sql("DROP SCHEMA IF EXISTS stockade CASCADE; DROP VIEW IF EXISTS public.ip_errors");
    let passfile = folder.path().join("passfile");
    fs::write(&passfile, format!("localhost:{port}:*:guard:s3cret\n")).unwrap();
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).unwrap();
    let from_file = format!("sslmode=verify-full&{ca}&passfile={}", passfile.display());
    try_open(&url("guard", "localhost", &from_file), "web01").unwrap();
    try_open(&url("guard:s3cret", "localhost", &format!("sslmode=verify-full&{ca}")), "web01").unwrap();
    let error = try_open(&url("guard:wr0ng", "localhost", "sslmode=require"), "web01").unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable);
    assert!(
        error.hint.as_ref().unwrap().contains("passfile") && !format!("{error:?}").contains("wr0ng"),
        "{error:?}"
    );
}
