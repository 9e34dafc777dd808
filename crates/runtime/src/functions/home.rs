//! Where a function's configuration comes from: the package, an object in S3, a parameter.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::PathBuf;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use stockade_aws::{Aws, Call};
use stockade_config::{Config, ReadRules, env_vars, load_files_with};
use stockade_filter::conf::{ConfFiles, Directory, Embedded, Layered};

use super::role::Role;
use super::setup::SetupError;

/// The jails of functions, where the configuration brings none of its own.
pub const DEFAULTS: Embedded =
    Embedded(&[("jail.local", include_str!("../../../../deploy/aws/conf/jail.local"))]);

/// How large a configuration may be, unpacked, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// How many files it may have.
pub const MAX_FILES: usize = 2_000;
/// What begins a file in a single text; its name follows.
pub const FILE_MARK: &str = "# file:";

/// A place where configuration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// A folder, as `stockade -c` takes it.
    Folder(PathBuf),
    /// An object in S3: a packed folder, `.tar.gz`, or a single text.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// A parameter of Systems Manager: a single text.
    Parameter(String),
    /// What is built in.
    BuiltIn,
}

impl Home {
    /// What `STOCKADE_CONFIG` says; else the folder `stockade` of the package, or of a layer, or what is built in.
    ///
    /// # Errors
    /// If the variable is none of the three.
    pub fn find(env: &dyn Fn(&str) -> Option<String>) -> Result<Self, SetupError> {
        let Some(place) = env(env_vars::CONFIG).filter(|place| !place.is_empty()) else {
            let package = env("LAMBDA_TASK_ROOT").map(|root| PathBuf::from(root).join("stockade"));
            let folders = package.into_iter().chain([PathBuf::from("/opt/stockade")]);
            return Ok(folders
                .into_iter()
                .find(|folder| folder.is_dir())
                .map_or(Self::BuiltIn, Self::Folder));
        };
        let object = place.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        if let Some((bucket, key)) = object.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()) {
            return Ok(Self::Object { bucket: bucket.to_owned(), key: key.to_owned() });
        }
        match place.strip_prefix("ssm:") {
            Some(name) if !name.is_empty() => Ok(Self::Parameter(name.to_owned())),
            None if place.starts_with('/') && PathBuf::from(&place).is_dir() => {
                Ok(Self::Folder(place.into()))
            }
            _ => Err(SetupError::Home {
                why: "expected a folder, `s3://BUCKET/KEY` or `ssm:NAME`".to_owned(),
                place,
            }),
        }
    }

    /// Whether AWS must be asked.
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Object { .. } | Self::Parameter(_))
    }

    /// Reads the configuration, with the rules of events for a role that reads some. `aws` is asked where it must be.
    ///
    /// # Errors
    /// If it cannot be read, or has errors: all of them.
    pub async fn load(
        &self,
        aws: Option<&Aws>,
        env: &(dyn Fn(&str) -> Option<String> + Sync),
        role: Role,
    ) -> Result<Config, SetupError> {
        let rules = if role.reads_events() { ReadRules::Yes } else { ReadRules::No };
        let files = match self {
            Self::Folder(folder) => return read(&Directory(folder.clone()), env, rules),
            Self::BuiltIn => return read(&Embedded(&[]), env, rules),
            Self::Object { bucket, key } => {
                let place = format!("s3://{bucket}/{key}");
                let call = Call::rest(format!("read `{place}`"), "s3", "GET", format!("/{bucket}/{key}"));
                let reply = ask(aws, &call, &place).await?;
                Files::of(&place, &reply).map_err(|why| SetupError::Home { place, why })?
            }
            Self::Parameter(name) => {
                let place = format!("ssm:{name}");
                let body = json!({"Name": name, "WithDecryption": true});
                let call = Call::json(format!("read `{place}`"), "ssm", "AmazonSSM.GetParameter", &body);
                let reply = ask(aws, &call, &place).await?;
                let reply: Value = serde_json::from_slice(&reply).unwrap_or_default();
                let Some(text) = reply.pointer("/Parameter/Value").and_then(Value::as_str) else {
                    return Err(SetupError::Home { place, why: "the answer holds no value".to_owned() });
                };
                Files::of_text(&place, text).map_err(|why| SetupError::Home { place, why })?
            }
        };
        read(&files, env, rules)
    }
}

async fn ask(aws: Option<&Aws>, call: &Call, place: &str) -> Result<Vec<u8>, SetupError> {
    let failed = |why: String| SetupError::Home { place: place.to_owned(), why };
    let aws = aws.ok_or_else(|| failed("AWS was not asked".to_owned()))?;
    let reply = aws.call(call).await.map_err(|fault| {
        failed(
            fault
                .hint
                .as_ref()
                .map_or_else(|| fault.message.clone(), |hint| format!("{}: {hint}", fault.message)),
        )
    })?;
    Ok(reply.body)
}

/// Reads files over the defaults. Everything must be right: a function has nobody who reads warnings.
fn read(
    files: &dyn ConfFiles,
    env: &dyn Fn(&str) -> Option<String>,
    rules: ReadRules,
) -> Result<Config, SetupError> {
    let layered = Layered { upper: files, lower: DEFAULTS };
    let wrong =
        |problems: stockade_config::Problems| SetupError::Config(problems.to_string().trim_end().to_owned());
    load_files_with(&layered, "", env, rules).and_then(Config::strict).map_err(wrong)
}

/// A folder in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    place: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// A packed folder, or a single text.
    ///
    /// # Errors
    /// If it is neither, or too large.
    pub fn of(place: &str, bytes: &[u8]) -> Result<Self, String> {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            return Self::unpack(place, bytes);
        }
        let text =
            std::str::from_utf8(bytes).map_err(|error| format!("neither `.tar.gz` nor text: {error}"))?;
        Self::of_text(place, text)
    }

    /// A single text: `stockade.toml`, and after a line `# file: jail.local` that file, and so on. Lines keep their
    /// numbers.
    ///
    /// # Errors
    /// If it is too large, or a name is no name of a file.
    pub fn of_text(place: &str, text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it is larger than {MAX_BYTES} bytes"));
        }
        let mut files = Self { place: place.to_owned(), files: BTreeMap::new() };
        let mut name = "stockade.toml".to_owned();
        let mut part = String::new();
        for (at, line) in text.lines().enumerate() {
            if let Some(next) = line.strip_prefix(FILE_MARK) {
                files.add(
                    std::mem::replace(&mut name, next.trim().to_owned()),
                    std::mem::take(&mut part).into_bytes(),
                )?;
                part = "\n".repeat(at);
            } else {
                part.push_str(line);
            }
            part.push('\n');
        }
        files.add(name, part.into_bytes())?;
        Ok(files)
    }

    fn unpack(place: &str, packed: &[u8]) -> Result<Self, String> {
        let mut files = Self { place: place.to_owned(), files: BTreeMap::new() };
        // One byte more than allowed, so that too much can be told from just enough; and the archive's own headers.
        let headers = (MAX_FILES * 2048) as u64;
        let limited = GzDecoder::new(packed).take(MAX_BYTES as u64 + headers + 1);
        let mut archive = tar::Archive::new(limited);
        let broken = |error: io::Error| format!("no `.tar.gz`: {error}");
        for entry in archive.entries().map_err(broken)? {
            let mut entry = entry.map_err(broken)?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = entry.path().map_err(broken)?.to_string_lossy().into_owned();
            let name = name.trim_start_matches("./");
            let name = name.strip_prefix("stockade/").unwrap_or(name).to_owned();
            let mut content = Vec::new();
            entry.by_ref().take(MAX_BYTES as u64 + 1).read_to_end(&mut content).map_err(broken)?;
            files.add(name, content)?;
        }
        Ok(files)
    }

    fn add(&mut self, name: String, content: Vec<u8>) -> Result<(), String> {
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        if name.len() > 255 || name.contains('\0') || name.split('/').any(odd) {
            return Err(format!("`{}` is no name of a file", name.chars().take(80).collect::<String>()));
        }
        self.files.insert(name, content);
        let bytes: usize = self.files.values().map(Vec::len).sum();
        if bytes > MAX_BYTES || self.files.len() > MAX_FILES {
            return Err(format!("it has more than {MAX_FILES} files or {MAX_BYTES} bytes"));
        }
        Ok(())
    }
}

impl ConfFiles for Files {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(path).cloned())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let inside = |name: &String| {
            let name = name.strip_prefix(dir)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| name.to_owned())
        };
        Ok(self.files.keys().filter_map(inside).collect())
    }

    fn display(&self, path: &str) -> String {
        format!("{}/{path}", self.place)
    }
}
