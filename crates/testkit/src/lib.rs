//! For tests only: hand clock, contract suites, corpus runner
pub mod postgres;
pub mod responder;
pub mod store;
