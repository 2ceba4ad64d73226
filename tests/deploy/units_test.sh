#!/usr/bin/env bash
# The units of deploy/systemd as systemd-analyze sees them; nothing is started.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
wants systemd-analyze systemd

# The exposure that is allowed, in tenths.
threshold=11

# The program is not installed where the units say, so it is said to be where it is.
mkdir "$work/units"
for unit in "$root"/deploy/systemd/*.{service,timer}; do
    sed "s|/usr/bin/mcp-local-provider|$program|" "$unit" >"$work/units/$(basename "$unit")"
done
said=$(systemd-analyze verify "$work"/units/* 2>&1) || fail "systemd-analyze verify: $said"
[ -z "$said" ] || fail "systemd-analyze verify complains: $said"
pass "systemd-analyze verify finds nothing"

exposure() { systemd-analyze security --offline=true --threshold="$1" --no-pager "$2"; }
for unit in "$root"/deploy/systemd/*.service; do
    name=$(basename "$unit")
    exposure $threshold "$unit" >"$work/exposure.log" || fail "$name is exposed: $(tail -n 1 "$work/exposure.log")"
    ! grep -E '^Exec[A-Za-z]*=[@:-]*[+!]' "$unit" || fail "$name runs a command as root"
    for line in User=mcp-local-provider Group=mcp-local-provider LimitCORE=0 StateDirectory=mcp-local-provider UMask=0077; do
        grep -qxF "$line" "$unit" || fail "$name lacks $line"
    done
    ! grep -iE '^Environment=.*(TOKEN|KEY|SECRET|PASSWORD)' "$unit" || fail "$name holds a secret"
    pass "$(tail -n 1 "$work/exposure.log" | sed 's/^[^A-Za-z]*//')"
done

# The measure itself is measured: a unit without one of the protections is told apart.
sed '/^NoNewPrivileges=/d; /^ProtectSystem=/d' "$root/deploy/systemd/mcp-local-provider.service" >"$work/weak.service"
refuses exposure $threshold "$work/weak.service"

systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$root/deploy/systemd/mcp-local-provider-scan.timer")" >/dev/null ||
    fail "systemd does not understand the time of the scan"
pass "the timer's time is one"
