//! `name[option=value, other="a, b"][third='c']`: filters, actions and backends with parameters.

use thiserror::Error;

use crate::conf::problem::cut;
use crate::conf::space::{is_space, is_word, trim};

/// Why a definition with parameters cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// No name, or text after the last bracket.
    #[error("expected `name` or `name[option=value, …]`")]
    NotADefinition,
    /// No `option=` where one is expected.
    #[error("expected `option=value` at offset {at} of the parameters, got: `{found}`")]
    ExpectedOption {
        /// Bytes from the first `[` on.
        at: usize,
        /// What stands there, cut short.
        found: String,
    },
    /// Something between a value and the next comma or bracket.
    #[error("expected `,` or `]` at offset {at} of the parameters, after option `{option}`, got: `{found}`")]
    ExpectedEnd {
        /// Bytes from the first `[` on.
        at: usize,
        /// The option before it.
        option: String,
        /// What stands there, cut short.
        found: String,
    },
}

/// Splits a definition into its name and its parameters, in the order in which they are given.
///
/// A value is quoted by `"` or `'`, or reaches to the next `,` or `]`; both are stripped of white space. As in fail2ban, nothing but a comma or bracket may follow a quote, an option given twice counts as given last,
/// and the case of names is kept. Of fail2ban 1.1 comes `option?family=inet6=value`.
///
/// # Errors
/// See [`ParamsError`].
///
/// # Examples
/// ```
/// use stockade_filter::conf::value::split_params;
/// let (name, params) = split_params("sshd[mode=aggressive, port='22,23']").unwrap();
/// assert_eq!(name, "sshd");
/// assert_eq!(params, [("mode".to_owned(), "aggressive".to_owned()), ("port".to_owned(), "22,23".to_owned())]);
/// ```
pub fn split_params(text: &str) -> Result<(String, Vec<(String, String)>), ParamsError> {
    let Some((name, rest)) = text.split_once('[') else {
        return match text {
            "" => Err(ParamsError::NotADefinition),
            name => Ok((name.to_owned(), Vec::new())),
        };
    };
    let inner = rest.trim_end_matches(is_space).strip_suffix(']');
    let inner = inner.filter(|_| !name.is_empty()).ok_or(ParamsError::NotADefinition)?;
    let mut params: Vec<(String, String)> = Vec::new();
    let mut at = 0;
    while let Some(rest) = inner.get(at..) {
        // A comma may stand at the very end.
        if trim(rest.strip_prefix(',').unwrap_or(rest)).is_empty() {
            break;
        }
        let Some(option) = scan_option(rest) else {
            return Err(ParamsError::ExpectedOption { at, found: cut(rest) });
        };
        let tail = rest.get(option.end..).unwrap_or_default();
        let Some(next) = scan_separator(tail) else {
            let (at, option) = (at + option.end, option.name.to_owned());
            return Err(ParamsError::ExpectedEnd { at, option, found: cut(tail) });
        };
        let value = trim(option.value).to_owned();
        match params.iter_mut().find(|(name, _)| name == option.name) {
            Some(earlier) => earlier.1 = value,
            None => params.push((option.name.to_owned(), value)),
        }
        at += option.end + next;
    }
    Ok((name.to_owned(), params))
}

/// `option=value` at the start of a text.
pub(super) struct OptionText<'t> {
    pub(super) name: &'t str,
    pub(super) value: &'t str,
    /// Where it ends, in bytes.
    pub(super) end: usize,
}

/// Reads `option=value` with white space before it.
pub(super) fn scan_option(text: &str) -> Option<OptionText<'_>> {
    let start = text.len() - text.trim_start_matches(is_space).len();
    let body = text.get(start..)?;
    let equals = option_name(body)?;
    let rest = body.get(equals + 1..)?;
    let quoted = ['"', '\''].into_iter().find_map(|quote| rest.strip_prefix(quote)?.split_once(quote));
    let (value, length) = match quoted {
        Some((value, _)) => (value, value.len() + 2),
        None => {
            let length = rest.find([',', ']']).unwrap_or(rest.len());
            (rest.get(..length)?, length)
        }
    };
    Some(OptionText { name: body.get(..equals)?, value, end: start + equals + 1 + length })
}

/// How long the name is that ends before a `=`: `name`, or `name?condition=value`.
fn option_name(text: &str) -> Option<usize> {
    let is_name = |c: char| is_word(c) || c == '-' || c == '.';
    let length = |text: &str| text.find(|c| !is_name(c)).filter(|length| *length > 0);
    let name = length(text)?;
    let rest = text.get(name..)?;
    if rest.starts_with('=') {
        return Some(name);
    }
    let condition = rest.strip_prefix('?')?;
    let key = length(condition)?;
    let value = condition.get(key..)?.strip_prefix('=')?;
    let end = length(value)?;
    value.get(end..)?.starts_with('=').then_some(name + 1 + key + 1 + end)
}

/// The length of what may stand between two options: `,` or `] [`; 0 at the end of the text, and (as for a `$` of a Python
/// regex) before a line end that is the last character.
fn scan_separator(text: &str) -> Option<usize> {
    if matches!(text, "" | "\n") {
        return Some(0);
    }
    if text.starts_with(',') {
        return Some(1);
    }
    let rest = text.strip_prefix(']')?.trim_start_matches(is_space).strip_prefix('[')?;
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Result<String, ParamsError> {
        let (name, params) = split_params(text)?;
        let params: Vec<_> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(format!("{name}({})", params.join("|")))
    }

    #[test]
    fn what_fail2ban_reads() {
        for (text, expected) in [
            ("a", "a()"),
            ("a[]", "a()"),
            ("a [x=1]", "a (x=1)"),
            ("a[x=1,]", "a(x=1)"),
            ("a[x='1', y=\"a,b\"][z= 3 ]", "a(x=1|y=a,b|z=3)"),
            ("a[x=] [y=2]\n", "a(x=|y=2)"),
            ("a[x=\"1\",\n  y=2\n]", "a(x=1|y=2)"),
            ("a[x=\"1\"\n]", "a(x=1)"),
            ("a[x=1 y=2]", "a(x=1 y=2)"),
            ("a[x=\"]", "a(x=\")"),
            ("a[x=\"a]b\", x.y-z_=1]", "a(x=a]b|x.y-z_=1)"),
            ("a[x=1, y=2, x=3]", "a(x=3|y=2)"),
            ("a[X='\n b ']", "a(X=b)"),
            ("a[b?family=inet6=DROP, c=1]", "a(b?family=inet6=DROP|c=1)"),
        ] {
            assert_eq!(params(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_it_does_not() {
        let option = |at, found: &str| ParamsError::ExpectedOption { at, found: found.into() };
        let end = |at, found: &str| ParamsError::ExpectedEnd { at, option: "x".into(), found: found.into() };
        for (text, error) in [
            ("", ParamsError::NotADefinition),
            ("[x=1]", ParamsError::NotADefinition),
            ("a[x=1] b", ParamsError::NotADefinition),
            ("a[x=\"1\"y=2]", end(5, "y=2")),
            ("a[x=\"1\" ,y=2]", end(5, " ,y=2")),
            ("a[x=\"1\" ]", end(5, " ")),
            ("a[x=1]]", end(3, "]")),
            ("a[ x = 1]", option(0, " x = 1")),
            ("a[,x=1]", option(0, ",x=1")),
            ("a[x=1,,y=2]", option(4, ",y=2")),
        ] {
            assert_eq!(params(text), Err(error), "{text}");
        }
    }
}
