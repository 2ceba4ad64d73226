#!/usr/bin/env bash
# An alert all the way: the program under load, Prometheus that scrapes it, a rule that fires, Alertmanager that tells a
# webhook, and the end of it. As shipped, but for times: minutes are seconds here.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
wants prometheus prometheus
wants prometheus-alertmanager prometheus-alertmanager
wants curl curl
wants jq jq
wants node nodejs
wants ip iproute2

# The ports are those of the shipped files, so the test has a network of its own.
if [ "${MCP_PROVIDER_OWN_NETWORK-}" != yes ]; then
    unshare --map-root-user --net true 2>/dev/null || skip "no network namespaces here"
    MCP_PROVIDER_OWN_NETWORK=yes unshare --map-root-user --net "$self" "$program"
    exit
fi
ip link set lo up

etc=$work/etc
mkdir -p "$etc/rules" "$work/prometheus" "$work/alertmanager"
sed -E 's/^( *(scrape|evaluation)_interval): .*/\1: 1s/' "$root/deploy/prometheus/prometheus.yml" >"$etc/prometheus.yml"
sed -E 's/^( *for): .*/\1: 1s/' "$root"/deploy/prometheus/rules/*.yml >"$etc/rules/rules.yml"
sed -E 's/^( *group_wait): .*/\1: 0s/; s/^( *group_interval): .*/\1: 1s/; s/^( *repeat_interval): .*/\1: 3s/' \
    "$root/deploy/alertmanager/alertmanager.yml" >"$etc/alertmanager.yml"

# start NAME PROGRAM DEFAULTS OPTION...: as Debian's unit starts it, with the arguments of /etc/default.
start() {
    local name=$1 command=$2 defaults=$3 arguments
    shift 3
    arguments=$(sed -n 's/^ARGS="\(.*\)"$/\1/p' "$defaults" | sed "s|/etc/prometheus|$etc|g")
    # shellcheck disable=SC2086 # words
    "$command" $arguments "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
}
node webhook.mjs 9099 "$work/told" >"$work/webhook.log" 2>&1 &
pids+=($!)
touch "$work/told"
start alertmanager prometheus-alertmanager "$root/deploy/alertmanager/default" --storage.path="$work/alertmanager"
start prometheus prometheus "$root/deploy/prometheus/default" --storage.tsdb.path="$work/prometheus" \
    --rules.alert.resend-delay=1s
start_server "$work/server" ADAPTER_PORT=11434 BRIDGE_PORT=8787

query() { curl -sS --get --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query | jq -r '.data.result[0].value[1]'; }
is_query() { [ "$(query "$1")" = "$2" ]; }
# told PATH ALERT STATUS: whether the webhook was told of it.
told() { grep -qxF "$2 $3" <<<"$(sed -n "s|^$1 ||p" "$work/told" | jq -r '.alerts[] | "\(.labels.alertname) \(.status)"')"; }

eventually 30 is_query 'sum(up{job="mcp-local-provider"})' 2 || fail "Prometheus does not see adapter and bridge"
eventually 20 told /dead-man Watchdog firing || fail "the dead man's switch is not heard"
pass "adapter and bridge are scraped, Watchdog is heard"

# A page of somebody else calls: refused, counted, told.
for _ in {1..30}; do
    curl -sS -o /dev/null -H 'Host: evil.example' "$adapter/api/tags"
    sleep 0.1
done
eventually 30 told /alerts ForeignOrigin firing || fail "ForeignOrigin does not reach the webhook"
pass "requests under a foreign Host make ForeignOrigin reach the webhook"

# The server dies: the alert on it comes, and what it explains is held back. It comes back: so does the all-clear.
kill -9 "$server_pid"
{ wait "$server_pid" || true; } 2>/dev/null
eventually 30 told /alerts AdapterDown firing || fail "AdapterDown does not reach the webhook"
eventually 30 told /alerts BridgeDown firing || fail "BridgeDown does not reach the webhook"
inhibited() {
    curl -sS http://127.0.0.1:9093/api/v2/alerts |
        jq -e --arg alert "$1" --arg part "$2" 'any(.[]; .labels.alertname == $alert and .labels.part == $part and .status.inhibitedBy != [])' >/dev/null
}
eventually 20 inhibited ForeignOrigin adapter || fail "AdapterDown does not hold back what it explains"
curl -sS -o /dev/null -H 'Content-Type: application/json' http://127.0.0.1:9093/api/v2/alerts -d '[
    {"labels": {"alertname": "ErrorBudgetFast", "part": "one", "severity": "critical"}},
    {"labels": {"alertname": "ErrorRate", "part": "one", "severity": "warning"}},
    {"labels": {"alertname": "ErrorRate", "part": "another", "severity": "warning"}}]'
eventually 20 inhibited ErrorRate one || fail "ErrorBudgetFast does not hold ErrorRate back"
eventually 20 told /alerts ErrorRate firing || fail "ErrorRate of another part is held back, too"
pass "AdapterDown and BridgeDown reach the webhook, and hold back what they explain"

start_server "$work/server" ADAPTER_PORT=11434 BRIDGE_PORT=8787
eventually 40 told /alerts AdapterDown resolved || fail "the end of AdapterDown does not reach the webhook"
eventually 40 told /alerts BridgeDown resolved || fail "the end of BridgeDown does not reach the webhook"
pass "their end reaches it, too"

heard=$(ss -Hltun)
for port in 11434 8787 9090 9093; do
    grep -q " 127\.0\.0\.1:$port " <<<"$heard" || fail "nothing listens on 127.0.0.1:$port"
done
! grep -vE ' (127\.0\.0\.1|\[::1\]):[0-9]+ ' <<<"$heard" || fail "a listener beyond loopback"
pass "nothing listens beyond loopback"
