//! Our engine against others: the linear one for what it can run, and Python's own `re` for all.

mod engines;
mod generate;
mod oracle;
mod python;
