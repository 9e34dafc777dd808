//! For tests only: hand clock, contract suites, corpus runner
pub mod dynamodb_faults;
#[cfg(feature = "aws")]
pub mod emulator;
pub mod fault_proxy;
pub mod ledger;
#[cfg(feature = "aws")]
pub mod moto;
pub mod postgres;
pub mod responder;
pub mod runtime_api;
#[cfg(feature = "repair")]
pub mod shelf;
pub mod store;
