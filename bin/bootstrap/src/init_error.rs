//! Tells the Runtime API why the function cannot start.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How long the Runtime API may take; it is on the same machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells it, as far as anybody listens.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>
pub(crate) fn tell(why: &str) {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else { return };
    if let Err(error) = post(&api, why) {
        tracing::warn!(%error, "the Runtime API could not be told");
    }
}

fn post(api: &str, why: &str) -> std::io::Result<()> {
    let body =
        serde_json::json!({"errorType": "Stockade.Init", "errorMessage": why, "stackTrace": []}).to_string();
    let mut stream = TcpStream::connect(api)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {api}\r\nContent-Type: application/json\r\n\
         Lambda-Runtime-Function-Error-Type: Stockade.Init\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    // It has taken it once it answers.
    let mut answer = [0; 64];
    let _ = stream.read(&mut answer)?;
    Ok(())
}
