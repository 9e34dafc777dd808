//! Lines that attackers write: nobody is banned for what somebody else typed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail loudly"
)]

mod support;

use serde_json::Value;
use stockade_core::Timestamp;

/// A lone surrogate `\udcXX` stands for the raw byte XX.
fn line_bytes(json: &str) -> Vec<u8> {
    let start = json.find("\"line\": \"").unwrap() + 9;
    let mut bytes = Vec::new();
    let mut rest = json[start..].chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => break,
            '\\' => match rest.next().unwrap() {
                'u' => {
                    let hex: String = rest.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&hex, 16).unwrap();
                    match code {
                        0xDC80..=0xDCFF => bytes.push(u8::try_from(code - 0xDC00).unwrap()),
                        code => bytes.extend(char::from_u32(code).unwrap_or('\u{fffd}').to_string().bytes()),
                    }
                }
                'n' => bytes.push(b'\n'),
                'r' => bytes.push(b'\r'),
                't' => bytes.push(b'\t'),
                other => bytes.extend(other.to_string().bytes()),
            },
            other => bytes.extend(other.to_string().bytes()),
        }
    }
    bytes
}

/// Lines of which the shared data says that an address in the middle must be banned, and of which we take none.
///
/// The name or header in them is the client's, and it may hold the very words that the program writes behind it. So the
/// address in the middle may be one that somebody typed: whoever can log in with the user name
/// `x from V port 1 ssh2:` could have V banned. sshd's line counts for the address that another line of the same
/// connection brings; nginx's is refused.
const UNDECIDABLE: [&str; 2] = [
    "for invalid user test from 127.9.9.9 port 58946 ssh2: from 10.10.1.2 port 55555 ssh2",
    "user \"test\": password mismatch, client: 127.9.9.9, server: test, request: \"GET / HTTP/1.1\", host: \"localhost:8443\"\"",
];

#[test]
fn nobody_is_banned_for_what_somebody_typed() {
    let Some(folder) = support::shared("data/injection") else { return };
    let text = std::fs::read_to_string(folder.join("lines.jsonl")).unwrap();
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for json in text.lines().filter(|line| !line.is_empty()) {
        let record: Value = serde_json::from_str(&json.replace("\\udc", "\\u00")).unwrap();
        let name = match record["filter"].as_str().unwrap() {
            "roundcube-auth" => "roundcube",
            name => name,
        };
        let line = line_bytes(json);
        let list = |key: &str| -> Vec<String> {
            record[key].as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
        };
        // Every shipped filter may see every line; the one it is meant for must also find whom it should.
        for shipped in
            ["sshd", "ssh-legacy", "dovecot", "postfix", "roundcube", "nginx-http-auth", "apache-auth"]
        {
            let meant = shipped == name;
            let options = record["options"].as_object().into_iter().flatten();
            let mut params: Vec<(String, String)> =
                options.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
            if !meant {
                params.clear();
                if ["sshd", "postfix"].contains(&shipped) {
                    params.push(("mode".to_owned(), "aggressive".to_owned()));
                }
            }
            let mut scanner = support::scanner(support::shipped(shipped, &params));
            let now = Timestamp::from_secs(1_795_305_600);
            let got = support::scan(&mut scanner, &line, now, |hit| hit.key.to_string());
            checked += 1;
            for innocent in list("must_not_ban").iter().filter(|key| got.contains(key)) {
                wrong.push(format!("{shipped}: {innocent} is banned by: {}", String::from_utf8_lossy(&line)));
            }
            let text = String::from_utf8_lossy(&line);
            if meant && UNDECIDABLE.iter().any(|part| text.contains(part)) {
                assert_eq!(got, Vec::<String>::new(), "none of the addresses of: {text}");
                continue;
            }
            for guilty in list("must_ban").iter().filter(|key| meant && !got.contains(key)) {
                wrong
                    .push(format!("{shipped}: {guilty} is not found in: {}", String::from_utf8_lossy(&line)));
            }
        }
    }
    assert!(checked > 200);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lines that are large, cut or repeated: none panics, none finds an address that is nobody's.
#[test]
fn deformed_lines_are_survived() {
    let base = b"Nov 21 22:00:00 host sshd[4242]: Failed password for invalid user ".to_vec();
    let tail = b" from 192.0.2.7 port 1 ssh2";
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for fill in [&b" from 198.51.100.9"[..], b"x", b"\xff\xfe", b"\r", b"\0", b"\x1b[2J", b"[", b"\"", b": "]
    {
        for times in [1, 20, 2_000, 5_000] {
            lines.push([&base[..], &fill.repeat(times), tail].concat());
        }
    }
    lines.push([&base[..], &vec![b'a'; 1 << 20], tail].concat());
    for name in ["sshd", "ssh-legacy", "dovecot", "postfix", "roundcube", "nginx-http-auth", "apache-auth"] {
        let filter = support::shipped(name, &[]);
        for line in &lines {
            for cut in [line.len(), line.len() / 2, line.len().saturating_sub(3), 40] {
                let mut scanner = support::scanner(filter.clone());
                let got =
                    support::scan(&mut scanner, &line[..cut], Timestamp::from_secs(1_795_305_600), |h| {
                        h.key.to_string()
                    });
                assert!(
                    got.iter().all(|key| key == "192.0.2.7"),
                    "{name}: {got:?}: {}",
                    String::from_utf8_lossy(&line[..cut.min(200)])
                );
            }
        }
    }
}
