# shellcheck shell=bash disable=SC2034,SC2154 # variables go to and come from the other two parts and run.sh
# Single measurements and the table. Sourced by run.sh.

say() { printf '==> %s\n' "$*" >&2; }
calculate() { awk "BEGIN { printf \"${2:-%.6g}\", $1 }"; }
# The median of numbers on stdin; of arguments.
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR == 0) exit 1; printf "%.6g", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
median_of() { printf "%s\n" "$@" | median; }

# value NAME: of a line of name=value pairs on stdin.
value() { tr ' ' '\n' | sed -n "s/^$1=//p"; }

usage_of() { "$tools/load_process_usage" --pid "$1"; }

# cost_of_requests PID PORT MODEL SECONDS [HEADERS]: wrk with 32 connections; sets `cost` (CPU ns a request), `rate`, `slow`.
cost_of_requests() {
    local before after said requests errors
    before=$(usage_of "$1" | cut -d' ' -f1)
    said=$(KEY=$key MODEL=$3 HEADERS=${5-} wrk -t1 -c32 -d"$4s" --latency -s "$load/chat.lua" "http://127.0.0.1:$2" | grep '^DONE')
    after=$(usage_of "$1" | cut -d' ' -f1)
    requests=$(value requests <<<"$said")
    errors=$(value errors <<<"$said")
    rate=$(value per_second <<<"$said")
    slow=$(value p99_us <<<"$said")
    if [ "${requests:-0}" = 0 ] || [ "${errors:-1}" != 0 ]; then
        echo "bench: the load on port $2 failed: $said" >&2
        return 1
    fi
    cost=$(((after - before) / requests))
    printf '    port %s: %d ns CPU a request, %s a second, p99 %s us\n' "$2" "$cost" "$rate" "$slow" >&2
}

# table_row WHAT MEASURED UNIT MUST [AIM] [DETAIL]: MUST and AIM are upper bounds, or lower ones with a leading `>`, or
# empty. A missed MUST is remembered.
table_row() {
    local what=$1 measured=$2 unit=$3 must=$4 aim=${5-} detail=${6-} verdict
    verdict=$(awk -v m="$measured" -v must="$must" -v aim="$aim" '
        function holds(limit) { return substr(limit, 1, 1) == ">" ? m + 0 >= substr(limit, 2) + 0 : m + 0 <= limit + 0 }
        BEGIN {
            if (must != "" && !holds(must)) print "MISSED"
            else if (aim != "" && !holds(aim)) print must == "" ? "not yet" : "reached, aim not yet"
            else print must aim == "" ? "-" : "reached"
        }')
    echo "| $what | $(bound "$must" "$unit") | $(bound "$aim" "$unit") | $measured $unit | $verdict | $detail |" >>"$rows"
    printf '    %s: %s %s (%s)\n' "$what" "$measured" "$unit" "$verdict" >&2
}

bound() {
    case $1 in
    '') printf -- '-' ;;
    '>'*) printf '≥ %s %s' "${1#>}" "$2" ;;
    *) printf '≤ %s %s' "$1" "$2" ;;
    esac
}

# unmeasured WHAT WHY: a row that could not be filled counts as missed.
unmeasured() {
    echo "| $1 | - | - | not measured | MISSED | $2 |" >>"$rows"
    printf '    %s: not measured: %s\n' "$1" "$2" >&2
}
