#!/usr/bin/env bash
# deploy/prometheus and deploy/alertmanager as promtool and amtool see them; every alert fires, stays silent just below, and
# ends; it has a page; the program exposes what it asks for.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
wants promtool prometheus
wants amtool prometheus-alertmanager
wants curl curl
wants jq jq

cd "$root/deploy"
check() { "$@" >"$work/check.log" 2>&1 || fail "$*"; }
check promtool check config --lint=all --lint-fatal prometheus/prometheus.yml
check amtool check-config alertmanager/alertmanager.yml
check promtool test rules prometheus/tests/*.yml
pass "promtool and amtool find nothing, the rules' tests pass"

start_server "$work/server"
# A policy counts from its first request on.
curl -sS -o /dev/null -H 'Content-Type: application/json' -d '{"model":"echo:latest","messages":[{"role":"user","content":"hello"}]}' \
    "$adapter/v1/chat/completions"
curl -sS "$adapter/metrics" >"$work/metrics"
said=$(promtool check metrics <"$work/metrics" 2>&1) || fail "promtool check metrics: $said"
[ -z "$said" ] || fail "promtool check metrics complains: $said"
pass "promtool finds nothing in /metrics"

rules=$(cat prometheus/rules/*.yml)
while read -r alert; do
    body=$(awk -v name="$alert" '$2 == "alert:" || $2 == "record:" || $2 == "name:" { on = $2 == "alert:" && $3 == name } on' <<<"$rules")
    for part in summary description runbook_url severity; do
        grep -qE "(^|[ {])$part: ." <<<"$body" || fail "$alert has no $part"
    done
    page=$(sed -n 's|^ *runbook_url: file:///usr/share/doc/mcp-local-provider/||p' <<<"$body")
    [ -f "$root/docs/$page" ] || fail "$alert: there is no $page"
    grep '^# ' "$root/docs/$page" | grep -qw "$alert" || fail "$page does not name $alert"
    # One time at which it fires, and one at which it does not.
    times=$(grep -h -A 1 "alertname: $alert\$" prometheus/tests/*.yml)
    grep -q 'exp_alerts: \[\]' <<<"$times" || [ "$alert" = Watchdog ] || fail "$alert has no test in which it is silent"
    grep -q 'exp_alerts:$' <<<"$times" || fail "$alert has no test in which it fires"
done < <(sed -n 's/^ *- alert: //p' <<<"$rules")
pass "every alert has its page and its tests"

# What a rule asks for is there, by the name of the metric and that of the policy.
while read -r metric; do
    grep -q "^${metric}[{ ]" "$work/metrics" || fail "no metric $metric is exposed"
done < <(grep -vE 'record:|part:' <<<"$rules" | grep -oE '\b(http|gen_ai|policy)_[a-z_]+' | sort -u)
while read -r policy; do
    grep -qF "policy_decisions_total{$policy,decision=\"refused\"}" "$work/metrics" || fail "no policy counts as $policy"
done < <(grep -oE 'policy="[a-z_]+"' <<<"$rules" | sort -u)
for cause in failed timed_out; do
    grep -qF "http_server_exchanges_ended_total{cause=\"$cause\"}" "$work/metrics" || fail "no exchange ends as $cause"
done
pass "every metric of the rules is exposed"
