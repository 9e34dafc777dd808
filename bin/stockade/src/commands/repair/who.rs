//! Who decides: for the record, which is worth nothing if all of it was done by `root`.

use std::fs;

/// What was typed, else who logged in, also where a program such as `sudo` changed who we are since.
pub(super) fn who(typed: Option<&str>) -> String {
    if let Some(typed) = typed.map(str::trim).filter(|typed| !typed.is_empty()) {
        return typed.to_owned();
    }
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u32>().ok();
    // Nobody logged in to a daemon.
    let login = number("/proc/self/loginuid").filter(|id| *id != u32::MAX);
    let ours = || {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()?.parse().ok())
    };
    let Some(id) = login.or_else(ours) else { return "somebody".to_owned() };
    name(id).unwrap_or_else(|| format!("user {id}"))
}

fn name(id: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_decides_always() {
        assert_eq!(who(Some(" carla, ticket 4711 ")), "carla, ticket 4711");
        assert!(!who(Some(" ")).is_empty() && !who(None).is_empty());
        assert_eq!(name(0).as_deref(), Some("root"));
    }
}
