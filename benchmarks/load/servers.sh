# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from the other two parts and run.sh
# Starts and stops the servers that ./dev bench compares. Sourced by run.sh, which sets `program`, `tools`, `scratch`
# and `port_base`.

pids=()
mock_port=$port_base
static_port=$((port_base + 1))
proxy_port=$((port_base + 2))
echo_port=$((port_base + 3))
openai_port=$((port_base + 4))
portkey_port=$((port_base + 5))
mcp_port=$((port_base + 6))
mcp_sdk_port=$((port_base + 7))
mcp_bare_port=$((port_base + 8))
acp_port=$((port_base + 9))
bridge_port=$((port_base + 10))
linked_port=$((port_base + 11))

# Ends a process that we started, and waits for it.
stop() {
    local pid=$1 kept=() one
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    for one in "${pids[@]}"; do [ "$one" = "$pid" ] || kept+=("$one"); done
    pids=("${kept[@]}")
}

stop_all() {
    local pid
    for pid in "${pids[@]}"; do stop "$pid"; done
}

# wait_for_port PORT PID WHAT
wait_for_port() {
    for _ in $(seq 200); do
        if (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
        kill -0 "$2" 2>/dev/null || break
        sleep 0.05
    done
    echo "bench: $3 did not come up on port $1:" >&2
    tail -n 20 "$scratch/$3.log" >&2
    return 1
}

# start NAME PORT COMMAND...: in the background; its process id is in `started`.
start() {
    local name=$1 port=$2
    shift 2
    if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        echo "bench: port $port is taken; BENCH_PORT_BASE chooses others" >&2
        return 1
    fi
    "$@" >"$scratch/$name.log" 2>&1 </dev/null &
    started=$!
    pids+=("$started")
    wait_for_port "$port" "$started" "$name"
}

start_mock() {
    start mock "$mock_port" "$tools/load_mock_upstream" --port "$mock_port"
    mock_pid=$started
}

# start_nginx [LOG-OPTIONS]
start_nginx() {
    local answer
    answer=$(printf 'A sentence of the answer. %.0s' {1..20})
    sed -e "s|@SCRATCH@|$scratch|g; s|@KEY@|$key|g; s|@MOCK_PORT@|$mock_port|g; s|@STATIC_PORT@|$static_port|g" \
        -e "s|@PROXY_PORT@|$proxy_port|g; s|@LOG_OPTIONS@|${1-}|g; s|@ANSWER@|$answer|g" \
        "$load/nginx.conf.in" >"$scratch/nginx.conf"
    if [ "$(id -u)" = 0 ]; then sed -i '1i user root;' "$scratch/nginx.conf"; fi
    start nginx "$proxy_port" "$nginx" -p "$scratch" -c "$scratch/nginx.conf" -e stderr
    nginx_pid=$started
}

# provider_environment AGENT PORT: the settings under which the program is measured.
provider_environment() {
    cat <<TEXT
ADAPTER_HOST=127.0.0.1
ADAPTER_PORT=$2
BRIDGE_PORT=0
ADAPTER_WORKERS=1
AGENT=$1
AGENT_OPENAI_URL=http://127.0.0.1:$mock_port/v1
AGENT_COMMAND=$tools/load_mock_agent
STATE_DIR=$scratch/state-$1
LOCAL_USERS=none
MAX_REQUESTS_PER_SESSION=1000000000
MAX_CONCURRENT_REQUESTS=100000
SESSION_TTL_SECONDS=3600
REQUEST_TIMEOUT_SECONDS=60
ENABLE_RATE_LIMITING=true
ENABLE_METRICS=true
AUDIT_MODE=fast
TEXT
}

# provider AGENT ARGUMENT...: our program under those settings, and under nothing of the environment. It takes the place of
# the shell, so it is called in one of its own.
provider() {
    local agent=$1
    shift
    cd "$scratch" || return
    exec env -i PATH="$PATH" HOME="$scratch" "$program" --env-file "$scratch/$agent.env" \
        --security-file "$load/security.yaml" "$@"
}

# start_provider AGENT PORT
start_provider() {
    provider_environment "$1" "$2" >"$scratch/$1.env"
    start "provider-$1" "$2" provider "$1" serve
    provider_pid=$started
}

# Our program with the openai agent, adapter and bridge apart. Sets `bridge_pid` and `adapter_pid`.
start_linked() {
    [ -e "$scratch/state-link" ] || cp -a "$scratch/state-echo/." "$scratch/state-link/"
    {
        provider_environment openai "$linked_port" |
            sed -e "s|^STATE_DIR=.*|STATE_DIR=$scratch/state-link|" -e "s|^BRIDGE_PORT=.*|BRIDGE_PORT=$bridge_port|"
        echo "MCP_BRIDGE_URL=ws://127.0.0.1:$bridge_port"
        echo "MCP_BRIDGE_TOKEN=$link_token"
    } >"$scratch/link.env"
    start bridge "$bridge_port" provider link bridge
    bridge_pid=$started
    start adapter "$linked_port" provider link adapter
    adapter_pid=$started
    for _ in $(seq 100); do
        if (provider link health >/dev/null 2>&1); then return; fi
        sleep 0.05
    done
    echo "bench: adapter and bridge did not link" >&2
    return 1
}

# Makes the token that all requests carry; nginx compares with it, too.
make_key() {
    (umask 077 && mkdir "$scratch/state-openai")
    provider_environment echo "$echo_port" >"$scratch/echo.env"
    key=$(provider echo token create --label bench 2>/dev/null)
    link_token=$(head -c 32 /dev/urandom | base64 | tr -d '+/=')
    # Both agents are asked with the same token.
    cp -a "$scratch/state-echo/." "$scratch/state-openai/"
}

# Installs the packages from npm, where that has not been done for this lock file.
need_npm_packages() {
    local installed=$load/node/node_modules/.package-lock.json
    if [ ! "$installed" -nt "$load/node/package-lock.json" ]; then
        say "npm ci in benchmarks/load/node"
        (cd "$load/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    fi
}

start_portkey() {
    need_npm_packages
    start portkey "$portkey_port" env NODE_ENV=production "TRUSTED_CUSTOM_HOSTS=127.0.0.1,localhost" \
        node --import "file://$load/node/loopback.mjs" "$load/node/node_modules/@portkey-ai/gateway/build/start-server.js" \
        --port="$portkey_port" --headless
    portkey_pid=$started
}

start_mcp() {
    start mcp "$mcp_port" "$tools/load_mcp_server" "$mcp_port"
    mcp_pid=$started
}

# start_mcp_peer sdk|bare: sets `peer_pid`.
start_mcp_peer() {
    need_npm_packages
    case $1 in
    sdk) start mcp-sdk "$mcp_sdk_port" env NODE_ENV=production node "$load/node/mcp_sdk_server.mjs" "$mcp_sdk_port" ;;
    bare) start mcp-bare "$mcp_bare_port" env NODE_ENV=production node "$load/node/bare_http_server.mjs" "$mcp_bare_port" ;;
    esac
    peer_pid=$started
}

portkey_version() { sed -n 's/.*"@portkey-ai\/gateway": "\(.*\)".*/\1/p' "$load/node/package.json"; }
mcp_sdk_version() { sed -n 's/.*"@modelcontextprotocol\/server": "\(.*\)".*/\1/p' "$load/node/package.json"; }
