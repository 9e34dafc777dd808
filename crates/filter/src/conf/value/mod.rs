//! The small languages inside values: lengths of time, parameters, lists, words, booleans.

mod list;
mod params;
mod time;
mod words;

pub(crate) use list::action_parts;
pub use list::{LogPath, split_action_list, split_addresses, split_log_paths};
pub use params::{ParamsError, split_params};
pub use time::{TimeError, TimeSpan, parse_time};
pub use words::{WordsError, split_words};

/// Reads a boolean as fail2ban does: `true`, `yes`, `on` and `1` in any case are true, everything else is false.
pub fn parse_bool(text: &str) -> bool {
    is_one_of(text, &["true", "yes", "on", "1"])
}

/// Whether a text is a word for true or false at all.
pub(crate) fn is_bool(text: &str) -> bool {
    parse_bool(text) || is_one_of(text, &["false", "no", "off", "0", ""])
}

fn is_one_of(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        assert!(["TRUE", "yes", "On", "1"].into_iter().all(parse_bool));
        assert!(!["false", "2", "", "y", " true"].into_iter().any(parse_bool));
        assert!(is_bool("off") && !is_bool("maybe"));
    }
}
