//! A password from a file of lines `HOST:PORT:DATABASE:USER:PASSWORD`, as libpq reads `~/.pgpass`.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The longest such file that is read.
const MAX_BYTES: u64 = 1 << 20;
/// What stands for any value.
const ANY: &str = "*";
/// The port that is meant where none is said.
const PORT: u16 = 5432;

/// The password for a connection; `None` where no line is for it. A file that others may read is not used.
pub(super) fn look_up(file: &Path, config: &Config) -> Option<String> {
    let file = File::open(file).ok()?;
    let about = file.metadata().ok()?;
    if !about.is_file() || about.mode() & 0o077 != 0 {
        return None;
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    find(&text, config)
}

fn find(text: &str, config: &Config) -> Option<String> {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.as_str(),
        _ => "localhost",
    };
    let port = config.get_ports().first().copied().unwrap_or(PORT).to_string();
    let user = config.get_user().unwrap_or_default();
    let wanted = [host, &port, config.get_dbname().unwrap_or(user), user];
    text.lines().filter(|line| !line.starts_with('#')).map(fields).find_map(|fields| {
        let [given @ .., password] = fields.as_slice() else { return None };
        let fits = given.len() == wanted.len()
            && given.iter().zip(wanted).all(|(given, wanted)| given == ANY || given == wanted);
        fits.then(|| password.clone())
    })
}

/// The parts between colons; a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => fields.push(String::new()),
            c => {
                let c = if c == '\\' { chars.next().unwrap_or(c) } else { c };
                if let Some(last) = fields.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_it() {
        let config: Config = "postgresql://u@h:5433/d".parse().unwrap();
        let text = "# a remark\nh:5432:*:*:no\nh:5433:other:u:no\n*:*:d:u:p\\:a\\\\ss\n*:*:*:*:last\n";
        assert_eq!(find(text, &config).as_deref(), Some("p:a\\ss"));
        let config: Config = "postgresql://x@h:5433/d".parse().unwrap();
        assert_eq!(find(text, &config).as_deref(), Some("last"));
        assert_eq!(find("h:5433:d:x\n", &config), None);
    }

    #[test]
    fn a_file_that_others_may_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("stockade-passfile-{}", std::process::id()));
        std::fs::write(&path, "*:*:*:*:p\n").unwrap();
        let config: Config = "postgresql://u@h/d".parse().unwrap();
        for (mode, found) in [(0o600, Some("p".to_owned())), (0o640, None)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(look_up(&path, &config), found);
        }
        std::fs::remove_file(&path).unwrap();
    }
}
