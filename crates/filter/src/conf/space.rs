//! What Python calls white space. It is Unicode's `White_Space` and the four ASCII separators, and decides where options begin.

/// `str.isspace()` of one character.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// `str.strip()`.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.rstrip()`.
pub(crate) fn trim_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `\w` of a Python regex.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Splits `Init?family=inet6` into `Init` and `?family=inet6`: a conditional section, or a conditional option.
pub(crate) fn split_conditional(name: &str) -> Option<(&str, &str)> {
    let (head, condition) = name.split_at_checked(name.find('?')?)?;
    let plain = !head.is_empty() && head.chars().all(is_word);
    (plain && condition.len() > 1).then_some((head, condition))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_word_characters_carry_a_condition() {
        assert_eq!(split_conditional("Init?family=inet6"), Some(("Init", "?family=inet6")));
        assert_eq!(split_conditional("a-b?family=inet6"), None);
        assert_eq!(split_conditional("Init?"), None);
        assert_eq!(split_conditional("?family=inet6"), None);
    }

    #[test]
    fn the_ascii_separators_are_space() {
        assert_eq!(trim("\x1c a\u{a0}\x1f"), "a");
    }
}
