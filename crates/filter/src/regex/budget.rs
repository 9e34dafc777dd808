//! How much work the regexes may make of one line that no finite automaton can run.

/// What any line may take, in steps of the backtracking engine. One is worth a few nanoseconds, ten at most.
const BASE_STEPS: usize = 50_000;
/// What it may take beyond that for each of its bytes.
const STEPS_PER_BYTE: usize = 256;
/// What no line may take more of, however long: about ten milliseconds at worst.
const MAX_STEPS: usize = 1_000_000;

/// The steps that all regexes of a filter together may still take on a line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget {
    pub(super) steps: usize,
    pub(super) spent_by: Option<String>,
}

impl Budget {
    /// The budget of a line of so many bytes.
    pub(crate) fn of_line(bytes: usize) -> Self {
        let steps = bytes.saturating_mul(STEPS_PER_BYTE).saturating_add(BASE_STEPS);
        Self { steps: steps.min(MAX_STEPS), spent_by: None }
    }

    /// The regex that was stopped because nothing was left. None that is not linear runs after it.
    pub(crate) fn spent_by(&self) -> Option<&str> {
        self.spent_by.as_deref()
    }
}
