#!/bin/sh
# 100,000 bans to an agent: how long until all are in the kernel, as messages of its queue and by the snapshot.
#
#   benches/agent.sh [BANS]
#
# Needs root for a network namespace. Starts the emulator of AWS with dev/emulators unless STOCKADE_TEST_MINISTACK names one;
# it ends with this script then. The table goes to standard output and to benches/results/agent.md. What is measured is the
# agent and the emulator together: a message costs the emulator, which is a Python program, more than the agent.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
target=${CARGO_TARGET_DIR:-$root/target}
if ! unshare --net true 2>/dev/null; then
    echo "skipped: a network namespace of its own needs root" >&2
    exit 0
fi
cargo build --release --quiet --manifest-path "$root/Cargo.toml" -p stockade --features aws >&2
cargo build --release --quiet --manifest-path "$root/Cargo.toml" -p stockade-runtime --features aws \
    --example agent_bench >&2
if [ -z "${STOCKADE_TEST_MINISTACK:-}" ]; then
    STOCKADE_EMULATORS=$(mktemp -d)
    export STOCKADE_EMULATORS
    trap '"$root/dev/emulators" stop; rm -rf "$STOCKADE_EMULATORS"' EXIT
    eval "$("$root/dev/emulators" start)"
fi
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-test}" AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-test}"
mkdir -p "$here/results"
"$target/release/examples/agent_bench" "$target/release/stockade" "$@" | tee "$here/results/agent.md"
