# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from the other two parts and run.sh
# The measurements of the table, a function a section. Sourced by run.sh. Servers take turns, each round with fresh
# processes, and the table has the medians, so that what else the machine does falls on both.

# settings NORMAL QUICK
pick() { if [ -n "$quick" ]; then printf '%s' "$2"; else printf '%s' "$1"; fi; }
rounds=$(pick 5 1)
seconds=$(pick 4 2)

micros() { calculate "$1 / 1000" %.1f; }

# ratio_row WHAT MUST AIM A B: of two costs in nanoseconds a request.
ratio_row() {
    table_row "$1" "$(calculate "$4 / $5" %.2f)" × "$2" "$3" "$(micros "$4") µs to $(micros "$5") µs"
}

measure_requests() {
    local ours=() theirs=() buffered=()
    for _ in $(seq "$rounds"); do
        start_nginx
        cost_of_requests "$nginx_pid" "$static_port" static 1
        cost_of_requests "$nginx_pid" "$static_port" static "$seconds"
        theirs+=("$cost")
        stop "$nginx_pid"

        start_provider echo "$echo_port"
        cost_of_requests "$provider_pid" "$echo_port" echo:latest 1
        cost_of_requests "$provider_pid" "$echo_port" echo:latest "$seconds"
        ours+=("$cost")
        stop "$provider_pid"

        start_nginx 'buffer=64k flush=1s'
        cost_of_requests "$nginx_pid" "$static_port" static "$seconds"
        buffered+=("$cost")
        stop "$nginx_pid"
    done
    local a
    a=$(median_of "${ours[@]}")
    ratio_row 'adapter, echo agent: CPU time a request, to nginx with a static answer' 1.5 1.0 "$a" "$(median_of "${theirs[@]}")"
    ratio_row 'the same, to nginx that writes its log 64 KiB at a time' '' 1.5 "$a" "$(median_of "${buffered[@]}")"
}

measure_proxy() {
    local ours=() theirs=() peers=() peer_headers
    start_mock
    for _ in $(seq "$rounds"); do
        start_nginx
        cost_of_requests "$nginx_pid" "$proxy_port" mock 1
        cost_of_requests "$nginx_pid" "$proxy_port" mock "$seconds"
        theirs+=("$cost")
        stop "$nginx_pid"

        start_provider openai "$openai_port"
        cost_of_requests "$provider_pid" "$openai_port" mock 1
        cost_of_requests "$provider_pid" "$openai_port" mock "$seconds"
        ours+=("$cost")
        stop "$provider_pid"
    done
    local a
    a=$(median_of "${ours[@]}")
    ratio_row 'openai agent: CPU time a request, to nginx proxy_pass' 1.2 1.0 "$a" "$(median_of "${theirs[@]}")"

    peer_headers="x-portkey-provider: openai|x-portkey-custom-host: http://127.0.0.1:$mock_port/v1"
    start_portkey
    for _ in $(seq "$(pick 3 1)"); do
        cost_of_requests "$portkey_pid" "$portkey_port" mock "$seconds" "$peer_headers"
        cost_of_requests "$portkey_pid" "$portkey_port" mock "$seconds" "$peer_headers"
        peers+=("$cost")
    done
    local b
    b=$(median_of "${peers[@]}")
    table_row "@portkey-ai/gateway $(portkey_version): CPU time a request, to the openai agent" "$(calculate "$b / $a" %.0f)" × '>25' '' \
        "$(micros "$b") µs to $(micros "$a") µs"
}

measure_first_token() {
    local said round direct nginx_added our_added direct_p90 nginx_added_p90 our_added_p90
    local ours_median=() nginx_median=() ours_p90=() nginx_p90=()
    start_mock
    start_nginx
    start_provider openai "$openai_port"
    for round in $(seq "$(pick 5 1)"); do
        said=$("$tools/load_first_token" --model mock --key "$key" --requests "$(pick 800 400)" \
            --target "direct=$mock_port" --target "nginx=$proxy_port" --target "ours=$openai_port")
        [ "$round" != 1 ] || printf '    %s\n' "${said//$'\n'/; }" >&2
        read -r direct direct_p90 < <(awk '$1 == "direct" { print $2, $3 }' <<<"$said")
        read -r nginx_added nginx_added_p90 < <(awk -v d="$direct" -v e="$direct_p90" '$1 == "nginx" && $5 == 0 { print $2 - d, $3 - e }' <<<"$said")
        read -r our_added our_added_p90 < <(awk -v d="$direct" -v e="$direct_p90" '$1 == "ours" && $5 == 0 { print $2 - d, $3 - e }' <<<"$said")
        nginx_median+=("$nginx_added")
        nginx_p90+=("$nginx_added_p90")
        ours_median+=("$our_added")
        ours_p90+=("$our_added_p90")
    done
    local a b
    a=$(median_of "${ours_median[@]}") b=$(median_of "${nginx_median[@]}")
    table_row 'first token: time added to the direct way, median, to nginx' "$(calculate "$a / $b" %.2f)" × 1.0 '' "$a µs to $b µs"
    a=$(median_of "${ours_p90[@]}") b=$(median_of "${nginx_p90[@]}")
    table_row 'the same, 90th percentile' "$(calculate "$a / $b" %.2f)" × '' 1.0 "$a µs to $b µs"
}

# streams_through PORT PID: sets `late`, `cost` (ns a token), `held` (bytes a stream, resident and proportional).
streams_through() {
    local said
    said=$("$tools/load_many_streams" --port "$1" --pid "$2" --key "$key" --model mock --streams 1000 --rate 20 --seconds "$(pick 10 3)")
    printf '    port %s: %s\n' "$1" "$said" >&2
    [ "$(value streams <<<"$said") $(value errors <<<"$said")" = '1000 0' ]
    late=$(value late_p99_us <<<"$said")
    cost=$(value cpu_ns_a_token <<<"$said")
    held="$(value rss_a_stream <<<"$said") $(value pss_a_stream <<<"$said")"
}

measure_streams() {
    local our_late=() our_cost=() our_held=() nginx_late=() nginx_cost=() nginx_held=()
    start_mock
    for _ in $(seq "$(pick 3 1)"); do
        start_nginx
        streams_through "$proxy_port" "$nginx_pid"
        nginx_late+=("$late") nginx_cost+=("$cost") nginx_held+=("${held%% *}")
        stop "$nginx_pid"

        start_provider openai "$openai_port"
        streams_through "$openai_port" "$provider_pid"
        our_late+=("$late") our_cost+=("$cost") our_held+=("${held%% *}")
        stop "$provider_pid"
    done
    local a b
    a=$(median_of "${our_late[@]}") b=$(median_of "${nginx_late[@]}")
    table_row '1,000 streams at 20 tokens/s: lateness of a token, p99, to nginx' "$(calculate "$a / $b" %.2f)" × 1.5 '' "$a µs to $b µs"
    ratio_row 'the same: CPU time a token' 1.2 '' "$(median_of "${our_cost[@]}")" "$(median_of "${nginx_cost[@]}")"
    a=$(median_of "${our_held[@]}") b=$(median_of "${nginx_held[@]}")
    table_row 'the same: resident memory a stream' "$(calculate "$a / 1024" %.1f)" KiB 20 '' "nginx $(calculate "$b / 1024" %.1f) KiB"
}

# From the agent's line on its standard output to the bytes on the client's socket.
measure_agents() {
    local said late=()
    cp -a "$scratch/state-echo" "$scratch/state-acp"
    for _ in $(seq "$(pick 3 1)"); do
        start_provider acp "$acp_port"
        said=$("$tools/load_many_streams" --port "$acp_port" --pid "$provider_pid" --key "$key" --model agent --streams 100 --rate 20 --seconds "$(pick 10 3)")
        stop "$provider_pid"
        printf '    %s\n' "$said" >&2
        [ "$(value streams <<<"$said") $(value errors <<<"$said")" = '100 0' ]
        late+=("$(value late_p99_us <<<"$said")")
    done
    table_row "100 streams of agents at 20 tokens/s: from the agent's line to the client, p99" "$(calculate "$(median_of "${late[@]}") / 1000" %.2f)" ms 1 '' \
        "median $(value late_p50_us <<<"$said") µs"
}

# Adapter and bridge apart, to both in one process: what the hop adds to the first token, and to the CPU time of a token.
measure_link() {
    local said added=() together=() apart=() one two
    start_mock
    for _ in $(seq "$(pick 5 1)"); do
        start_provider openai "$openai_port"
        start_linked
        said=$("$tools/load_first_token" --model mock --key "$key" --requests "$(pick 800 400)" \
            --target "serve=$openai_port" --target "link=$linked_port")
        printf '    %s\n' "${said//$'\n'/; }" >&2
        added+=("$(awk '$1 == "serve" { one = $2 } $1 == "link" && $5 == 0 { print $2 - one }' <<<"$said")")
        said=$("$tools/load_many_streams" --port "$openai_port" --pid "$provider_pid" --key "$key" --model mock \
            --streams "$(pick 1000 500)" --rate 20 --seconds "$(pick 6 3)")
        printf '    serve: %s\n' "$said" >&2
        together+=("$(value cpu_ns_a_token <<<"$said")")
        stop "$provider_pid"
        said=$("$tools/load_many_streams" --port "$linked_port" --pid "$adapter_pid" --pid "$bridge_pid" --key "$key" --model mock \
            --streams "$(pick 1000 500)" --rate 20 --seconds "$(pick 6 3)")
        printf '    link: %s\n' "$said" >&2
        apart+=("$(value cpu_ns_a_token <<<"$said")")
        stop "$adapter_pid"
        stop "$bridge_pid"
    done
    table_row 'the link: time added to the first token, median' "$(median_of "${added[@]}")" µs 60 '' 'adapter and bridge apart, to `serve`'
    one=$(median_of "${apart[@]}") two=$(median_of "${together[@]}")
    ratio_row 'the same: CPU time a token of 1,000 streams at 20 tokens/s, both processes' 1.15 '' "$one" "$two"
}

measure_idle() {
    local connections ours theirs
    # A descriptor each, in the client, too.
    connections=$(ulimit -n)
    connections=$((connections > 5200 ? 5000 : connections - 200))
    [ -z "$quick" ] || connections=$((connections < 2000 ? connections : 2000))
    start_provider echo "$echo_port"
    ours=$("$tools/load_idle_connections" --port "$echo_port" --pid "$provider_pid" --key "$key" --model echo:latest --connections "$connections")
    stop "$provider_pid"
    start_nginx
    theirs=$("$tools/load_idle_connections" --port "$static_port" --pid "$nginx_pid" --key "$key" --model static --connections "$connections")
    stop "$nginx_pid"
    table_row "an idle keep-alive connection of $connections: resident memory" "$(calculate "$(value rss_each <<<"$ours") / 1024" %.2f)" KiB 4 2 \
        "nginx $(calculate "$(value rss_each <<<"$theirs") / 1024" %.2f) KiB"
}

measure_leaving() {
    local said mode
    start_mock
    start_provider openai "$openai_port"
    for mode in stream whole; do
        said=$("$tools/load_leaving_client" --port "$openai_port" --mock-port "$mock_port" --key "$key" --model mock --rounds "$(pick 20 5)" --mode "$mode")
        table_row "a client leaves ($mode answer): until the upstream is left, worst" "$(value most_ms <<<"$said")" ms 100 '' "median $(value median_ms <<<"$said") ms"
    done
}

measure_stalled() {
    local said
    start_mock
    start_provider openai "$openai_port"
    said=$("$tools/load_stalled_client" --port "$openai_port" --mock-port "$mock_port" --pid "$provider_pid" --key "$key" --model mock)
    printf '    %s\n' "$said" >&2
    table_row 'a stalled client: pulled beyond what the sockets hold' "$(calculate "$(value pulled_beyond <<<"$said") / 1024" %.0f)" KiB 1024 '' \
        "resident memory grew by $(calculate "$(value rss_grown <<<"$said") / 1024" %.0f) KiB"
}

measure_start() {
    local said
    provider_environment echo 0 >"$scratch/start.env"
    said=$("$tools/load_start_time" --runs 10 -- /usr/bin/env -i "PATH=$PATH" "HOME=$scratch" "$program" --env-file "$scratch/start.env" \
        --security-file "$load/security.yaml" serve)
    table_row 'start to the line "ready", median of 10' "$(value ready_ms <<<"$said")" ms 50 '' "most $(value most_ms <<<"$said") ms"
    table_row 'resident memory, idle' "$(value resident_mb <<<"$said")" MB 20 ''
}

# calls_through PORT PID SECONDS [LOOK]: wrk with 50 connections calls a tool; sets `rate` and `cost` (CPU ns a call).
# With LOOK, it looks at each answer.
calls_through() {
    local before after said requests
    [ -z "${4-}" ] || local -x LOOK=1
    before=$(usage_of "$2" | cut -d' ' -f1)
    said=$(wrk -t1 -c50 -d"$3s" --latency -s "$load/mcp.lua" "http://127.0.0.1:$1" | grep '^DONE')
    after=$(usage_of "$2" | cut -d' ' -f1)
    requests=$(value requests <<<"$said")
    if [ "${requests:-0}" = 0 ] || [ "$(value errors <<<"$said")" != 0 ]; then
        echo "bench: the load on port $1 failed: $said" >&2
        return 1
    fi
    rate=$(value per_second <<<"$said")
    cost=$(((after - before) / requests))
    printf '    port %s: %s calls a second, %d ns CPU a call, p99 %s us\n' "$1" "$rate" "$cost" "$(value p99_us <<<"$said")" >&2
}

measure_mcp() {
    local ours=() sdk=() bare=() our_cost=() bare_cost=()
    for _ in $(seq "$(pick 3 1)"); do
        start_mcp
        calls_through "$mcp_port" "$mcp_pid" 1 look
        calls_through "$mcp_port" "$mcp_pid" "$seconds"
        ours+=("$rate") our_cost+=("$cost")
        stop "$mcp_pid"

        start_mcp_peer sdk
        calls_through "$mcp_sdk_port" "$peer_pid" 1 look
        calls_through "$mcp_sdk_port" "$peer_pid" "$seconds"
        sdk+=("$rate")
        stop "$peer_pid"

        start_mcp_peer bare
        calls_through "$mcp_bare_port" "$peer_pid" 1 look
        calls_through "$mcp_bare_port" "$peer_pid" "$seconds"
        bare+=("$rate") bare_cost+=("$cost")
        stop "$peer_pid"
    done
    local a b c
    a=$(median_of "${ours[@]}") b=$(median_of "${sdk[@]}") c=$(median_of "${bare[@]}")
    table_row "MCP: calls of a tool a second, 50 connections, one worker, to the TypeScript SDK $(mcp_sdk_version)" \
        "$(calculate "$a / $b" %.0f)" × '>20' '' "$a to $b"
    table_row 'the same, to a bare node:http server that checks nothing' "$(calculate "$a / $c" %.2f)" × '>3' '' \
        "$a to $c; CPU time a call $(micros "$(median_of "${our_cost[@]}")") µs to $(micros "$(median_of "${bare_cost[@]}")") µs"
}

# instructions NAME: of one request of a benchmark of micro/policies.cpp, by the difference of two counts.
instructions() {
    local few many
    few=$(count_instructions "$1/few")
    many=$(count_instructions "$1/many")
    calculate "($many - $few) / 20000" %.1f
}

count_instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$tools/bench_policies" "--benchmark_filter=^count/$1" 2>&1 |
        sed -n 's/.*Collected : //p' | grep .
}

measure_policies() {
    local said bare six by_hand
    said=$("$tools/bench_policies" '--benchmark_filter=^(bare|six|same)' --benchmark_format=csv --benchmark_repetitions="$(pick 9 5)" \
        --benchmark_min_time="$(pick 0.2 0.05)" --benchmark_enable_random_interleaving=true 2>/dev/null)
    sed -n 's/^\("[a-z_]*_median"\),[^,]*,[^,]*,\([^,]*\),.*/    \1: \2 ns/p' <<<"$said" >&2
    # Columns: name, iterations, real_time, cpu_time, ..., and the counter at the end.
    of() { awk -F, -v n="\"$1_median\"" -v c="$2" '$1 == n { print c == 0 ? $NF : $c }' <<<"$said"; }
    table_row 'six policies: time a request, over the bare handler' \
        "$(calculate "$(of six_policies 4) - $(of bare_handler 4)" %.1f)" ns 25 '' \
        "by hand $(calculate "$(of same_by_hand 4) - $(of bare_handler 4)" %.1f) ns"
    table_row 'six policies: allocations a request after warm-up, over the bare handler' \
        "$(calculate "$(of six_policies 0) - $(of bare_handler 0)")" '' 0 ''
    table_row 'bare handler: allocations a request after warm-up (coroutine frames)' "$(of bare_handler 0)" '' '' 0
    bare=$(instructions bare_handler)
    six=$(instructions six_policies)
    by_hand=$(instructions same_by_hand)
    table_row 'six policies: instructions, to the same checks in one function' "$(calculate "$six / $by_hand" %.2f)" × 1.1 '' \
        "$six to $by_hand, bare handler $bare"
}

measure_compile() {
    local said what took budget
    if [ -n "$quick" ]; then
        say "left out of the quick run"
        return
    fi
    said=$(benchmarks/compile_time.sh 3) || true
    printf '%s\n' "$said" | sed 's/^/    /' >&2
    awk -F'|' '$5 ~ /[0-9]/ { gsub(/^ +| +$/, "", $2); print $2 "|" $3 + 0 "|" ($2 ~ /^pipeline/ ? 2.0 : 1.5) }' <<<"$said" |
        sort -t'|' -k2,2gr | awk -F'|' '!seen[$3]++' >"$scratch/slowest"
    while IFS='|' read -r what took budget; do
        case $what in
        pipeline*) table_row 'compile cost of the pipeline header alone' "$took" s "$budget" ;;
        *) table_row "compile cost of a policy header and its test, the slowest ($what)" "$took" s "$budget" ;;
        esac
    done <"$scratch/slowest"
}
