#!/usr/bin/env bash
# Measures what the project promises, side by side with nginx and a gateway from npm, and prints a table.
# run.sh [--quick] [--check] [--write] [--only SECTION[,SECTION]]   (README.md tells what the sections measure)
# shellcheck disable=SC1091,SC2034 # the parts that it sources, and use its variables, are checked by themselves
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'TEXT'
usage: benchmarks/run.sh [--quick] [--check] [--write] [--only SECTION[,SECTION...]]

  --quick   about a minute: fewer rounds, noisier numbers
  --check   exit 1 if something that must be reached is missed
  --write   put the table into benchmarks/README.md
  --only    policies requests proxy first-token streams agents link idle leaving stalled mcp start compile

PROGRAM, TOOLS and BENCH_PORT_BASE in the environment replace build/release/mcp-local-provider,
build/release/benchmarks and 21800.
TEXT
}

sections=(policies requests proxy first-token streams agents link idle leaving stalled mcp start compile)
quick='' check='' write='' only=''
while [ $# != 0 ]; do
    case $1 in
    --quick) quick=1 ;;
    --check) check=1 ;;
    --write) write=1 ;;
    --only)
        only=${2?--only needs a section}
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    shift
done
for section in ${only//,/ }; do
    [[ " ${sections[*]} " == *" $section "* ]] || {
        echo "bench: there is no section $section" >&2
        exit 2
    }
done

program=$(realpath "${PROGRAM:-build/release/mcp-local-provider}")
tools=$(realpath "${TOOLS:-build/release/benchmarks}")
load=$PWD/benchmarks/load
port_base=${BENCH_PORT_BASE:-21800}
nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || {
    echo 'bench: nginx is missing (Debian: nginx-light)' >&2
    exit 1
}
scratch=$(mktemp -d)
rows=$scratch/rows
: >"$rows"
. "$load/servers.sh"
. "$load/measure.sh"
. "$load/sections.sh"
section_pid=''
finish() {
    if [ -n "$section_pid" ]; then stop "$section_pid"; fi
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM
ulimit -n "$(ulimit -H -n)"

wanted() { [ -z "$only" ] || [[ ,$only, == *,$1,* ]]; }

make_key
for section in "${sections[@]}"; do
    wanted "$section" || continue
    say "$section"
    # In a shell of its own, which the first failure ends, and which ends its servers.
    (
        trap stop_all EXIT
        "measure_${section//-/_}"
    ) &
    section_pid=$!
    wait "$section_pid" || unmeasured "$section" "the measurement failed"
    section_pid=''
done

{
    printf '| what | must | aim | measured | verdict | detail |\n|---|---|---|---|---|---|\n'
    cat "$rows"
    printf '\n%s, %s cores, nginx %s, %s%s\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
        "$("$nginx" -v 2>&1 | sed 's|.*/||')" "$(LC_ALL=C date -u '+%-d %B %Y')" "${quick:+, quick run}"
} >"$scratch/table"
echo
cat "$scratch/table"
if [ -n "$write" ]; then
    sed -i -e "/^<!-- table -->/,/^<!-- end of table -->/{//!d}" -e "/^<!-- table -->/r $scratch/table" benchmarks/README.md
fi
missed=$(grep -c "| MISSED |" "$rows" || true)
if [ "$missed" != 0 ]; then
    echo "$missed of the rows missed what they must reach" >&2
    [ -z "$check" ] || exit 1
fi
