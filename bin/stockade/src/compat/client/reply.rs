//! What a command comes to, and how that is printed.

use std::io::Write as _;

use stockade_filter::conf::dump::{Datum, python_text};

/// What a command prints, or why it does not.
pub(super) type Reply = Result<String, Nok>;

/// A command that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Nok {
    /// The server, where there is one, refuses. `args` is what it says, as Python shows it; `shown` the same for people.
    Refused {
        /// For the log.
        args: String,
        /// On standard output.
        shown: String,
    },
    /// It did not come to that.
    Failed(String),
}

impl Nok {
    /// A word is missing.
    pub(super) fn incomplete() -> Self {
        let args = "('list index out of range',)".to_owned();
        Self::Refused { args, shown: "Sorry but the command is invalid".to_owned() }
    }

    /// There is no such jail.
    pub(super) fn no_jail(name: &str) -> Self {
        let args = format!("({},)", python_text(name));
        Self::Refused { args, shown: format!("Sorry but the jail '{name}' does not exist") }
    }

    /// Anything else that is refused.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        let shown = why.into();
        Self::Refused { args: format!("({},)", python_text(&shown)), shown }
    }

    /// What fail2ban can do and Stockade cannot.
    pub(super) fn cannot(why: &str) -> Self {
        Self::refused(format!("Stockade cannot do this: {why}"))
    }

    /// Says it as fail2ban's client does: on standard error as in a log, on standard output for people.
    pub(super) fn tell(&self) {
        match self {
            Self::Refused { args, shown } => {
                log("ERROR", &format!("NOK: {args}"));
                print(shown);
            }
            Self::Failed(why) => why.lines().for_each(|line| log("ERROR", line)),
        }
    }
}

/// A line on standard error, in the layout of fail2ban's log.
pub(super) fn log(level: &str, message: &str) {
    let now = jiff::Zoned::now();
    let (date, millis) = (now.strftime("%Y-%m-%d %H:%M:%S"), now.millisecond());
    let (name, pid) = ("fail2ban", std::process::id());
    let line = format!("{date},{millis:03} {name:<24}[{pid}]: {level:<7} {}\n", safe(message));
    // Where standard error is closed nobody can be told.
    std::io::stderr().lock().write_all(line.as_bytes()).ok();
}

/// A line, or several, on standard output.
pub(super) fn print(text: &str) {
    let text = safe(text) + "\n";
    let mut out = std::io::stdout().lock();
    // Nobody may be reading any more, as in `fail2ban-client banned | head`.
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}

/// A value as Python prints it: a text without quotes.
pub(super) fn plain(value: &Datum) -> String {
    match value {
        Datum::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A list of texts as Python shows it.
pub(super) fn python_list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Datum {
    Datum::List(texts.into_iter().map(|text| Datum::from(text.as_ref())).collect())
}

/// A title over a list; `none` where the list is empty.
pub(super) fn tree<T: AsRef<str>>(none: &str, title: &str, items: &[T]) -> String {
    let Some((last, others)) = items.split_last() else { return none.to_owned() };
    let mut text = format!("{title}:\n");
    for item in others {
        text += &format!("|- {}\n", item.as_ref());
    }
    text + "`- " + last.as_ref()
}

/// The text without what commands a terminal.
fn safe(text: &str) -> String {
    text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "?")
}
