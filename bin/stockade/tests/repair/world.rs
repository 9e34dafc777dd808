//! An account of its own in moto, and the binary in it.

use std::cell::OnceCell;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use serde_json::{Value, json};
use stockade_testkit::fault_proxy::{Answer, FaultProxy, Verdict};
use tempfile::TempDir;

pub(crate) const REGION: &str = "eu-central-1";
/// One region. Behind it settings of `[repair]` may follow.
pub(crate) const HERE: &str = "[repair]\ntrial = \"0s\"\nregions = [\"eu-central-1\"]\n";
/// The repairs of trails may do all they can; the others are off, so that each test is about what it says.
pub(crate) const ACT: &str = "[repair.playbooks]\ntrail-stopped = \"act\"\ntrail-deleted = \"act\"\ntrail-weakened = \
     \"act\"\nself-protection = \"act\"\n";

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Came {
    /// The exit code was this one; whatever was printed, if not.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    /// All of these were printed, on whichever of the two.
    #[track_caller]
    pub(crate) fn says(self, wanted: &[&str]) -> Self {
        for text in wanted {
            assert!(
                self.out.contains(text) || self.err.contains(text),
                "no `{text}` in\n{}{}",
                self.out,
                self.err
            );
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

/// An account, and a folder with its configuration.
pub(crate) struct World {
    pub(crate) account: String,
    /// Between the binary and moto.
    pub(crate) proxy: FaultProxy,
    pub(crate) folder: TempDir,
    moto: String,
    keys: Keys,
    bucket: OnceCell<String>,
}

/// Credentials of a session in the account: by them moto knows whose request it is.
struct Keys {
    id: String,
    secret: String,
    token: String,
}

impl World {
    /// An account in which the repairs of trails may do all they can. None, after a line that says so, where no moto runs.
    pub(crate) fn new() -> Option<Self> {
        let Some(moto) = std::env::var("STOCKADE_TEST_MOTO").ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: no moto: eval \"$(dev/emulators start)\" starts one");
            return None;
        };
        let account = account();
        let form = format!(
            "Action=AssumeRole&Version=2011-06-15&RoleSessionName=test&RoleArn=arn:aws:iam::{account}:role/tester"
        );
        let answer = ask(&moto, "sts", "test", "POST", "/", &[FORM], form.as_bytes());
        let of = |name: &str| {
            let (_, rest) = answer.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{answer}"));
            rest.split('<').next().unwrap().to_owned()
        };
        let keys = Keys { id: of("AccessKeyId"), secret: of("SecretAccessKey"), token: of("SessionToken") };
        let proxy = FaultProxy::before(&moto);
        let folder = tempfile::tempdir().unwrap();
        let world = Self { account, proxy, folder, moto, keys, bucket: OnceCell::new() };
        world.configure(&format!("{HERE}{ACT}"));
        Some(world)
    }

    /// Writes `stockade.toml`: the store in the folder, and what follows it.
    pub(crate) fn configure(&self, rest: &str) {
        let store = self.folder.path().join("stockade.db");
        let text = format!("store = \"{}\"\n{rest}", store.display());
        fs::write(self.folder.path().join("stockade.toml"), text).unwrap();
    }

    /// Where last good states and the record are kept.
    pub(crate) fn shelf(&self) -> PathBuf {
        self.folder.path().join("repairs.db")
    }

    /// The binary in the account, ready to run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
        command
            .current_dir(root())
            .env_clear()
            .env("TZ", "UTC")
            .env("HOME", self.folder.path())
            .env("STOCKADE_CONFIG", self.folder.path())
            .env("AWS_ENDPOINT_URL", self.proxy.url())
            .env("AWS_REGION", REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", &self.keys.id)
            .env("AWS_SECRET_ACCESS_KEY", &self.keys.secret)
            .env("AWS_SESSION_TOKEN", &self.keys.token)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Came {
        came(&self.command(args).output().unwrap())
    }

    /// A file in the folder.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// What somebody else does about trails.
    pub(crate) fn cloudtrail(&self, operation: &str, parameters: &Value) -> Value {
        let target = format!("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)];
        let body = parameters.to_string();
        let answer = ask(&self.moto, "cloudtrail", &self.keys.id, "POST", "/", &headers, body.as_bytes());
        serde_json::from_str(if answer.is_empty() { "{}" } else { &answer })
            .unwrap_or_else(|error| panic!("{operation}: {error}: {answer}"))
    }

    /// A trail that logs into a bucket which lets it; its ARN.
    pub(crate) fn trail(&self, name: &str) -> String {
        let bucket = self.bucket.get_or_init(|| self.new_bucket());
        let made = self.cloudtrail(
            "CreateTrail",
            &json!({"Name": name, "S3BucketName": bucket, "EnableLogFileValidation": true}),
        );
        self.cloudtrail("StartLogging", &json!({"Name": name}));
        made["TrailARN"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// A bucket that CloudTrail may write to.
    fn new_bucket(&self) -> String {
        let bucket = format!("logs-{}", self.account);
        let s3 = |path: &str, body: &str| {
            ask(&self.moto, "s3", &self.keys.id, "PUT", path, &[], body.as_bytes());
        };
        s3(
            &format!("/{bucket}"),
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>\
             eu-central-1</LocationConstraint></CreateBucketConfiguration>",
        );
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")]}]});
        s3(&format!("/{bucket}?policy"), &policy.to_string());
        bucket
    }

    pub(crate) fn stop(&self, name: &str) {
        self.cloudtrail("StopLogging", &json!({"Name": name}));
    }

    pub(crate) fn logs(&self, name: &str) -> bool {
        self.cloudtrail("GetTrailStatus", &json!({"Name": name}))["IsLogging"] == true
    }

    /// The event of AWS Config's rule that comes along, as if it were of this account.
    pub(crate) fn config_event(&self) -> Value {
        self.example("config-cloudtrail-enabled.json")
    }

    /// An event of `examples/`.
    pub(crate) fn example(&self, name: &str) -> Value {
        let text = fs::read_to_string(root().join("examples").join(name)).unwrap();
        serde_json::from_str(&text.replace("123456789012", &self.account)).unwrap()
    }

    /// Hands the event of Config's rule to the binary.
    pub(crate) fn event(&self, more: &[&str]) -> Came {
        let file = self.file("event.json", self.config_event().to_string().as_bytes());
        self.run(&[&["repair", "event", "trail-stopped", &file], more].concat())
    }

    /// From now on moto is not asked for this, and the answer is that it may not be done; nothing is refused for the
    /// empty name. `thing`: only where the request names it.
    pub(crate) fn refuse(&self, operation: &str, thing: &str) {
        let (operation, thing) = (operation.to_owned(), thing.to_owned());
        self.proxy.rule(move |request| {
            let named = String::from_utf8_lossy(&request.body).contains(&thing);
            if named && request.action() == Some(operation.as_str()) {
                let body =
                    json!({"__type": "AccessDeniedException", "message": "not authorized to perform this"});
                return Verdict::answer(Answer::json(400, &body.to_string()));
            }
            Verdict::Pass
        });
    }

    /// The id of the newest repair.
    pub(crate) fn newest(&self, kind: &str) -> String {
        let newest = self.run(&["repair", "show", "--json"]).with(0).json();
        let entries = newest["newest"].as_array().unwrap();
        let entry = entries.iter().rfind(|entry| entry["kind"] == kind);
        entry.unwrap_or_else(|| panic!("{newest:#}"))["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn came(output: &Output) -> Came {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Came { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Asks moto straight. It checks no signature, and takes account, region and service from what is signed.
fn ask(
    moto: &str,
    service: &str,
    key: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> String {
    let address = moto.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let host = if service == "s3" { "s3.eu-central-1.amazonaws.com" } else { address };
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\nauthorization: \
         AWS4-HMAC-SHA256 Credential={key}/20261122/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=x\r\n",
        body.len()
    );
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(&[head.as_bytes(), b"\r\n", body].concat()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, answer) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 ") || head.contains(" 204 "), "{method} {path}: {reply}");
    answer.to_owned()
}

/// Twelve digits that no other test has.
fn account() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let nth = u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
    let mixed =
        now.wrapping_mul(1_000_003).wrapping_add(nth * 7919 + u128::from(std::process::id()) * 104_729);
    format!("{:012}", 100_000_000_000 + mixed % 899_999_999_999)
}
