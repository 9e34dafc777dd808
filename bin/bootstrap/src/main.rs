//! The `bootstrap` of every function: Lambda starts it, `_HANDLER` says which role it has.
//!
//! Whatever takes time is done once, before the first invocation: the configuration is read, the filters of the
//! configured log groups are compiled, the clients of AWS are made. Then it works on one invocation after the other.
//! If it cannot start it says why to the Runtime API, so that the reason stands in the function's log and status.
#![forbid(unsafe_code)]

mod init_error;
mod logs;
mod start;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::value::RawValue;
use stockade_runtime::functions::{Function, FunctionError};

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|word| word == "--version" || word == "-V") {
        let _ = writeln!(std::io::stdout(), "bootstrap {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    logs::start();
    // One thread drives the requests, and one, made when it is needed, does the work.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => Err(format!("cannot start: {error}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the function ends");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let function = match start::function().await {
        Ok(function) => Arc::new(Mutex::new(function)),
        Err(error) => {
            init_error::tell(&error.to_string());
            return Err(error.to_string());
        }
    };
    let handler = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        async move {
            let work = move || invoke(&function, event.payload.get().as_bytes());
            tokio::task::spawn_blocking(work)
                .await
                .map_err(|_| failed("Stockade.Panic", "the function panicked"))?
        }
    });
    Runtime::new(handler).run().await.map_err(|error| error.to_string())
}

/// One invocation. What it counted goes to the log, where CloudWatch makes metrics of it.
fn invoke(function: &Mutex<Function>, payload: &[u8]) -> Result<Box<RawValue>, Diagnostic> {
    let invoked = function.lock().unwrap_or_else(PoisonError::into_inner).invoke(payload);
    let _ = writeln!(std::io::stdout().lock(), "{}", invoked.metrics);
    let answer = invoked.answer.map_err(|error| failed(name(&error), &error.to_string()))?;
    let answer = String::from_utf8(answer).ok().and_then(|text| RawValue::from_string(text).ok());
    answer.ok_or_else(|| failed("Stockade.Answer", "the answer is not JSON"))
}

fn failed(kind: &str, message: &str) -> Diagnostic {
    Diagnostic { error_type: kind.to_owned(), error_message: message.to_owned() }
}

fn name(error: &FunctionError) -> &'static str {
    match error {
        FunctionError::Payload(_) => "Stockade.Payload",
        FunctionError::WrongRole { .. } => "Stockade.WrongRole",
        FunctionError::Again { .. } => "Stockade.Again",
        _ => "Stockade.Unfinished",
    }
}
