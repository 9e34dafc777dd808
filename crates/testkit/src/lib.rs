//! For tests only: hand clock, contract suites, corpus runner
#[cfg(feature = "aws")]
pub mod emulator;
pub mod ledger;
pub mod responder;
pub mod runtime_api;
pub mod store;
