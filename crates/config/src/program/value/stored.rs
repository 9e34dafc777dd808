//! Settings as the program holds them: taken from what was read, and shown again.

use std::path::PathBuf;
use std::time::Duration;

use stockade_core::{BanTime, Key};

use super::{Parsed, span_text};
use crate::program::{Durability, LogLevel, Secret, StoreConfig};

impl Parsed {
    /// The value as it stands in TOML.
    pub(crate) fn to_toml(&self) -> String {
        match self {
            Self::Path(path) => toml::Value::from(path.display().to_string()).to_string(),
            Self::Store(store) => toml::Value::from(store.to_string()).to_string(),
            Self::OptionalStore(store) => {
                let store = store.as_ref().map(ToString::to_string).unwrap_or_default();
                toml::Value::from(store).to_string()
            }
            Self::Text(text) => toml::Value::from(text.as_str()).to_string(),
            Self::Texts(texts) => toml::Value::from(texts.clone()).to_string(),
            Self::Word(word) => format!("\"{word}\""),
            Self::Span(span) => format!("\"{}\"", span_text(*span)),
            Self::BanTime(BanTime::For(span)) => format!("\"{}\"", span_text(*span)),
            Self::BanTime(BanTime::Forever) => "-1".to_owned(),
            Self::Flag(flag) => flag.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Keys(keys) => {
                let keys: Vec<_> = keys.iter().map(|key| format!("\"{key}\"")).collect();
                format!("[{}]", keys.join(", "))
            }
        }
    }
}

/// A type of a field of [`Program`](super::Program) that a setting can fill.
pub(in crate::program) trait Stored: Sized {
    fn take(parsed: Parsed) -> Option<Self>;
    fn show(&self) -> Parsed;
}

macro_rules! stored {
    ($($type:ty, $variant:ident;)*) => {$(
        impl Stored for $type {
            fn take(parsed: Parsed) -> Option<Self> {
                if let Parsed::$variant(value) = parsed { value.try_into().ok() } else { None }
            }

            #[allow(clippy::unnecessary_fallible_conversions, reason = "for some of the types it can fail")]
            fn show(&self) -> Parsed {
                Parsed::$variant(self.clone().try_into().unwrap_or_default())
            }
        }
    )*};
}

stored! {
    PathBuf, Path;
    StoreConfig, Store;
    Option<StoreConfig>, OptionalStore;
    String, Text;
    Vec<String>, Texts;
    Duration, Span;
    bool, Flag;
    u8, Count;
    u32, Count;
    u64, Count;
    usize, Count;
    Vec<Key>, Keys;
}

impl Stored for Option<Secret> {
    fn take(parsed: Parsed) -> Option<Self> {
        if let Parsed::Text(text) = parsed { Some(Secret::parse_or_parameter(&text)) } else { None }
    }

    fn show(&self) -> Parsed {
        Parsed::Text(self.as_ref().map(ToString::to_string).unwrap_or_default())
    }
}

impl Durability {
    pub(in crate::program) const WORDS: &'static [&'static str] = &["normal", "full"];
}

impl Stored for Durability {
    fn take(parsed: Parsed) -> Option<Self> {
        match parsed {
            Parsed::Word("normal") => Some(Self::Normal),
            Parsed::Word("full") => Some(Self::Full),
            _ => None,
        }
    }

    fn show(&self) -> Parsed {
        Parsed::Word(match self {
            Self::Normal => "normal",
            Self::Full => "full",
        })
    }
}

impl Stored for Option<PathBuf> {
    fn take(parsed: Parsed) -> Option<Self> {
        match parsed {
            Parsed::Path(path) => Some(Some(path).filter(|path| !path.as_os_str().is_empty())),
            _ => None,
        }
    }

    fn show(&self) -> Parsed {
        Parsed::Path(self.clone().unwrap_or_default())
    }
}

impl LogLevel {
    pub(in crate::program) const WORDS: &'static [&'static str] =
        &["critical", "error", "warning", "notice", "info", "debug"];
    const ALL: [Self; 6] =
        [Self::Critical, Self::Error, Self::Warning, Self::Notice, Self::Info, Self::Debug];

    /// The level of this name, in letters of any case.
    pub fn parse(name: &str) -> Option<Self> {
        let at = Self::WORDS.iter().position(|word| word.eq_ignore_ascii_case(name))?;
        Self::ALL.get(at).copied()
    }

    /// Its name, in small letters.
    pub fn name(self) -> &'static str {
        Self::WORDS.get(self as usize).copied().unwrap_or_default()
    }
}

impl Stored for LogLevel {
    fn take(parsed: Parsed) -> Option<Self> {
        if let Parsed::Word(word) = parsed { Self::parse(word) } else { None }
    }

    fn show(&self) -> Parsed {
        Parsed::Word(self.name())
    }
}
