# What the tests of deploy/ share. To be sourced by `NAME_test.sh PROGRAM`.
# shellcheck shell=bash disable=SC2034 # what is not used here is used there
set -euo pipefail

program=$(realpath "${1:?the built program}")
self=$(realpath "$0")
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
cd "$root/tests/deploy"
work=$(mktemp -d)
pids=()
at_end() { :; } # a test may have more to end than processes

# Whatever happens, what was started ends: by its id, and at the latest after three seconds by force.
clean_up() {
    local status=$? pid
    set +e
    at_end
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${pids[@]}"; do
        for _ in {1..30}; do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    if [ "$status" != 0 ] && [ "$status" != 77 ]; then
        # The logs of what ran are the first thing to look at.
        tail -n 30 "$work"/*.log 2>/dev/null
    fi
    rm -rf --one-file-system "$work"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 143' TERM INT

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}
# ctest takes 77 for a skipped test; the reason stands in its output.
skip() {
    printf 'SKIPPED: %s\n' "$*"
    exit 77
}
pass() { printf 'ok       %s\n' "$*"; }

# wants COMMAND PACKAGE: skips the test where the command is missing.
wants() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || skip "$1 is not here (Debian package $2)"; }
PATH=$PATH:/usr/sbin:/sbin

# eventually SECONDS COMMAND...: whether the command succeeds within that time.
eventually() {
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.1
    done
}

# refuses COMMAND...: the command must fail, else what it guards is not guarded.
refuses() {
    if "$@" >"$work/refused.out" 2>&1; then
        cat "$work/refused.out"
        fail "this ought to have failed: $*"
    fi
}

# A port that is free now. Bound ones of the machine's own range are seldom taken at once by somebody else.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null ||
    node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'; }

# start_server STATE [KEY=VALUE...]: starts the program, with ports of its own unless told, and sets server_pid, adapter, bridge.
start_server() {
    local state=$1
    shift
    mkdir -p "$state"
    : >"$state/ready"
    (umask 077 && cd "$state" && exec env -u STATE_DIRECTORY HOME="$state" STATE_DIR="$state/state" ADAPTER_PORT=0 BRIDGE_PORT=0 "$@" \
        "$program" serve >"$state/ready" 2>>"$work/server.log") &
    server_pid=$!
    pids+=("$server_pid")
    eventually 20 grep -q '^ready ' "$state/ready" || fail "the server did not start"
    adapter=$(sed -n 's/^ready .*adapter=\([^ ]*\).*/\1/p' "$state/ready")
    bridge=$(sed -n 's/^ready .*bridge=\([^ ]*\).*/\1/p' "$state/ready")
}

# block NAME FILE: the commands of the page that stand below its line `<!-- test: NAME -->`.
block() {
    awk -v want="<!-- test: $1 -->" '
        $0 == want { found = 1; next }
        found && /^```/ { if (inside) exit; inside = 1; next }
        inside { print }
    ' "$2" | grep . || fail "$2 has no commands named $1"
}
