//! The jails, filters and rules that come with Stockade, built into the program.

use stockade_filter::conf::Embedded;

macro_rules! shipped {
    ($($path:literal)*) => {
        Embedded(&[$(($path, include_str!(concat!("../../../conf/", $path)))),*])
    };
}

/// The files of `conf/` at the root of the repository: `jail.conf`, `filter.d`, `jail.d`.
///
/// A test holds that none is missing; `STOCKADE_BLESS=1 cargo test -p stockade-config shipped` writes the list anew.
pub const SHIPPED: Embedded = shipped! {
    "filter.d/apache-auth.conf"
    "filter.d/common.conf"
    "filter.d/dovecot.conf"
    "filter.d/nginx-http-auth.conf"
    "filter.d/postfix.conf"
    "filter.d/roundcube.conf"
    "filter.d/ssh-legacy.conf"
    "filter.d/sshd.conf"
    "jail.conf"
};

/// The rules of events of `conf/rule.d`. They are read only where events are.
pub const SHIPPED_RULES: Embedded = shipped! {
    "rule.d/access-key-for-another.toml"
    "rule.d/access-key-leaked.toml"
    "rule.d/admin-granted.toml"
    "rule.d/ami-shared.toml"
    "rule.d/cloudtrail-deleted.toml"
    "rule.d/cloudtrail-stopped.toml"
    "rule.d/cloudtrail-weakened.toml"
    "rule.d/config-recorder-stopped.toml"
    "rule.d/console-login-failures-user.toml"
    "rule.d/console-login-failures.toml"
    "rule.d/console-login-without-mfa.toml"
    "rule.d/console-logins-worldwide.toml"
    "rule.d/dns-logging-stopped.toml"
    "rule.d/document-public.toml"
    "rule.d/ebs-snapshot-shared.toml"
    "rule.d/ec2-compromised.toml"
    "rule.d/ec2-guardrail-removed.toml"
    "rule.d/flow-logs-deleted.toml"
    "rule.d/guardduty-bruteforce.toml"
    "rule.d/guardduty-weakened.toml"
    "rule.d/image-repository-public.toml"
    "rule.d/imds-v1-allowed.toml"
    "rule.d/kms-key-disabled.toml"
    "rule.d/kms-key-public.toml"
    "rule.d/lambda-public.toml"
    "rule.d/log-bucket-tampered.toml"
    "rule.d/log-group-tampered.toml"
    "rule.d/login-profile-changed.toml"
    "rule.d/mfa-removed.toml"
    "rule.d/organization-left.toml"
    "rule.d/password-policy-changed.toml"
    "rule.d/queue-public.toml"
    "rule.d/rds-public.toml"
    "rule.d/rds-snapshot-shared.toml"
    "rule.d/role-trust-changed.toml"
    "rule.d/root-use.toml"
    "rule.d/s3-account-public-access.toml"
    "rule.d/s3-bucket-public-access.toml"
    "rule.d/s3-bucket-public.toml"
    "rule.d/secret-public.toml"
    "rule.d/security-group-open.toml"
    "rule.d/securityhub-weakened.toml"
    "rule.d/stockade-tampered.toml"
    "rule.d/topic-public.toml"
    "rule.d/waf-weakened.toml"
};

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{env, fs};

    use super::*;

    /// The paths of all files below `root` that end so, sorted.
    fn conf_files(root: &Path, below: &str, ending: &str) -> Vec<String> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(root.join(below)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if entry.file_type().unwrap().is_dir() {
                paths.extend(conf_files(root, &path, ending));
            } else if path.ends_with(ending) {
                paths.push(path);
            }
        }
        paths.sort();
        paths
    }

    #[test]
    fn every_shipped_file_is_built_in() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let conf = here.join("../../conf");
        for (name, table, ending) in
            [("SHIPPED", SHIPPED, ".conf"), ("SHIPPED_RULES", SHIPPED_RULES, ".toml")]
        {
            let files = conf_files(&conf, "", ending);
            let table: Vec<_> = table.0.iter().map(|(path, _)| (*path).to_owned()).collect();
            if env::var_os("STOCKADE_BLESS").is_some() && table != files {
                let source = here.join("src/shipped.rs");
                let text = fs::read_to_string(&source).unwrap();
                let begin = format!("pub const {name}: Embedded = shipped! {{\n");
                let (head, rest) = text.split_once(&begin).unwrap();
                let (_, tail) = rest.split_once("};\n").unwrap();
                let list: String = files.iter().map(|path| format!("    \"{path}\"\n")).collect();
                fs::write(&source, format!("{head}{begin}{list}}};\n{tail}")).unwrap();
            }
            assert_eq!(
                table, files,
                "run `STOCKADE_BLESS=1 cargo test -p stockade-config shipped`, then test again"
            );
        }
    }
}
