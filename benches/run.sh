#!/bin/sh
# One command for each benchmark: benches/run.sh NAME [ARGUMENTS]
#
#   scan      a log of a million lines, beside grep, ripgrep, fail2ban-regex and fail2ban-rs
#   restore   100,000 bans from the database back into the kernel (needs root)
#   latency   from the line in the log to the element in the kernel, and to the dropped packet (needs root)
#   memory    bytes per address that a jail watches
#   fleet     from a ban on one host to the kernel of another that shares its PostgreSQL (needs root)
#   events    200,000 events through 200, 2,000 and 10,000 patterns, beside parsers and quamina; CloudTrail files
#   live      following a log that grows by 100,000 lines a second and is rotated (needs root)
#   cost      what the matches of real attacks cost in DynamoDB, in write and read units
#   repair    from an event to the verified repair, and a look at 500 things, against moto, beside a guard in Python
#   coldstart the packaged Lambda functions until they ask for their first event, beside Python with boto3
#
# The result goes to standard output and to benches/results/NAME.md. Programs are built first, in release mode; with
# CARGO_TARGET_DIR set they go there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
name=${1:-}
[ $# -gt 0 ] && shift
target=${CARGO_TARGET_DIR:-$root/target}/release
export STOCKADE_BENCH_TARGET="$target"
export PYTHONDONTWRITEBYTECODE=1
export STOCKADE_SHARED="${STOCKADE_SHARED:-$root/../shared}"

build() {
    cargo build --release --quiet --manifest-path "$root/Cargo.toml" "$@" >&2
}

# In a network namespace of its own: nobody else's firewall is touched.
alone() {
    if ! unshare --net true 2>/dev/null; then
        echo "skipped: a network namespace of its own needs root" >&2
        exit 0
    fi
    exec unshare --net "$@"
}

case $name in
scan)
    build -p stockade
    exec python3 "$here/scan.py" "$@"
    ;;
restore)
    build -p stockade-runtime --examples
    alone python3 "$here/restore.py" "$@"
    ;;
latency)
    build -p stockade-runtime --example daemon
    alone python3 "$here/latency.py" "$@"
    ;;
fleet)
    build -p stockade-runtime --features postgres --example daemon
    alone python3 "$here/fleet.py" "$@"
    ;;
live)
    build -p stockade-runtime --example daemon
    alone python3 "$here/live.py" "$@"
    ;;
events)
    cargo build --release --quiet --manifest-path "$here/events/Cargo.toml" >&2
    [ -n "${CARGO_TARGET_DIR:-}" ] || export STOCKADE_BENCH_TARGET="$here/events/target/release"
    exec python3 "$here/events.py" "$@"
    ;;
memory)
    build -p stockade-runtime --example tracked_memory
    exec python3 "$here/memory.py" "$@"
    ;;
cost)
    exec "$here/cost.sh" "$@"
    ;;
repair)
    build -p stockade --features aws
    build -p stockade-repair --features aws,sqlite --example engine_bench
    STOCKADE_EMULATORS=$(mktemp -d)
    export STOCKADE_EMULATORS
    trap '"$root/dev/emulators" stop; rm -rf "$STOCKADE_EMULATORS"' EXIT
    eval "$("$root/dev/emulators" start)"
    "$STOCKADE_TEST_PYTHON" "$here/repair.py" "$@"
    ;;
coldstart)
    STOCKADE_BENCH_PYTHON="$("$root/dev/venv" ministack)/bin/python3"
    export STOCKADE_BENCH_PYTHON
    exec python3 "$here/coldstart.py" "$@"
    ;;
*)
    sed -n '2,15s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
