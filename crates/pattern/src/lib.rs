mod address;
mod case;
mod condition;
mod consistent;
mod error;
mod inner;
mod json;
mod leaves;
pub mod limits;
mod number;
mod parse;
mod paths;
mod pattern;
mod scan;
mod table;
mod wildcard;

pub use error::{EventError, EventErrorKind, PatternError, PatternErrorKind, Position};
pub use pattern::{Dialect, Lint, Pattern};
