#!/bin/sh
# What the matches of real attacks cost in DynamoDB. Starts the emulator unless STOCKADE_TEST_MINISTACK names one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
result="$here/results/cost.md"
if [ -z "${STOCKADE_TEST_MINISTACK:-}" ]; then
    STOCKADE_EMULATORS=$(mktemp -d)
    export STOCKADE_EMULATORS
    trap '"$root/dev/emulators" stop && rm -rf "$STOCKADE_EMULATORS"' EXIT
    eval "$("$root/dev/emulators" start)"
fi
table=$(cargo test --quiet --manifest-path "$root/Cargo.toml" -p stockade-store --features dynamodb --test dynamodb_cost -- \
    all_logs --include-ignored --nocapture 2>&1 | grep '|')
{
    echo "# What matches cost in DynamoDB"
    echo
    echo "- Date: $(date -u '+%Y-%m-%d %H:%M UTC')"
    echo "- Command: \`benches/run.sh cost\`"
    echo
    sed -n 's/^# EXPLAINED: \{0,1\}//p' "$0"
    echo
    echo "$table"
} | tee "$result"
exit 0

# EXPLAINED: The matches that fail2ban's sshd filter finds in logs of real attacks, in two of its modes, delivered to a
# EXPLAINED: function as the CloudWatch agent would have sent them: what came within five seconds at once. All of it is
# EXPLAINED: written, then each address at hand is asked about once. Units are those of DynamoDB, per match; asked for: at
# EXPLAINED: most 1.1 write units and 0.5 read units.
# EXPLAINED:
# EXPLAINED: - *write*, *read*: of remembering and recalling. Write units are what the emulator's `ConsumedCapacity` says.
# EXPLAINED:   Read units are computed from the size of what was read, as it says 0.5 for every query, whatever its size.
# EXPLAINED: - *latest*: read units if each answer were the latest (`Reads::Latest`). The default, `Reads::Recent`, asks
# EXPLAINED:   for the latest where that can decide: of keys near their ban.
# EXPLAINED: - *bans*: beside them, the write units of bans, per match. These logs are of hosts that banned nobody: every
# EXPLAINED:   attacker goes on, and each fifth match makes a ban longer. *changes* is how many bans, extensions and ends
# EXPLAINED:   there were; a ban or an end costs 4 units with its index and its announcement, an extension 5.
