#!/usr/bin/env bash
# check.sh CMAKE BUILD_DIR TARGET COMPILER OBJECT...: builds the objects of TARGET, links them, and prints what differs.
set -euo pipefail

cmake=$1 build_dir=$2 target=$3 compiler=$4
shift 4
"$cmake" --build "$build_dir" --target "$target"

linked=$(mktemp)
trap 'rm -f "$linked"' EXIT
said=$("$compiler" -r -flinker-output=nolto-rel -O1 -flto -Wodr -Werror=lto-type-mismatch "$@" -o "$linked" 2>&1) || {
    printf '%s\n' "$said"
    exit 1
}
# g++ 12 numbers the fields of a coroutine's frame anew in each unit, so that each `function.Frame` differs from itself.
# No type of ours has a dot in its name.
differences=$(grep -E -A 3 'type [^.]* violates .*[Oo]ne [Dd]efinition [Rr]ule' <<<"$said" || [ $? = 1 ])
if [ -n "$differences" ]; then
    printf '%s\n' "$differences"
    exit 1
fi
echo "the units agree"
