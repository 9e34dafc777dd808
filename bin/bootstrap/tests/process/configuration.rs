//! Where the configuration comes from, and what happens if it cannot be used.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use stockade_aws::Call;
use stockade_testkit::emulator::unique;
use stockade_testkit::runtime_api::RuntimeApi;

use crate::site::{PATIENCE, Site, command, failures, subscription};

const TEXT: &str =
    "[aws.log_groups]\n\"Auth\" = [\"sshd\"]\n# file: jail.local\n[sshd]\nenabled = true\nmaxretry = 1\n";

#[test]
fn it_says_its_version() {
    let out = Command::new(env!("CARGO_BIN_EXE_bootstrap")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), format!("bootstrap {}\n", env!("CARGO_PKG_VERSION")));
}

/// Starts it without AWS and returns why it did not start, if it did not.
fn refused(handler: &str, env: &[(&str, &str)], folder: Option<&Path>) -> Option<String> {
    let api = RuntimeApi::start().unwrap();
    let mut command = command(&api, handler);
    command.env("STOCKADE_DRY_RUN", "1").envs(env.iter().copied());
    if let Some(folder) = folder {
        command.env("LAMBDA_TASK_ROOT", folder);
    }
    let mut child = command.spawn().unwrap();
    let ready = api.ready(PATIENCE);
    let _ = child.kill();
    let _ = child.wait();
    ready.err().map(|error| error.to_string())
}

#[test]
fn what_is_wrong_is_told_to_the_runtime_api_before_any_invocation() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("stockade")).unwrap();
    std::fs::write(folder.path().join("stockade/stockade.toml"), "[aws]\ntabel = \"Stockade\"\ntopic = 7\n")
        .unwrap();
    let why = refused("expire", &[], Some(folder.path())).unwrap();
    assert!(why.contains("Stockade.Init"), "{why}");
    assert!(why.contains("stockade.toml:2:1: aws: unknown setting `tabel`"), "{why}");
    assert!(why.contains("stockade.toml:3:9: aws.topic: expected the name of an SNS topic"), "{why}");
    let why = refused("lambda_function.handler", &[], None).unwrap();
    assert!(why.contains("`lambda_function.handler` is no function of Stockade"), "{why}");
    let why = refused("expire", &[("STOCKADE_CONFIG", "ftp://x")], None).unwrap();
    assert!(why.contains("expected a folder, `s3://BUCKET/KEY` or `ssm:NAME`"), "{why}");
    assert_eq!(refused("expire", &[], None), None);
}

#[test]
fn a_rehearsal_needs_nothing_and_tells_nobody() {
    let api = RuntimeApi::start().unwrap();
    let mut child = command(&api, "cloudwatch_filter_and_jail").env("STOCKADE_DRY_RUN", "1").spawn().unwrap();
    let answer = api.invoke(subscription(&failures("203.0.113.7", 3)), PATIENCE).unwrap();
    let _ = child.kill();
    let _ = child.wait();
    assert!(format!("{answer:?}").starts_with("Response"), "{answer:?}");
}

#[test]
fn a_text_or_a_packed_folder_in_s3_and_a_parameter() {
    let Some(site) = Site::new() else { return };
    let bucket = site.bucket();
    let aws = &site.aws;
    let put = |call: &Call| aws.block_on(aws.call(call)).unwrap();
    let object = |key: &str, bytes: Vec<u8>| {
        put(&Call::rest("put".into(), "s3", "PUT", format!("/{bucket}/{key}")).with_body("text/plain", bytes));
    };
    object("text", TEXT.into());
    let mut archive =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let (toml, jails) = TEXT.split_once("# file: jail.local\n").unwrap();
    for (name, text) in [("./stockade/stockade.toml", toml), ("./stockade/jail.local", jails)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    object("packed.tar.gz", archive.into_inner().unwrap().finish().unwrap());
    let parameter = format!("/{}", unique("stockade"));
    let body = json!({"Name": parameter, "Value": TEXT, "Type": "String"});
    put(&Call::json("put".into(), "ssm", "AmazonSSM.PutParameter", &body));
    let places =
        [format!("s3://{bucket}/text"), format!("s3://{bucket}/packed.tar.gz"), format!("ssm:{parameter}")];
    for (n, place) in places.iter().enumerate() {
        let env = [("STOCKADE_CONFIG", place.as_str())];
        let function = site.function("cloudwatch_filter_and_jail", site.emulator.endpoint(), &env);
        let answer = function.answer(&subscription(&failures(&format!("203.0.113.{n}"), 1)));
        assert_eq!(answer["bans"], 1, "maxretry is 1 there: {place}: {answer}");
    }
    let gone = format!("s3://{bucket}/gone");
    let env = [("STOCKADE_CONFIG", gone.as_str())];
    let function = site.function("expire", site.emulator.endpoint(), &env);
    let why = function.api.ready(PATIENCE).unwrap_err().to_string();
    assert!(why.contains(&format!("cannot read the configuration from `{gone}`")), "{why}");
}
