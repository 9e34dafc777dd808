//! Repairs as an installation runs them: the engine of [`stockade_repair`] with its shelf, its way to AWS and the settings
//! of `[repair]`.
//!
//! The command line, the daemon and the functions open the same engine over the same shelf, and see each other by it.

mod error;
mod herald;
mod links;
mod nowhere;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
mod responder;
mod schedule;
mod shelf;
mod telling;

pub use error::RepairError;
#[cfg(feature = "aws")]
pub(crate) use herald::Herald;
pub use links::links_usable;
#[cfg(feature = "aws")]
pub(crate) use open::open_with;
pub use open::{Need, Opened, open};
#[cfg(feature = "postgres")]
pub use postgres::PostgresShelf;
#[cfg(feature = "aws")]
pub(crate) use responder::Answers;
pub(crate) use responder::Repairer;
pub(crate) use schedule::Schedule;
#[cfg(feature = "aws")]
pub(crate) use schedule::look;
pub(crate) use telling::{Teller, Telling};
