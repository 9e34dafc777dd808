//! Tests of the reader as a whole.

mod agreement;
mod lines;
mod oracle;
mod reader;
