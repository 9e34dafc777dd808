//! The values of settings: how they are written in TOML and in the environment.

mod stored;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stockade_core::{BanTime, Key};
use stockade_filter::conf::value::{TimeSpan, parse_time};
use toml::de::DeValue;

pub(super) use self::stored::Stored;
use super::document::Text;
use super::{Secret, StoreConfig};
use crate::limits::{MAX_HOST_BYTES, MAX_PATH_BYTES};
use crate::problem::cut;

/// What may stand in a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// An absolute path of at most so many bytes.
    Path { max_bytes: usize },
    /// An absolute path, or nothing.
    OptionalPath,
    /// Where the store is: [`StoreConfig`].
    Store,
    /// The same, or nothing.
    OptionalStore,
    /// The name of a host, or nothing.
    Host,
    /// Where a secret is found, or nothing: `env:NAME`, `file:/path`, `ssm:/name`.
    Secret,
    /// A text that fits.
    Text { expected: &'static str, fits: fn(&str) -> bool },
    /// Names, none of them empty.
    Texts,
    /// Names, each of which fits.
    Each { expected: &'static str, fits: fn(&str) -> bool },
    /// One of these words.
    Word(&'static [&'static str]),
    /// A length of time in fail2ban's language, or whole seconds.
    Span { min: Duration },
    /// A length of time as above, at least a second, or -1 for one without end.
    BanTime,
    /// `true` or `false`.
    Flag,
    /// A whole number in these bounds.
    Count { min: u64, max: u64 },
    /// Addresses and networks.
    Keys,
}

/// A value that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Path(PathBuf),
    Store(StoreConfig),
    OptionalStore(Option<StoreConfig>),
    Text(String),
    Texts(Vec<String>),
    Word(&'static str),
    Span(Duration),
    BanTime(BanTime),
    Flag(bool),
    Count(u64),
    Keys(Vec<Key>),
}

/// A value that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    /// Where in the file, if not the whole value.
    pub(super) span: Option<Range<usize>>,
    pub(super) expected: String,
    /// What is there, cut short and in backticks.
    pub(super) found: String,
    pub(super) hint: Option<String>,
}

impl Kind {
    /// What may stand there, for messages.
    pub(super) fn expected(self) -> String {
        match self {
            Self::Path { max_bytes: MAX_PATH_BYTES } => "an absolute path".into(),
            Self::OptionalPath => "an absolute path, or nothing".into(),
            Self::Store => "an absolute path, `postgresql://…` or `dynamodb:TABLE`".into(),
            Self::OptionalStore => "an absolute path, `postgresql://…`, `dynamodb:TABLE`, or nothing".into(),
            Self::Secret => "`env:NAME`, `file:/path`, `ssm:/name` or nothing".into(),
            Self::Text { expected, .. } => expected.into(),
            Self::Host => format!("a name of at most {MAX_HOST_BYTES} bytes, or nothing"),
            Self::Texts => "names such as `[\"sshd\"]`".into(),
            Self::Each { expected, .. } => expected.to_owned(),
            Self::Path { max_bytes } => format!("an absolute path of at most {max_bytes} bytes"),
            Self::Word(words) => format!("one of `{}`", words.join("`, `")),
            Self::Span { min } => format!("a length of time such as `10m`, at least {}", span_text(min)),
            Self::BanTime => "a length of time such as `10m`, or -1 for no end".into(),
            Self::Flag => "`true` or `false`".into(),
            Self::Count { min, max: u64::MAX } => format!("a whole number, at least {min}"),
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Keys => "addresses and networks such as `192.0.2.0/24`".into(),
        }
    }

    /// Reads a value of the environment.
    pub(crate) fn read_text(self, text: &str) -> Result<Parsed, Bad> {
        let bad = || self.bad(None, &format!("`{}`", cut(&self.shown(text))));
        let parsed = match self {
            Self::Flag => match text {
                "true" => Some(Parsed::Flag(true)),
                "false" => Some(Parsed::Flag(false)),
                _ => None,
            },
            Self::Count { .. } => text.parse().ok().and_then(|number| self.count(number)),
            Self::Keys => {
                let parts = text.split([' ', ',', '\n', '\t']).filter(|part| !part.is_empty());
                let keys: Result<Vec<_>, _> = parts.map(|part| key(part).ok_or(part)).collect();
                return keys.map(Parsed::Keys).map_err(|part| self.bad(None, &format!("`{}`", cut(part))));
            }
            Self::Path { .. }
            | Self::OptionalPath
            | Self::Store
            | Self::OptionalStore
            | Self::Host
            | Self::Secret
            | Self::Text { .. }
            | Self::Word(_)
            | Self::Span { .. }
            | Self::BanTime => self.string(text),
            Self::Texts | Self::Each { .. } => {
                let parts = text.split([' ', ',', '\n', '\t']).filter(|part| !part.is_empty());
                parts
                    .map(|part| self.is_item(part).then(|| part.to_owned()))
                    .collect::<Option<_>>()
                    .map(Parsed::Texts)
            }
        };
        parsed.ok_or_else(bad)
    }

    /// Reads a value of a file.
    pub(crate) fn read_toml(
        self,
        value: &DeValue<'_>,
        span: Range<usize>,
        text: &Text<'_>,
    ) -> Result<Parsed, Bad> {
        let bad = || {
            let found = match (self, value.as_str()) {
                _ if value.is_table() => "a table".into(),
                // What is cut short first may show a password that nobody knows for one any more.
                (Self::Store | Self::Secret, Some(whole)) => format!("`{}`", cut(&self.shown(whole))),
                _ => format!("`{}`", text.quote(span.clone())),
            };
            self.bad(None, &found)
        };
        let parsed = match (self, value) {
            (Self::Flag, DeValue::Boolean(flag)) => Some(Parsed::Flag(*flag)),
            (Self::Count { .. }, DeValue::Integer(_)) => integer(value).and_then(|number| self.count(number)),
            (Self::Span { .. }, DeValue::Integer(_)) => {
                integer(value).and_then(|seconds| self.span(Duration::from_secs(seconds)))
            }
            (Self::BanTime, DeValue::Integer(number)) => {
                if number.as_str() == "-1" {
                    Some(Parsed::BanTime(BanTime::Forever))
                } else {
                    integer(value).and_then(|seconds| ban_time(Duration::from_secs(seconds)))
                }
            }
            (Self::Flag | Self::Count { .. }, DeValue::String(string)) if self.read_text(string).is_ok() => {
                return Err(Bad { hint: Some("leave the quotes out".into()), ..bad() });
            }
            (
                Self::Path { .. }
                | Self::OptionalPath
                | Self::Store
                | Self::OptionalStore
                | Self::Host
                | Self::Secret
                | Self::Text { .. }
                | Self::Word(_)
                | Self::Span { .. }
                | Self::BanTime,
                DeValue::String(string),
            ) => self.string(string),
            (Self::Keys, DeValue::Array(array)) => {
                let item = |item: &toml::Spanned<DeValue<'_>>| {
                    let wrong = || self.bad(Some(item.span()), &format!("`{}`", text.quote(item.span())));
                    item.get_ref().as_str().and_then(key).ok_or_else(wrong)
                };
                return array.iter().map(item).collect::<Result<_, _>>().map(Parsed::Keys);
            }
            (Self::Texts | Self::Each { .. }, DeValue::Array(array)) => {
                let item = |item: &toml::Spanned<DeValue<'_>>| {
                    let wrong = || self.bad(Some(item.span()), &format!("`{}`", text.quote(item.span())));
                    let text = item.get_ref().as_str().filter(|text| self.is_item(text));
                    text.map(str::to_owned).ok_or_else(wrong)
                };
                return array.iter().map(item).collect::<Result<_, _>>().map(Parsed::Texts);
            }
            (Self::Keys | Self::Texts | Self::Each { .. }, DeValue::String(_)) => {
                return Err(Bad { hint: Some("write a list: `[\"…\", \"…\"]`".into()), ..bad() });
            }
            _ => None,
        };
        parsed.ok_or_else(bad)
    }

    fn string(self, text: &str) -> Option<Parsed> {
        match self {
            Self::Path { max_bytes } => is_path(text, max_bytes).then(|| Parsed::Path(text.into())),
            Self::OptionalPath => {
                (text.is_empty() || is_path(text, MAX_PATH_BYTES)).then(|| Parsed::Path(text.into()))
            }
            Self::Store => StoreConfig::parse(text).map(Parsed::Store),
            Self::OptionalStore if text.is_empty() => Some(Parsed::OptionalStore(None)),
            Self::OptionalStore => StoreConfig::parse(text).map(|store| Parsed::OptionalStore(Some(store))),
            Self::Secret if text.is_empty() => Some(Parsed::Text(String::new())),
            Self::Secret => Secret::parse_or_parameter(text).map(|_| Parsed::Text(text.to_owned())),
            Self::Host => is_host(text).then(|| Parsed::Text(text.to_owned())),
            Self::Text { fits, .. } => fits(text).then(|| Parsed::Text(text.to_owned())),
            Self::Word(words) => words.iter().find(|word| **word == text).map(|word| Parsed::Word(word)),
            Self::Span { .. } => {
                parse_time(text).ok().and_then(TimeSpan::duration).and_then(|span| self.span(span))
            }
            Self::BanTime => match parse_time(text).ok()? {
                TimeSpan::Forever => Some(Parsed::BanTime(BanTime::Forever)),
                span => span.duration().and_then(ban_time),
            },
            Self::Flag | Self::Count { .. } | Self::Keys | Self::Texts | Self::Each { .. } => None,
        }
    }

    /// Whether a text may stand in the list.
    fn is_item(self, text: &str) -> bool {
        is_name(text) && if let Self::Each { fits, .. } = self { fits(text) } else { true }
    }

    fn span(self, span: Duration) -> Option<Parsed> {
        matches!(self, Self::Span { min } if span >= min).then_some(Parsed::Span(span))
    }

    fn count(self, number: u64) -> Option<Parsed> {
        matches!(self, Self::Count { min, max } if (min..=max).contains(&number))
            .then_some(Parsed::Count(number))
    }

    /// What was written, fit for a message.
    fn shown(self, text: &str) -> String {
        match self {
            Self::Store | Self::OptionalStore => super::store::without_passwords(text),
            // Somebody may have written the secret itself.
            Self::Secret => "***".to_owned(),
            _ => text.to_owned(),
        }
    }

    fn bad(self, span: Option<Range<usize>>, found: &str) -> Bad {
        Bad { span, expected: self.expected(), found: found.to_owned(), hint: None }
    }
}

fn ban_time(span: Duration) -> Option<Parsed> {
    (span >= Duration::from_secs(1)).then_some(Parsed::BanTime(BanTime::For(span)))
}

/// Whether a text is an absolute path that the system can take.
pub(super) fn is_path(text: &str, max_bytes: usize) -> bool {
    Path::new(text).is_absolute() && text.len() <= max_bytes && !text.contains('\0')
}

fn is_host(text: &str) -> bool {
    text.len() <= MAX_HOST_BYTES && !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

/// Of a jail or a responder.
fn is_name(text: &str) -> bool {
    (1..=MAX_HOST_BYTES).contains(&text.len()) && !text.contains(char::is_control)
}

fn key(text: &str) -> Option<Key> {
    Key::parse_addr_or_net(text.trim())
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A length of time in the largest unit that gives a whole number.
pub(crate) fn span_text(span: Duration) -> String {
    if span.subsec_nanos() != 0 {
        return span.as_secs_f64().to_string();
    }
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds != 0 && seconds.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "s"));
    format!("{}{name}", seconds / unit)
}
