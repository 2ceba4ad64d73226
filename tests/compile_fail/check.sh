#!/usr/bin/env bash
# check.sh FILE COMPILER FLAG...: FILE must compile, and with MCP_PROVIDER_MISUSE must not, for the reason it expects.
set -euo pipefail

file=$1
shift
expected=$(sed -n '1s|^// expect: \(..*\)$|\1|p' "$file")
if [ -z "$expected" ]; then
    echo "$file: the first line is not '// expect: REGEX'"
    exit 1
fi
if ! said=$("$@" -fsyntax-only "$file" 2>&1); then
    printf '%s\n%s: the legal use does not compile\n' "$said" "$file"
    exit 1
fi
if said=$("$@" -fsyntax-only -DMCP_PROVIDER_MISUSE "$file" 2>&1); then
    echo "$file: the misuse compiles"
    exit 1
fi
if ! grep -Eq -- "$expected" <<<"$said"; then
    printf '%s\n%s: the compiler does not say: %s\n' "$said" "$file" "$expected"
    exit 1
fi
grep -E -- "$expected" <<<"$said" | head -n 1
