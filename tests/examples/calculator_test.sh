#!/usr/bin/env bash
# calculator_test.sh PROGRAM: the example answers on standard input and output, and over HTTP.
set -euo pipefail
program=$1

hello='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}'
# call ID TOOL ARGUMENTS: prints a call.
call() {
    printf '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"%s","arguments":%s}}\n' "$1" "$2" "$3"
}

said=$({
    echo "$hello"
    call 2 add '{"a":1,"b":2}'
    call 3 divide '{"a":1,"b":0}'
    call 4 divide '{"a":1}'
} | timeout 10 "$program")
grep -q '"id":2,"result":{"content":\[{"type":"text","text":"3' <<<"$said"
grep -q '"id":3,.*b must not be 0.*"isError":true' <<<"$said"
grep -q '"id":4,.*needs the member.*"isError":true' <<<"$said"

coproc served { exec "$program" http; }
read -r port <&"${served[0]}"
meta='"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
body=$(call 5 add "{\"a\":20,\"b\":22},$meta")
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'POST /mcp HTTP/1.1\r\nHost: localhost:%s\r\nConnection: close\r\nContent-Type: application/json\r\n' "$port" >&3
printf 'Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n' >&3
printf 'Mcp-Method: tools/call\r\nMcp-Name: add\r\nContent-Length: %s\r\n\r\n%s' "${#body}" "$body" >&3
answer=$(timeout 10 cat <&3)
exec 3<&-
grep -q '^HTTP/1.1 200 ' <<<"$answer"
grep -q '"text":"42' <<<"$answer"

pid=${served_PID:?}
echo >&"${served[1]}"
wait "$pid"
echo "calculated on both transports, in both eras"
