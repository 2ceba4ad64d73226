#!/usr/bin/env bash
# hello_test.sh PROGRAM: the example greets a guest, and turns away one without a name.
set -euo pipefail

coproc hello { exec "$1"; }
read -r port <&"${hello[0]}"

# ask TARGET: prints the response.
ask() {
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&3
    timeout 10 cat <&3
    exec 3<&-
}

grep -q '^Hello, Ada!' <<<"$(ask '/hello?Ada')"
refused=$(ask /hello)
grep -q '^HTTP/1.1 400 ' <<<"$refused"
grep -q 'say who you are' <<<"$refused"

pid=${hello_PID:?}
echo >&"${hello[1]}"
wait "$pid"
echo "greeted, refused, and stopped"
