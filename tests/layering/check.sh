#!/usr/bin/env bash
# check.sh ROOT: says where the tree under ROOT breaks the layer table, the limits on size, or the rules on names and on
# the tests of policies.
set -euo pipefail

folder=$(cd "$(dirname "$0")" && pwd)
cd "$1"

# tree FOLDER...: lists what is ours under the folders; installed npm packages are not.
tree() { find "$@" -name node_modules -prune -o -print | sort; }

# Prints one line for every #include that the table does not allow.
layering() {
    tree include/mcp_provider reference-server | grep -E '\.[ch]pp$' |
        xargs -r awk -v table="$folder/layers.txt" -f "$folder/includes.awk"
}

# Prints one line for every file that is too long.
sizes() {
    tree include reference-server tests benchmarks | grep -E '\.[ch]pp$' | xargs -r awk '
        function limit(path) {
            if (path ~ /^include\/mcp_provider\/policy\//) return 149
            return path ~ /\.hpp$/ ? 400 : 500
        }
        FNR == limit(FILENAME) + 1 { printf "%s: more than %d lines\n", FILENAME, FNR - 1 }'
}

# Prints one line for every file or folder whose name says nothing.
names() {
    tree include reference-server tests benchmarks | grep -E '[/_](utils?|common|helpers?|misc|managers?)([/_.]|$)' |
        sed 's/$/: a name that says nothing/' || [ $? = 1 ]
    tree include reference-server | grep -E '[/_](base|impl|data|info)([/_.]|$)' |
        sed 's/$/: a name that says nothing/' || [ $? = 1 ]
}

# Prints one line for every test of a policy that includes more than hooks need. Whole services, coroutines and documents
# cost seconds to compile; what needs them is tested in tests/pipeline.
policy_tests() {
    [ -d tests/policy ] || return 0
    # shellcheck disable=SC2016 # that $0 is of awk
    tree tests/policy | grep -E '\.[ch]pp$' | xargs -r awk '
        BEGIN {
            heavy = "mcp_provider/(pipeline/(pipeline|service|router)|testing/(run|channel|fake_agent))"
            heavy = "^[ \t]*#[ \t]*include[ \t]*[\"<](" heavy "|asio/|boost/json/(parse|serialize))"
        }
        $0 ~ heavy {
            printf "%s:%d: a test of a policy calls its hooks: %s\n", FILENAME, FNR, $0
        }'
}

findings=$(layering && sizes && names && policy_tests)
if [ -n "$findings" ]; then
    printf '%s\n' "$findings"
    exit 1
fi
echo "every include, size and name is in order"
