//! A host with `stockade agent`, as it would be installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use stockade_aws::Call;
use stockade_testkit::emulator::{unique, wait};

use crate::support::namespace::Namespace;
use crate::support::{Deployed, PATIENCE};

/// The program that cargo built beside ours for the tests of the workspace. None, after a line that says so, where it is
/// not there or was built without AWS.
pub(crate) fn agent_program() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_bootstrap")).with_file_name("stockade");
    // Without a configuration, region or credentials there is nothing that it could do.
    let mut asked = Command::new(&path);
    asked
        .args(["agent", "--leave", "-c", "/nonexistent"])
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let Ok(output) = asked.output() else {
        eprintln!("skipped: no `{}`: cargo build -p stockade --all-features", path.display());
        return None;
    };
    if String::from_utf8_lossy(&output.stderr).contains("without the feature `aws`") {
        eprintln!(
            "skipped: `{}` was built without AWS: cargo build -p stockade --all-features",
            path.display()
        );
        return None;
    }
    Some(path)
}

/// A running agent. It ends with this value.
pub(crate) struct Host {
    program: PathBuf,
    folder: tempfile::TempDir,
    agent: Child,
}

impl Host {
    /// Starts an agent for one jail and waits until the topic knows its queue.
    pub(crate) fn start(
        program: &Path,
        deployed: &Deployed,
        endpoint: &str,
        jail: &str,
        responder: &str,
        namespace: Option<&Namespace>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let (region, topic) = (deployed.aws.region(), deployed.topic());
        let (snapshot, host) = (deployed.stack.output("Snapshot"), unique("host"));
        let settings = format!(
            "host = \"{host}\"\nsocket = \"{at}/socket\"\nstore = \"{at}/other.db\"\n\
             [responders.it]\nkind = \"{responder}\"\n\
             [aws]\nregion = \"{region}\"\nendpoint = \"{endpoint}\"\ntopic = \"{topic}\"\nsnapshot = \"{snapshot}\"\n\
             [agent]\nstore = \"{at}/agent.db\"\nsnapshot_every = \"1s\"\n"
        );
        let others = "[sshd]\nenabled = false\n[recidive]\nenabled = false\n";
        let jail = format!("[{jail}]\nenabled = true\nbackend = files\nlogpath = {at}/log\n");
        fs::create_dir(folder.path().join("jail.d")).unwrap();
        fs::write(folder.path().join("log"), "").unwrap();
        fs::write(folder.path().join("stockade.toml"), settings).unwrap();
        fs::write(folder.path().join("jail.local"), others).unwrap();
        fs::write(folder.path().join("jail.d/it.local"), jail).unwrap();
        let before = subscribers(deployed);
        let said = fs::File::create(folder.path().join("said")).unwrap();
        let mut command = Command::new(program);
        command.arg("agent").arg("-c").arg(folder.path());
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        let agent = match namespace {
            Some(namespace) => namespace.run(|| command.spawn()),
            None => command.spawn(),
        };
        let mut host = Self { program: program.to_path_buf(), folder, agent: agent.unwrap() };
        wait("the subscription", PATIENCE, || {
            let ended = host.agent.try_wait().unwrap();
            assert!(ended.is_none(), "the agent ended: {ended:?}: {}", host.said());
            (subscribers(deployed) > before).then_some(())
        });
        host
    }

    /// Who is kept out now, as `stockade bans` says.
    pub(crate) fn bans(&self) -> Vec<String> {
        let mut command = Command::new(&self.program);
        let output = command.args(["bans", "--json", "-c"]).arg(self.folder.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let all: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), self.said());
        let mut keys = keys_of(&all);
        keys.sort();
        keys
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }
}

/// Every `key` that is said, however deep.
fn keys_of(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::Array(all) => all.iter().flat_map(keys_of).collect(),
        serde_json::Value::Object(one) => {
            let own = one.get("key").and_then(|key| key.as_str()).map(str::to_owned);
            own.into_iter().chain(one.values().flat_map(keys_of)).collect()
        }
        _ => Vec::new(),
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the agent said:\n{}", self.said());
        }
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

/// How many queues the topic sends to.
fn subscribers(deployed: &Deployed) -> usize {
    let topic = [("TopicArn", deployed.topic())];
    let call = Call::query("list".to_owned(), "sns", "ListSubscriptionsByTopic", "2010-03-31", &topic);
    let reply = deployed.aws.block_on(deployed.aws.call(&call)).unwrap();
    String::from_utf8_lossy(&reply.body).matches("<Endpoint>").count()
}
