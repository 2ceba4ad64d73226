#!/usr/bin/env bash
# What including the framework costs whoever works with it: user seconds of one compiler run, `-O0`, no precompiled header
# and no cache, best of five (or of the number given). `./dev bench --only compile --check` holds it to the budgets.
# A test counts with the header that it tests and with what it includes; what the tests of a folder share is compiled once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

compiler=${CXX:-g++}
runs=${1:-5}
flags=(-std=c++20 -O0 -c -o /dev/null -Iinclude -Itests)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# user_seconds FILE: the best of the runs.
user_seconds() {
    local TIMEFORMAT=%U
    for _ in $(seq "$runs"); do
        { time "$compiler" "${flags[@]}" "$1" >/dev/null 2>"$scratch/said"; } 2>&1 || {
            cat "$scratch/said" >&2
            return 1
        }
    done | sort -n | head -n 1
}

# row NAME FILE [BUDGET]: measures, and compares with the baseline and the budget.
row() {
    local name=$1 seconds verdict
    seconds=$(user_seconds "$2")
    baseline=${baseline:-$seconds}
    verdict=$(awk -v s="$seconds" -v limit="${3-}" 'BEGIN { print limit == "" ? "" : s < limit ? "within " limit : "OVER " limit }')
    case $verdict in OVER*) failed=1 ;; esac
    awk -v n="$name" -v s="$seconds" -v b="$baseline" -v v="$verdict" 'BEGIN { printf "| %-48s | %6.2f | %5.2f | %-11s |\n", n, s, s / b, v }'
}

# header HEADER: a translation unit that is nothing but this header.
header() {
    printf '#include <mcp_provider/%s>\n' "$1" >"$scratch/unit.cpp"
    printf '%s' "$scratch/unit.cpp"
}

printf '#include <string>\n#include <string_view>\n#include <vector>\n#include <span>\n' >"$scratch/baseline.cpp"

printf '| %-48s | %6s | %5s | %-11s |\n' 'translation unit' 'user' 'ratio' 'budget'
printf '|%s|%s|%s|%s|\n' "$(printf -- '-%.0s' {1..50})" -------: ------: -------------
row 'baseline: <string> <string_view> <vector> <span>' "$scratch/baseline.cpp"
row 'core/result.hpp' "$(header core/result.hpp)"
for test in tests/policy/*_test.cpp; do
    row "policy/$(basename "$test"), with its header" "$test" 1.5
done
row 'pipeline/pipeline.hpp' "$(header pipeline/pipeline.hpp)" 2.0
exit "$failed"
