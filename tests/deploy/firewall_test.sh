#!/usr/bin/env bash
# deploy/nftables between two machines: network namespaces that a pair of veth joins, over IPv4 and IPv6.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
wants nft nftables
wants ip iproute2
wants node nodejs

if [ "${MCP_PROVIDER_OWN_NETWORK-}" != yes ]; then
    unshare --map-root-user --net --mount true 2>/dev/null || skip "no network namespaces here"
    MCP_PROVIDER_OWN_NETWORK=yes unshare --map-root-user --net --mount "$self" "$program"
    exit
fi
rules=$root/deploy/nftables/mcp-local-provider.nft
nft list ruleset >/dev/null 2>&1 || skip "this kernel has no nftables"
nft -c -f "$rules" || fail "nft -c finds a mistake"

# The other machine is a process that keeps its network; this one has 192.0.2.1 and 2001:db8::1.
unshare --net sleep 250 &
pids+=($!)
other=$!
other_is_there() { [ "$(readlink "/proc/$other/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
eventually 5 other_is_there || fail "no second network"
there() { nsenter --target "$other" --net "$@"; }
ip link set lo up
ip link add here type veth peer name there netns "$other" || skip "this kernel has no veth"
ip address add 192.0.2.1/24 dev here
ip address add 2001:db8::1/64 dev here nodad
ip link set here up
there ip address add 192.0.2.2/24 dev there
there ip address add 2001:db8::2/64 dev there nodad
there ip link set there up

# Misconfigured on purpose: everything listens on every address.
ports=(11434 8787 9090 9093)
open=22022 # a port that is no business of ours
node -e 'for (const port of process.argv.slice(1)) require("net").createServer((peer) => peer.end()).listen(Number(port), "::");' \
    "${ports[@]}" "$open" &
pids+=($!)

# reaches ADDRESS PORT: whether a connection is made within a second.
reaches() {
    node -e 'const [host, port] = process.argv.slice(1); const peer = require("net").connect({ host, port: Number(port) });
        peer.on("connect", () => process.exit(0)).on("error", () => process.exit(1)); setTimeout(() => process.exit(1), 1000);' "$1" "$2"
}
reaches_from_there() { there bash -c "$(declare -f reaches); reaches $1 $2"; }
everything() { for port in "${ports[@]}" "$open"; do reaches_from_there 192.0.2.1 "$port" && reaches_from_there 2001:db8::1 "$port" || return 1; done; }
eventually 10 everything || fail "the other machine does not reach this one without a firewall either"
pass "without the rules the other machine reaches every port"

# expect_closed WHAT: ours are closed to the other machine and open to this one; what is not ours is as it was.
expect_closed() {
    local port address
    for port in "${ports[@]}"; do
        for address in 192.0.2.1 2001:db8::1; do
            ! reaches_from_there $address "$port" || fail "$1: the other machine reaches $address port $port"
        done
        for address in 127.0.0.1 ::1; do
            reaches $address "$port" || fail "$1: $address port $port is closed to this machine"
        done
    done
    reaches_from_there 192.0.2.1 $open || fail "$1: a port that is not ours is closed"
    reaches_from_there 2001:db8::1 $open || fail "$1: a port that is not ours is closed"
    pass "$1"
}
nft -f "$rules"
expect_closed "with the rules our ports are this machine's alone"

# Another table that accepts everything does not open them, and loading twice is loading once.
nft -f - <<'RULES'
table inet somebody_else {
    chain input { type filter hook input priority filter; policy accept; tcp dport 1-65535 accept; }
}
RULES
nft -f "$rules"
[ "$(nft list ruleset | grep -c '^table inet mcp_local_provider')" = 1 ] || fail "loaded twice, there are two tables"
expect_closed "so they are beside another table, and after loading again"
nft list table inet mcp_local_provider | grep -qE 'counter packets [1-9]' || fail "what is dropped is not counted"
