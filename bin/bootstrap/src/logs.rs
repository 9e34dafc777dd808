//! The function's log: one JSON object a line on standard output, where Lambda takes it from.

use tracing_subscriber::fmt;

/// `error`, `warn`, `info` or `debug`; `info` if not set.
const LEVEL: &str = "STOCKADE_LOG_LEVEL";

/// From now on events are written.
pub(crate) fn start() {
    let level = std::env::var(LEVEL).ok().and_then(|level| level.parse().ok());
    let format = fmt::format().json().flatten_event(true).with_current_span(false).with_span_list(false);
    let logs = fmt()
        .with_max_level(level.unwrap_or(tracing::Level::INFO))
        .event_format(format)
        .fmt_fields(fmt::format::JsonFields::new());
    let _ = logs.with_writer(std::io::stdout).try_init();
}
