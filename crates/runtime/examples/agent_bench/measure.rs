//! The measuring itself.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use stockade_aws::wire::{self, Message, Notice, snapshot};
use stockade_aws::{Access, Aws, Call};
use stockade_core::Timestamp;
use stockade_core::ports::{Clock, Protocol, Responder, Scope};
use stockade_respond::Nftables;
use stockade_runtime::daemon::SystemClock;

use self::door::Door;
use self::support::namespace::Namespace;

#[allow(dead_code, reason = "nobody shuts it here")]
#[path = "../../tests/agent/door.rs"]
mod door;
#[path = "../../../respond/tests/support/namespace.rs"]
mod namespace;
mod support {
    pub(super) use super::namespace;
}

const REGION: &str = "us-east-1";
/// Longer than this nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

pub(super) fn main() {
    let mut args = std::env::args_os().skip(1);
    let program = args.next().map(PathBuf::from).expect("usage: agent_bench STOCKADE [BANS]");
    let bans = args.next().map_or(100_000, |n| n.to_str().and_then(|n| n.parse().ok()).expect("a number"));
    let endpoint =
        std::env::var("STOCKADE_TEST_MINISTACK").expect("STOCKADE_TEST_MINISTACK names the emulator");
    let access = Access { region: Some(REGION.to_owned()), endpoint: Some(endpoint.clone()) };
    let bench = Bench { program, aws: Aws::new(&access).unwrap(), endpoint };
    println!("| how they come | bans | until all are in the kernel | per second | memory of the agent |");
    println!("|---|---:|---:|---:|---:|");
    bench.row("messages of 1,000 addresses, waiting in the queue", bans, |site, notices| {
        let packed: Vec<_> = notices.chunks(1_000).flat_map(|chunk| wire::pack(chunk).messages).collect();
        site.publish(&packed);
    });
    let few = bans / 10;
    bench.row("messages of one address, waiting in the queue", few, |site, notices| {
        let packed: Vec<_> =
            notices.iter().flat_map(|one| wire::pack(std::slice::from_ref(one)).messages).collect();
        site.publish(&packed);
    });
    bench.row("the snapshot", bans, |site, notices| {
        site.write_snapshot(notices);
    });
}

struct Bench {
    program: PathBuf,
    aws: Aws,
    endpoint: String,
}

impl Bench {
    fn row(&self, how: &str, count: u32, prepare: impl Fn(&Site<'_>, &[Notice])) {
        let Some(namespace) = Namespace::new() else { std::process::exit(1) };
        let target = self.endpoint.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        let door = Door::new(Some(&namespace), 4_566, target);
        let site = Site::new(self, &namespace, door.port);
        // The queue is there before the messages.
        assert!(site.agent(&["--once"]).wait().unwrap().success());
        let now = SystemClock.now();
        let notices: Vec<Notice> = (0..count).map(|n| notice(n, now)).collect();
        prepare(&site, &notices);
        let began = Instant::now();
        let mut agent = site.agent(&[]);
        let mut held = 0;
        while held < count as usize {
            assert!(began.elapsed() < PATIENCE, "{held} of {count}");
            std::thread::sleep(Duration::from_millis(50));
            held = namespace.run(|| {
                // As the agent makes it ready, so nothing is changed.
                let jail =
                    Scope { jail: "sshd".into(), ports: vec![(22, 22)], protocols: vec![Protocol::Tcp] };
                let mut nftables = Nftables::open().unwrap();
                let held = nftables.prepare(&[jail]).and_then(|()| nftables.current(SystemClock.now()));
                held.ok().flatten().map_or(0, |held| held.len())
            });
        }
        let took = began.elapsed().as_secs_f64();
        let memory = resident_mib(agent.id());
        agent.kill().unwrap();
        agent.wait().unwrap();
        let rate = f64::from(count) / took;
        println!("| {how} | {count} | {took:.2} s | {rate:.0} | {memory} MiB |");
    }
}

struct Site<'b> {
    bench: &'b Bench,
    namespace: &'b Namespace,
    folder: tempfile::TempDir,
    topic: String,
    name: String,
}

impl<'b> Site<'b> {
    fn new(bench: &'b Bench, namespace: &'b Namespace, port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("bench-{}-{port}-{:x}", std::process::id(), SystemClock.now().as_millis());
        let sns = aws_sdk_sns::Client::new(bench.aws.config());
        let topic = bench.aws.block_on(sns.create_topic().name(&name).send()).unwrap().topic_arn.unwrap();
        let call = Call::rest("make a bucket".into(), "s3", "PUT", format!("/{name}"));
        bench.aws.block_on(bench.aws.call(&call)).unwrap();
        let at = folder.path().display();
        let settings = format!(
            "socket = \"{at}/socket\"\nhost = \"{name}\"\n[guards]\nmax_bans_per_minute = 100000000\n\
             [aws]\nregion = \"{REGION}\"\nendpoint = \"http://127.0.0.1:{port}\"\ntopic = \"{name}\"\n\
             snapshot = \"s3://{name}/live.gz\"\n[agent]\nstore = \"{at}/agent.db\"\njails = [\"sshd\"]\n"
        );
        std::fs::write(folder.path().join("stockade.toml"), settings).unwrap();
        Self { bench, namespace, folder, topic, name }
    }

    fn agent(&self, options: &[&str]) -> Child {
        let said = std::fs::File::create(self.folder.path().join("said")).unwrap();
        let mut command = Command::new(&self.bench.program);
        command.arg("agent").arg("-c").arg(self.folder.path()).args(options);
        command.stdout(Stdio::null()).stderr(said);
        self.namespace.run(|| command.spawn()).unwrap()
    }

    fn publish(&self, messages: &[Message]) {
        let sns = aws_sdk_sns::Client::new(self.bench.aws.config());
        let mut from = 0;
        while from < messages.len() {
            // As many as fit together into one request.
            let mut bytes = 0;
            let fits = |message: &&Message| {
                bytes += message.bytes();
                bytes <= wire::MAX_MESSAGE_BYTES
            };
            let batch: Vec<&Message> =
                messages.iter().skip(from).take(wire::MAX_BATCH_ENTRIES).take_while(fits).collect();
            let entry = |(at, message): (usize, &&Message)| {
                let mut entry = PublishBatchRequestEntry::builder().id(at.to_string()).message(&message.body);
                for one in &message.attributes {
                    let value = MessageAttributeValue::builder().data_type("String").string_value(&one.value);
                    entry = entry.message_attributes(one.name, value.build().unwrap());
                }
                entry.build().unwrap()
            };
            let entries: Vec<_> = batch.iter().enumerate().map(entry).collect();
            from += entries.len();
            let request =
                sns.publish_batch().topic_arn(&self.topic).set_publish_batch_request_entries(Some(entries));
            let answer = self.bench.aws.block_on(request.send()).unwrap();
            assert!(answer.failed().is_empty());
        }
    }

    fn write_snapshot(&self, notices: &[Notice]) {
        let mut writer = snapshot::Writer::new(Vec::new(), SystemClock.now()).unwrap();
        for notice in notices {
            writer.push(notice).unwrap();
        }
        let (bytes, _) = writer.finish().unwrap();
        let call = Call::rest("write".into(), "s3", "PUT", format!("/{}/live.gz", self.name));
        let aws = &self.bench.aws;
        aws.block_on(aws.call(&call.with_body(snapshot::CONTENT_TYPE, bytes))).unwrap();
    }
}

/// Scattered over the address space, as attackers are.
fn notice(n: u32, now: Timestamp) -> Notice {
    let address = Ipv4Addr::from(0x0b00_0000_u32 + n.wrapping_mul(2_654_435_761) % 0x7000_0000);
    let until = now.plus(Duration::from_secs(24 * 3600 + u64::from(n)));
    let ban = Notice::ban("sshd".into(), stockade_core::Key::addr(address.into()), now, until);
    Notice { version: Some(1), nth: Some(1), failures: Some(5), ..ban }.because("5 matches within 600s")
}

fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}
