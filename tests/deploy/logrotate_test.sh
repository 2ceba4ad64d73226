#!/usr/bin/env bash
# Rotates the logs of a server under load with deploy/logrotate/mcp-local-provider: no line is lost, the chain stays whole.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
wants logrotate logrotate
wants curl curl
wants jq jq

start_server "$work/server" ENABLE_RATE_LIMITING=false MAX_REQUESTS_PER_SESSION=1000000 MAX_CONCURRENT_REQUESTS=100 \
    ACCESS_LOG_FILE="$work/server/state/access.log" ERROR_LOG_FILE="$work/server/state/error.log"
state=$work/server/state

# The shipped file, but for where the logs are and whose they are.
sed "s|/var/lib/mcp-local-provider|$state|g; s|mcp-local-provider mcp-local-provider|$(id -un) $(id -gn)|" \
    "$root/deploy/logrotate/mcp-local-provider" >"$work/logrotate.conf"
chmod 600 "$work/logrotate.conf"
rotate() {
    logrotate -s "$work/logrotate.state" "$@" "$work/logrotate.conf" >"$work/logrotate.log" 2>&1 || fail "logrotate"
    [ ! -s "$work/logrotate.log" ] || [ "${1-}" = -d ] || fail "logrotate complains"
}
records() { find "$state" -name 'audit.jsonl*' -exec gzip -cdf {} +; }

rotate -d
! grep -v '^ *#' "$work/logrotate.conf" | grep -q copytruncate || fail "copytruncate loses lines"

# Requests go on until there were as many rotations as wanted, and a few a millisecond are enough.
load() {
    until [ -e "$work/enough" ]; do
        curl -sS -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' \
            -d '{"model":"echo:latest","messages":[{"role":"user","content":"Repeat exactly: it works"}]}' \
            "$adapter/v1/chat/completions?number=[1-100]" >>"$work/$1.codes" || return
        sleep 0.05
    done
}
load first &
first=$!
load second &
second=$!
pids+=("$first" "$second")
rotations=28 # so few that nothing is removed yet
for ((i = 0; i < rotations; i++)); do
    rotate -f
    sleep 0.1
done
touch "$work/enough"
wait "$first" || fail "a request failed"
wait "$second" || fail "a request failed"
asked=$(cat "$work"/*.codes | wc -l)
answered=$(cat "$work"/*.codes | grep -c '^200$')
[ "$answered" = "$asked" ] || fail "$answered of $asked requests were answered"

# The record of an answer is written after its last byte.
settled() { [ "$(records | jq -r 'select(.endpoint == "/v1/chat/completions" and .status_code == 200) | .seq' | wc -l)" = "$answered" ]; }
eventually 10 settled || fail "not every request has its record"
records | jq .seq | sort -n >"$work/seqs"
seq "$(head -n 1 "$work/seqs")" "$(tail -n 1 "$work/seqs")" | cmp -s - "$work/seqs" || fail "sequence numbers are missing or doubled"
[ "$(head -n 1 "$work/seqs")" = 1 ] || fail "the first record is missing"
pass "$rotations rotations under load: $answered answers, and a record for each"

mkdir "$work/all"
for file in "$state"/audit.jsonl*; do gzip -cdf "$file" >"$work/all/$(basename "${file%.gz}")"; done
anchor=$(STATE_DIR="$state" "$program" audit head)
STATE_DIR="$state" "$program" audit verify --anchor "$anchor" "$work/all"/* >"$work/verify.log" || fail "the audit chain is broken"
pass "the audit chain is whole over $(find "$work/all" -type f | wc -l) files"
# What is buffered comes within a second.
lines() { find "$state" -name 'access.log*' -exec gzip -cdf {} + | grep -c ' "POST /v1/chat/completions'; }
has_every_line() { [ "$(lines)" = "$answered" ]; }
eventually 5 has_every_line || fail "the access log has $(lines) lines of $answered"
pass "the access log has every line, too"

# Files are their owner's alone, and the server writes to the new one.
[ -z "$(find "$state" -name '*.jsonl*' -perm /077; find "$state" -name '*.log*' -perm /077)" ] || fail "others can read a rotated file"
curl -sS -o /dev/null "$adapter/api/tags"
eventually 5 test -s "$state/audit.jsonl" || fail "the server writes to the old file"
pass "files are private, and the new one is in use"

# Only so many are kept: 90 of the audit log, 30 of the others. What is left is still one chain.
for ((i = rotations; i < 93; i++)); do
    curl -sS -o /dev/null "$adapter/api/tags"
    eventually 5 test -s "$state/audit.jsonl" || fail "a record does not come"
    # That log comes a second late; three rotations more are enough.
    [ $i -gt $((rotations + 3)) ] || eventually 5 test -s "$state/access.log" || fail "a line of the access log does not come"
    rotate -f
done
kept() { find "$state" -name "$1.*" ! -name '*.head' | wc -l; }
[ "$(kept audit.jsonl)" = 90 ] || fail "$(kept audit.jsonl) rotated audit logs are kept"
[ "$(kept access.log)" = 30 ] || fail "$(kept access.log) rotated access logs are kept"
STATE_DIR="$state" "$program" audit verify >"$work/verify.log" || fail "what is kept is not one chain"
pass "90 audit logs are kept and 30 others"
