#!/usr/bin/env bash
# The commands of docs/deployment.md, in a machine whose first process is systemd: installed, started, reloaded, killed,
# scanned, misconfigured, stopped. The machine lives in namespaces; what it changes is forgotten.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
wants unshare util-linux
wants ip iproute2
wants logrotate logrotate
wants curl curl
wants jq jq
wants prometheus prometheus
wants prometheus-alertmanager prometheus-alertmanager
[ -x /lib/systemd/systemd ] || skip "systemd is not here (Debian package systemd)"
[ "$(id -u)" = 0 ] || skip "starting a machine needs root"
mkdir "$work/base"
namespaces=(--mount --pid --net --uts --ipc --cgroup --fork --kill-child)
unshare "${namespaces[@]}" bash -euc "cd '$work/base'; mount --make-rprivate /; mount -t tmpfs tmpfs .; cd '$work/base'; mkdir a b c
    mount -t overlay -o lowerdir=/,upperdir=a,workdir=b overlay c; mount -t cgroup2 cgroup2 a" >"$work/try.log" 2>&1 ||
    skip "no namespaces with mounts of their own here: $(head -n 1 "$work/try.log")"

page=$root/docs/deployment.md
service="mcp-local-provider.service"
state=/var/lib/mcp-local-provider

# The machine has a cgroup of its own, and dies with this test.
group=mcp-local-provider-test-$$
in_cgroups() { unshare --mount bash -euc "mount --make-rprivate /; mount -t cgroup2 cgroup2 /mnt; cd /mnt; $1"; }
at_end() {
    kill -9 "$keeper"
    { wait "$keeper"; } 2>/dev/null
    eventually 5 in_cgroups "find $group -depth -type d -exec rmdir {} +"
}
setpriv --pdeathsig KILL unshare --mount bash -euc "mount --make-rprivate /; mount -t cgroup2 cgroup2 /mnt
    mkdir /mnt/$group; echo \$\$ >/mnt/$group/cgroup.procs; umount /mnt
    exec unshare ${namespaces[*]} ./machine.sh '$work/base' '$root' '$program'" >"$work/machine.log" 2>&1 &
keeper=$!
init_of() { pgrep -P "$keeper" | head -n 1; }
has_systemd() { [ "$(cat "/proc/$(init_of)/comm")" = systemd ]; }
eventually 60 has_systemd || fail "the machine does not start: $(cat "/proc/$(init_of)/comm" "$work/machine.log" 2>&1)"
init=$(init_of)

# inside COMMAND...: runs it in the machine, in the checkout.
inside() {
    nsenter --target "$init" --mount --pid --net --uts --ipc --cgroup sh -c 'cd /srv/checkout && exec "$@"' sh "$@"
}
mcp=$(block mcp "$page")
# page NAME: runs the commands of the page that have this name.
page() { inside bash -euo pipefail -c "$mcp"$'\n'"$(block "$1" "$page")"; }
show() { inside systemctl show --property "$1" --value "${2:-$service}"; }
is() { [ "$(show "$1" "${3:-$service}")" = "$2" ]; }
healthy() { inside mcp-local-provider health --url "http://127.0.0.1:$1" >/dev/null; }
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }

answers() { inside systemctl show --property Version; }
eventually 30 answers || fail "systemd does not answer: $(answers 2>&1)"
pass "systemd is the first process of a machine"

page install >"$work/install.log" 2>&1 || fail "the commands that install"
page start >"$work/start.log" 2>&1 || fail "the commands that start"
eventually 20 healthy 11434 || fail "the service is not healthy: $(inside journalctl --unit $service --no-pager)"
page look >"$work/look.log" 2>&1 || fail "the commands that look"
grep -q '^active$' "$work/look.log" || fail "the scan says nothing"
scan_says() { inside journalctl --unit mcp-local-provider-scan.service --no-pager | grep "$1"; }
eventually 10 scan_says ' 0 high' || fail "the scan says nothing"
! scan_says 'not looked at' || fail "the scan does not see everything"
inside test -s $state/scan.json || fail "the scan leaves no result"
is ActiveState active mcp-local-provider-scan.timer || fail "the timer does not wait"
pass "installed, started, healthy, scanned"

main=$(show MainPID)
# The machine's process as this one sees it.
for pid in $(pgrep -x mcp-local-provi); do
    [ "$(sed -n 's/^NSpid:.*[[:space:]]//p' "/proc/$pid/status")" != "$main" ] ||
        [ "$(readlink "/proc/$pid/ns/pid")" != "$(readlink "/proc/$init/ns/pid")" ] || break
done
[ "$(status_of "$pid" Uid | cut -f1)" != 0 ] || fail "it runs as root"
[ "$(status_of "$pid" CapEff)" = 0000000000000000 ] || fail "it has capabilities"
[ "$(status_of "$pid" CapBnd)" = 0000000000000000 ] || fail "it has capabilities"
[ "$(status_of "$pid" NoNewPrivs)" = 1 ] || fail "its system calls are not filtered"
[ "$(status_of "$pid" Seccomp)" = 2 ] || fail "its system calls are not filtered"
grep -q '^Max core file size *0 *0 ' "/proc/$pid/limits" || fail "it may leave a core dump"
grep -q '^Max open files *16384 *16384 ' "/proc/$pid/limits" || fail "it could not raise its limit of descriptors"
grep -qE ' / / ro[, ]' "/proc/$pid/mountinfo" || fail "it can write to the root"
[ "$(inside stat -c '%a %U' $state)" = "700 mcp-local-provider" ] || fail "its state is not its own"
pass "not root, no capability, filtered system calls, read-only root, no core dump"

token=$(page token 2>/dev/null) || fail "the commands that make a token"
ask() { inside curl -sS -H 'Content-Type: application/json' "$@" -d '{"model":"echo:latest","messages":[{"role":"user","content":"Repeat exactly: it works"}]}' http://127.0.0.1:11434/v1/chat/completions; }
knows() { ask -H "Authorization: Bearer $token" | grep -q '"content":"it works"'; }
eventually 5 knows || fail "no answer with a token: $(ask -H "Authorization: Bearer $token")"
! grep -q '"content":"it works"' <<<"$(ask)" || fail "root is no local user of the service, and needs a token"
pass "answers whom it knows, and nobody else"

# Rotation is a reload: the same process, a new file.
inode() { inside stat -c %i $state/audit.jsonl; }
before=$(inode)
page rotate >"$work/rotate.log" 2>&1 || fail "the commands that rotate"
inside curl -sS -o /dev/null http://127.0.0.1:11434/api/tags
has_new_file() { [ "$(inode)" != "$before" ] && inside test -s $state/audit.jsonl; }
eventually 5 has_new_file || fail "rotation is not followed"
inside mv $state/audit.jsonl $state/audit.jsonl.0
inside systemctl reload $service || fail "reload"
reopened() { inside curl -sS -o /dev/null http://127.0.0.1:11434/api/tags && inside test -s $state/audit.jsonl; }
eventually 5 reopened || fail "a reload does not reopen the log"
[ "$(show MainPID)" = "$main" ] || fail "a reload started it anew"
pass "rotation and reload keep the process"

inside kill -9 "$main"
restarted() { [ "$(show MainPID)" != "$main" ] && [ "$(show MainPID)" != 0 ] && healthy 11434; }
eventually 20 restarted || fail "it does not come back after kill -9"
is NRestarts 1 || fail "it was restarted $(show NRestarts) times"
inside bash -c "$mcp; mcp audit verify" >"$work/verify.log" ||
    fail "the audit chain is broken by kill -9"
pass "comes back after kill -9, its audit chain whole"

inside sh -c "umask 077; head -c 32 /dev/urandom | base64 | tr -d '/+=\n' >/etc/mcp-local-provider/webhook.key"
page secret 2>&1 || fail "the commands for a secret"
eventually 20 healthy 11434 || fail "it does not start with a credential: $(inside journalctl --unit $service --no-pager --lines 12)"
secret=$(inside cat /etc/mcp-local-provider/webhook.key)
! inside sh -c "tr '\0' '\n' </proc/$(show MainPID)/environ" | grep -qF "$secret" || fail "the secret is in the environment"
inside sh -c "tr '\0' '\n' </proc/$(show MainPID)/environ" | grep -q '^ALERT_WEBHOOK_KEY=file:/run/credentials/' || fail "the credential is not used"
inside rm /etc/mcp-local-provider/webhook.key
inside systemctl restart $service || true
eventually 10 is ExecMainStatus 243 || fail "it starts without its secret"
inside systemctl stop $service
inside rm -r /etc/systemd/system/$service.d
inside systemctl daemon-reload
inside systemctl reset-failed $service
inside systemctl start $service
eventually 20 healthy 11434 || fail "it does not start again"
pass "a secret comes as a credential, and never in the environment"

# A finding of the scan fails its unit.
inside chmod 644 $state/audit.key
refuses inside systemctl start mcp-local-provider-scan.service
eventually 10 scan_says files.secret || fail "the scan does not say why"
inside chmod 600 $state/audit.key
pass "the scan fails on a finding"

# What does not mend itself is not tried again.
inside systemctl stop $service
is Result success || fail "it does not stop well: $(show Result), $(show ExecMainStatus)"
is ExecMainStatus 0 || fail "it does not stop well: $(show Result), $(show ExecMainStatus)"
inside sh -c 'echo ADAPTER_PORT=none >>/etc/mcp-local-provider/env'
inside systemctl start $service
failed() { is ActiveState failed && is ExecMainStatus 78; }
eventually 10 failed || fail "a wrong configuration is not told: $(show ActiveState), $(show ExecMainStatus)"
inside sed -i '/^ADAPTER_PORT=none$/d' /etc/mcp-local-provider/env
inside systemctl reset-failed $service
pass "stops well; a wrong configuration fails at once"

inside systemctl start $service
eventually 20 healthy 11434 || fail "it does not start again"
page apart >"$work/apart.log" 2>&1 || fail "the commands that run adapter and bridge apart"
eventually 20 healthy 11434 || fail "adapter or bridge is not healthy"
eventually 20 healthy 8787 || fail "adapter or bridge is not healthy"
is ActiveState inactive || fail "the service runs beside adapter and bridge"
eventually 5 knows || fail "the adapter does not answer"
inside systemctl reload mcp-local-provider-adapter.service mcp-local-provider-bridge.service || fail "reload of the parts"
page rotate >"$work/rotate.log" 2>&1 || fail "the parts' logs do not rotate"
pass "adapter and bridge run apart"

page monitoring >"$work/monitoring.log" 2>&1 || fail "the commands that start monitoring"
sees_both() { [ "$(inside curl -sS --get --data-urlencode 'query=sum(up{job="mcp-local-provider"})' http://127.0.0.1:9090/api/v1/query | jq -r '.data.result[0].value[1]')" = 2 ]; }
eventually 40 sees_both || fail "Prometheus does not see adapter and bridge"
eventually 20 inside curl -sSf http://127.0.0.1:9093/-/ready || fail "Alertmanager is not ready"
# Nothing of the whole stack listens where others could reach it, over TCP or UDP.
heard=$(inside ss -Hltun)
[ "$(grep -cE ' (127\.0\.0\.1|\[::1\]):(11434|8787|9090|9093) ' <<<"$heard")" -ge 4 ] || fail "not all listen: $heard"
! grep -vE ' (127\.0\.0\.1|\[::1\]):[0-9]+ ' <<<"$heard" || fail "a listener beyond loopback"
pass "Prometheus and Alertmanager run beside it, all on loopback alone"

# The firewalls are tried between two machines by firewall_test.sh; here, that the commands bring them there.
if [ -x /usr/sbin/nft ]; then
    page nftables >"$work/nftables.log" 2>&1 || fail "the commands for nftables"
    is ActiveState active nftables.service || fail "the rules are not loaded when the machine starts"
    grep -q '11434' "$work/nftables.log" || fail "the rules are not loaded"
    pass "nftables has the rules"
fi
if [ -x /usr/sbin/ufw ]; then
    page ufw >"$work/ufw.log" 2>&1 || fail "the commands for ufw"
    # The rules of IPv4, then those of IPv6, as they are tried.
    for file in user.rules user6.rules; do
        for port in 11434 8787 9090 9093; do
            order=$(inside sed -nE "s/^### tuple ### (allow|deny) tcp $port .*/\\1/p" /etc/ufw/$file | xargs)
            [ "$order" = "allow deny" ] || fail "ufw's rules for $port in $file are: $order"
        done
    done
    pass "ufw has the rules, in their order"
fi

# Every command of the runbooks, once.
inside systemctl stop mcp-local-provider-adapter.service mcp-local-provider-bridge.service
inside systemctl start $service
eventually 20 healthy 11434 || fail "it does not start again"
for runbook in "$root"/docs/runbooks/*.md; do
    commands=$(awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$runbook")
    [ -n "$commands" ] || fail "$(basename "$runbook") has no commands"
    inside bash -euo pipefail -c "$mcp"$'\n'"$commands" >"$work/runbook.log" 2>&1 || fail "the commands of $(basename "$runbook")"
    eventually 20 healthy 11434 || fail "$(basename "$runbook") leaves an ill service"
done
pass "every command of the runbooks runs"
