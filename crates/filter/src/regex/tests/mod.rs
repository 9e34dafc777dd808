//! Our engine against others: the linear one for what it can run, and Python's own `re` for all; and against hostile
//! regexes and texts.

mod approximation;
mod engines;
mod generate;
mod hostile;
mod oracle;
mod python;
