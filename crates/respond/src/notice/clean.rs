//! Texts that others wrote, fit to stand in a message: one line, no more than so long, nothing that steers a terminal,
//! a mail program or the direction of writing.

/// What stands where something was that may not be shown.
const HIDDEN: char = '\u{fffd}';
/// What stands at the end of a text that was cut.
const CUT: char = '…';

/// The text in one line of at most `max` characters.
pub(super) fn line(text: &str, max: usize) -> String {
    let mut chars = text.trim().chars();
    let mut shown: String = chars.by_ref().take(max).map(|c| if is_shown(c) { c } else { HIDDEN }).collect();
    if chars.next().is_some() {
        shown.pop();
        shown.push(CUT);
    }
    shown
}

/// The text as one word of a POSIX shell, for a command that somebody may copy.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether a character is shown as it is. Neither controls, nor line and paragraph separators, nor what turns the
/// direction of writing, nor what is invisible: those make one text look like another.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_is_hidden_and_what_is_long_is_cut() {
        assert_eq!(line("a\r\nBcc: x\u{1b}[31m", 80), "a��Bcc: x�[31m");
        assert_eq!(line("exe\u{202e}txt.\u{200b}", 80), "exe�txt.�");
        assert_eq!(line("Grüße 🙂", 80), "Grüße 🙂");
        assert_eq!(
            (line("abcdef", 4), line("abcd", 4), line("  ", 4)),
            ("abc…".into(), "abcd".into(), String::new())
        );
    }

    #[test]
    fn words_for_a_shell_are_quoted() {
        assert_eq!(word("arn:aws:iam::111122223333:user/a"), "arn:aws:iam::111122223333:user/a");
        assert_eq!(word("x; rm -rf ~"), "'x; rm -rf ~'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!((word("-x"), word("")), ("'-x'".into(), "''".into()));
    }

    proptest! {
        #[test]
        fn a_line_is_a_line_of_bounded_length(text in "\\PC*|.*", max in 1_usize..50) {
            let shown = line(&text, max);
            prop_assert!(shown.chars().count() <= max);
            prop_assert!(!shown.contains(|c: char| c.is_control()));
        }

        #[test]
        fn a_shell_reads_back_one_word(text in "[ -~é\\n]{0,20}") {
            let text = text.replace('\0', "");
            let output = std::process::Command::new("/bin/sh")
                .arg("-c").arg(format!("printf %s {}", word(&text))).output().unwrap();
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
