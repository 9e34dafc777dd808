//! What AWS delivers: messages of a queue.

pub mod queue;
