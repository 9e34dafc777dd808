//! How long it takes until an agent has many bans in the kernel: as messages of its queue, and by the snapshot.
//!
//! ```sh
//! cargo run --release -p stockade-runtime --features aws --example agent_bench -- STOCKADE [BANS]
//! ```
//!
//! `STOCKADE` is the program. The emulator's address is in `STOCKADE_TEST_MINISTACK`. Needs root: the agent runs in a network
//! namespace of its own. Prints a table; `benches/agent.sh` is the way to call it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::exit,
    reason = "a program for measuring"
)]

#[cfg(feature = "aws")]
#[path = "agent_bench/measure.rs"]
mod measure;

#[cfg(feature = "aws")]
fn main() {
    measure::main();
}

#[cfg(not(feature = "aws"))]
fn main() {
    eprintln!("build it with `--features aws`");
    std::process::exit(2);
}
