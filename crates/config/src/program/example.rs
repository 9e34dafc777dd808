//! A `stockade.toml` that says what there is to set.

use super::{Program, SETTINGS};

/// A `stockade.toml` with every setting commented out at its default, and what it does above it.
pub fn example() -> String {
    let mut text = String::from(
        "# Settings of Stockade itself. Jails are set in jail.local and jail.d/*.local, in fail2ban's language.\n\
         # What is commented out shows the default.\n",
    );
    let program = Program::default();
    let mut current = "";
    for setting in SETTINGS {
        let (table, name) = setting.table_and_name();
        if table != current {
            text += &format!("\n[{table}]\n");
            current = table;
        }
        let doc = setting.doc.replace('\n', "\n# ");
        text += &format!("\n# {doc}\n#{name} = {}\n", (setting.get)(&program).to_toml());
    }
    text + REPAIR + RULES + LOG_GROUPS + RESPONDERS
}

const REPAIR: &str = r#"
# How far one repair may go, at once and everywhere; then, more exactly, in an account or a region; then what is told and
# not repaired, always with an end and a reason; then other accounts, with the role to assume there. For example:
# [repair.playbooks]
# trail-stopped = "act"
# trail-deleted = "approve"
#
# [[repair.where]]
# playbook = "trail-weakened"
# account = "444455556666"
# region = "us-east-1"
# mode = "notify"
#
# [[repair.exempt]]
# principal = "arn:aws:iam::111122223333:role/pipeline"
# until = 2026-12-31
# reason = "test accounts are torn down every night"
#
# [repair.accounts.444455556666]
# role = "arn:aws:iam::444455556666:role/stockade-guard"
# external_id = "an-id-that-nobody-guesses"
"#;

const RULES: &str = r#"
# What is to be other than a rule's file in rule.d says, for example:
# [rules.root-use]
# enabled = true
# target = "notify"
# maxretry = 1
# findtime = "10m"
# bantime = "1h"
# action = ["report"]
"#;

const LOG_GROUPS: &str = r#"
# Which filters read which log group of CloudWatch Logs: its name, or a pattern, and the filters as jails name them. As
# soon as one is set here, there are no others than those set here.
#[aws.log_groups]
# "Auth" = ["sshd"]
# "Syslog" = ["dovecot", "postfix", "roundcube"]
"#;

const RESPONDERS: &str = r#"
# What makes decisions true. `action = NAME` in a jail chooses among them; a jail without `action` uses all but those that
# only tell people: slack, email and sns-notice.
# As soon as one is set here that does not only tell people, there are no others than those set here.

#[responders.nftables]
#kind = "nftables"
#table = "stockade"

#[responders.report]
#kind = "command"
#argv = ["/usr/local/bin/report"]
#timeout = "10s"

#[responders.fail2ban]
#kind = "fail2ban-client"
#argv = ["/usr/bin/fail2ban-client"]
#timeout = "1m"

#[responders.fleet]
#kind = "sns"
#topic = ""
#region = ""
#endpoint = ""

#[responders.acl]
#kind = "lambda"
#function = "ALC_Denier"
#unban = false

# Notices, bans and their ends to a program, as signed JSON. Secrets stand elsewhere: `env:NAME`, `file:/path`.
#[responders.hook]
#kind = "webhook"
#url = "https://hooks.example.com/stockade"
#secret = "env:WEBHOOK_SECRET"
#timeout = "10s"
#ca = ""
# What comes so soon after a message about the same is told in one; so many messages at once, and again in so long.
#group = "1m"
#messages = 20
#per = "10m"

#[responders.chat]
#kind = "slack"
#url = "file:/etc/stockade/secrets/slack-url"
#unban = false

#[responders.mail]
#kind = "email"
#server = "mail.example.com:587"
#tls = "starttls"
#from = "Stockade <stockade@example.com>"
#to = ["ops@example.com"]
#user = "stockade"
#password = "file:/etc/stockade/secrets/mail-password"

#[responders.pager]
#kind = "sns-notice"
#topic = "stockade-alerts"

#[responders.journal]
#kind = "log"

#[responders.aws]
#kind = "repair"

#[responders.rehearsal]
#kind = "dry-run"
"#;
