//! For tests only: hand clock, contract suites, corpus runner
pub mod responder;
pub mod runtime_api;
pub mod store;
