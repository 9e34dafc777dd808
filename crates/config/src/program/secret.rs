//! What must not be shown: where it is found, or, for an address that is one, itself.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use thiserror::Error;

use super::value::is_path;
use crate::limits::{MAX_PATH_BYTES, MAX_SECRET_BYTES, MAX_URL_BYTES};

/// Something secret. `Debug` and `Display` say where it is found, never what it is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secret {
    /// `env:NAME`: the value of an environment variable.
    Env(String),
    /// `file:/path`: what a file holds, without the line break at its end.
    File(PathBuf),
    /// An address that stands in the configuration itself.
    Url(String),
    /// `ssm:/name`: a parameter of Systems Manager, for whoever speaks to AWS.
    Parameter(String),
}

/// Why a secret cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The variable is not there, is empty, or is no UTF-8.
    #[error("the environment variable `{0}` is not set")]
    NotSet(String),
    /// It is in AWS, and this program does not ask there for it.
    #[error("the parameter `{0}` is in AWS, which is not asked here")]
    InAws(String),
    /// The file cannot be read.
    #[error("cannot read the secret in `{file}`: {why}", file = .file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        why: String,
    },
}

impl Secret {
    /// Reads `env:NAME` or `file:/path`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix("env:") {
            return is_variable(name).then(|| Self::Env(name.to_owned()));
        }
        let path = text.strip_prefix("file:")?;
        is_path(path, MAX_PATH_BYTES).then(|| Self::File(path.into()))
    }

    /// The same, or `ssm:/name`.
    pub(super) fn parse_or_parameter(text: &str) -> Option<Self> {
        const MAX: usize = 1011; // https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        let name = text.strip_prefix("ssm:");
        let name = name.filter(|name| name.starts_with('/') && name.len() <= MAX && name.bytes().all(plain));
        name.map(|name| Self::Parameter(name.to_owned())).or_else(|| Self::parse(text))
    }

    /// The same, or an address of the web.
    pub(super) fn parse_url(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| is_url(text).then(|| Self::Url(text.to_owned())))
    }

    /// The secret itself.
    ///
    /// # Errors
    /// If the variable or the file is not there, or empty.
    pub fn reveal(&self) -> Result<String, SecretError> {
        self.reveal_with(&|name| std::env::var(name).ok())
    }

    /// The same with an environment of its own.
    ///
    /// # Errors
    /// If the variable or the file is not there, or empty.
    pub fn reveal_with(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<String, SecretError> {
        match self {
            Self::Url(url) => Ok(url.clone()),
            Self::Parameter(name) => Err(SecretError::InAws(name.clone())),
            Self::Env(name) => {
                let value = env(name).filter(|value| !value.is_empty());
                value.ok_or_else(|| SecretError::NotSet(name.clone()))
            }
            Self::File(path) => {
                let unreadable = |why: &dyn fmt::Display| SecretError::Unreadable {
                    file: path.clone(),
                    why: why.to_string(),
                };
                let mut bytes = Vec::new();
                File::open(path)
                    .and_then(|file| file.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes))
                    .map_err(|error| unreadable(&error))?;
                if bytes.len() as u64 > MAX_SECRET_BYTES {
                    return Err(unreadable(&"it is too long"));
                }
                let text = String::from_utf8(bytes).map_err(|_| unreadable(&"it is not UTF-8"))?;
                let secret = text.trim_end_matches(['\n', '\r']);
                if secret.is_empty() { Err(unreadable(&"it is empty")) } else { Ok(secret.to_owned()) }
            }
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Parameter(name) => write!(f, "ssm:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Url(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or_default();
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                // What stands before an `@` is a name and a password.
                write!(f, "{scheme}://{}/***", host.rsplit('@').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= MAX_PATH_BYTES
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty() && !host.starts_with(':') && !host.ends_with('@'))
        && text.len() <= MAX_URL_BYTES
        && !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_and_not_shown() {
        for (text, shown) in [
            ("env:HOOK_URL", "env:HOOK_URL"),
            ("file:/run/secrets/hook", "file:/run/secrets/hook"),
            ("https://hooks.example.com/services/T0/s3cret", "https://hooks.example.com/***"),
            ("https://user:s3cret@hooks.example.com:8443?key=s3cret", "https://hooks.example.com:8443/***"),
        ] {
            let secret = Secret::parse_url(text).unwrap();
            assert_eq!(
                (secret.to_string().as_str(), format!("{secret:?}")),
                (shown, format!("Secret({shown})"))
            );
        }
        for wrong in [
            "",
            "s3cret",
            "env:",
            "env:a-b",
            "env:1",
            "file:x",
            "ftp://h/",
            "https://",
            "https:///x",
            "https://a b",
        ] {
            assert_eq!(Secret::parse_url(wrong), None, "{wrong}");
        }
        assert_eq!(Secret::parse("https://example.com/"), None);
    }

    #[test]
    fn a_secret_is_read_without_its_line_break_or_said_to_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Secret::File(path)
        };
        assert_eq!(write("a", b"s3cret \n").reveal().unwrap(), "s3cret ");
        for (name, bytes) in [("b", &b"\n"[..]), ("c", b"\xff"), ("d", &[b'x'; (64 << 10) + 1])] {
            let error = write(name, bytes).reveal().unwrap_err();
            assert!(matches!(error, SecretError::Unreadable { .. }), "{error}");
        }
        let env = |name: &str| (name == "THERE").then(|| "value".to_owned());
        assert_eq!(Secret::Env("THERE".into()).reveal_with(&env).unwrap(), "value");
        let error = Secret::Env("GONE".into()).reveal_with(&env).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable `GONE` is not set");
    }
}
