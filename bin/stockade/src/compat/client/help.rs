//! What `fail2ban-client -h` prints here.

/// What a session begins with.
pub(super) const GREETING: &str = "Stockade under the name of fail2ban-client. `exit` ends.\n";

/// The help.
pub(super) const TEXT: &str = "\
Usage: fail2ban-client [OPTIONS] <COMMAND>

Stockade under the name of fail2ban-client: it speaks with the daemon of Stockade and prints what
scripts know from fail2ban. `stockade help` says what else there is.

Options:
    -c, --conf <DIR>        the configuration directory
    -s, --socket <FILE>     the daemon's control socket
    -d, --dp                print the configuration as commands
    -t, --test              test the configuration
    -i                      read commands from standard input
    -b, -f                  start in the background (default), in the foreground
    --loglevel <LEVEL>      the level of the log in fail2ban's format, with `start`
    --logtarget <FILE>      its file, with `start`
    --str2sec <TIME>        say how many seconds 1d12h has
    -p, --pname, --syslogsocket, --timeout, --async, -v, -q, -x
                            taken and of no effect
    -h, --help              print this
    -V, --version           print the version of fail2ban that is followed

Server:
    start | stop | restart  the daemon
    reload [--unban] [--restart] [--if-exists] [--all | <JAIL>]
                            read the files again; --unban lifts the bans
    status [--all]          the jails
    ping | version | stats | flushlogs
    banned [<IP> ...]       who is banned; in which jails these are
    unban --all | <IP> ...  lift bans in all jails
    get|set loglevel | logtarget | dbpurgeage [<VALUE>]
    get dbfile | dbmaxmatches | syslogsocket

A jail:
    status <JAIL> [basic | short]
    start <JAIL> | stop <JAIL>
    set <JAIL> banip <IP> ... | unbanip [--report-absent] <IP> ... | attempt <IP> [<LINE> ...]
    get <JAIL> banned [<IP> ...] | banip [<SEP> | --with-time]
    set <JAIL> addignoreip <IP> ... | delignoreip <IP> | ignoreself true|false | idle on|off
    set <JAIL> findtime | bantime | maxretry | maxlines | maxmatches | usedns | datepattern <VALUE>
    set <JAIL> logtimezone | prefregex | ignorecommand | bantime.<OPTION> <VALUE>
    set <JAIL> addlogpath <FILE> [tail] | dellogpath <FILE> | addjournalmatch|deljournalmatch <MATCH>
    set <JAIL> addfailregex | addignoreregex <REGEX> | delfailregex | delignoreregex <INDEX>
    get <JAIL> <any of these>, ignoreip, failregex, ignoreregex, logpath, logencoding,
               journalmatch, actions
What `set` changes holds until the next reload.

Exit codes: 0 done, 255 not done; the reason stands on standard error and standard output.

Examples:
    fail2ban-client status sshd
    fail2ban-client set sshd banip 203.0.113.9
    fail2ban-client get sshd banip --with-time
    fail2ban-client unban 203.0.113.9";
