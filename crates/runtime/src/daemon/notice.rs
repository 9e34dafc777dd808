//! What a source says of itself.

use super::engine::Engine;

impl Engine<'_> {
    /// Notes it, and tells people.
    pub(super) fn notice(&mut self, notice: &stockade_source::Notice) {
        use stockade_source::Notice;
        let hint = notice.hint();
        match notice {
            Notice::Failed { stream, error } => {
                self.turn.tally.streams.entry(stream.clone()).or_default().problem = Some(error.to_string());
                self.turn.tally.warn(error.to_string());
                tracing::warn!(stream = &**stream, error = %error, hint, "cannot read");
            }
            Notice::Closed { stream } => {
                self.turn.tally.streams.remove(stream);
                tracing::info!(stream = &**stream, "closed");
            }
            other => tracing::info!(hint, "{other}"),
        }
    }
}
