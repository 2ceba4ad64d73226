#!/usr/bin/env bash
# check_test.sh COMPILER: builds programs that lack one protection each, and wants check.sh to name it.
set -euo pipefail

compiler=$1
check=$(cd "$(dirname "$0")" && pwd)/check.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"
failed=0

cat >main.cpp <<'CPP'
#include <cstdio>
#include <cstring>
int main(int, char** arguments) {
    char copy[64];
    std::strcpy(copy, arguments[0]);
    std::puts(copy);
}
CPP
all=(-O2 -fPIE -pie -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
all+=('-Wl,-z,relro' '-Wl,-z,now' '-Wl,-z,noexecstack')
if [ "$(uname -m)" = x86_64 ]; then all+=(-fcf-protection=full); fi

# commands FLAG: a compile_commands.json with that flag.
commands() {
    printf '"command": "c++ %s -c /x/reference-server/main.cpp",\n"file": "/x/reference-server/main.cpp"\n' "$1"
}

# finds TEXT FLAG...: a program made with these flags more must lack exactly that.
finds() {
    local text=$1 said
    shift
    "$compiler" "${all[@]}" "$@" -w main.cpp -o program
    said=$("$check" program commands.json | grep '^missing' || [ $? = 1 ])
    case $said in
    *$'\n'* | '') ;;
    *"$text"*) return ;;
    esac
    printf 'expected only: %s\nbut it said: %s\n' "$text" "${said:-nothing}"
    failed=1
}

commands -fstack-clash-protection >commands.json
"$compiler" "${all[@]}" main.cpp -o program
"$check" program commands.json

finds 'position-independent' -fno-PIE -no-pie
finds 'RELRO' -Wl,-z,norelro
finds 'BIND_NOW' -Wl,-z,lazy
finds 'not executable' -Wl,-z,execstack
finds 'stack protector' -fno-stack-protector
finds '_FORTIFY_SOURCE' -U_FORTIFY_SOURCE
if [ "$(uname -m)" = x86_64 ]; then finds 'CET' -fcf-protection=none; fi
commands -O2 >commands.json
finds 'stack clash'

exit "$failed"
