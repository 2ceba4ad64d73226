#!/usr/bin/env bash
# Plants each kind of disorder in a tree of its own, and wants check.sh to name it.
set -euo pipefail

check=$(cd "$(dirname "$0")" && pwd)/check.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# fresh: an orderly tree.
fresh() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/include/mcp_provider/{core,http,policy,pipeline/detail,net} "$tree"/{reference-server,tests,benchmarks}
    printf '#include <string>\n' >"$tree/include/mcp_provider/core/secret.hpp"
    printf '#include "mcp_provider/core/secret.hpp"\n#include <asio/ip/tcp.hpp>\n#include <sys/socket.h>\n' \
        >"$tree/include/mcp_provider/net/listener.hpp"
    printf '#include "mcp_provider/net/listener.hpp"\n#include <spdlog/spdlog.h>\n' >"$tree/reference-server/main.cpp"
}

# finds TEXT: check.sh must fail and say TEXT.
finds() {
    if said=$("$check" "$tree"); then
        echo "not found: $1"
        failed=1
    elif ! grep -qF -- "$1" <<<"$said"; then
        printf 'expected: %s\nbut it said: %s\n' "$1" "$said"
        failed=1
    fi
}

# add FILE LINE...: appends lines to a file of the tree.
add() {
    local file=$tree/$1
    shift
    mkdir -p "$(dirname "$file")"
    printf '%s\n' "$@" >>"$file"
}

fresh
"$check" "$tree" >/dev/null || { echo "an orderly tree is refused"; failed=1; }

fresh && add include/mcp_provider/net/listener.hpp '#include "mcp_provider/policy/metrics.hpp"'
finds 'include/mcp_provider/net/listener.hpp:4: net may not include policy'
fresh && add include/mcp_provider/core/secret.hpp '  #  include <openssl/evp.h>'
finds 'include/mcp_provider/core/secret.hpp:2: core may not include <openssl/evp.h> here'
fresh && add include/mcp_provider/core/secret.hpp '#include <unistd.h>'
finds 'core may not include <unistd.h> here'
fresh && add include/mcp_provider/policy/rate_limit.hpp '#include <prometheus/counter.h>'
finds 'policy may not include <prometheus/counter.h> here'
fresh && add include/mcp_provider/net/server.hpp '#include "app.hpp"'
finds 'the framework does not know "app.hpp"'
fresh && add include/mcp_provider/telepathy/mind.hpp '#include <string>'
finds 'the folder telepathy has no line in layers.txt'
fresh && add reference-server/app.cpp '#include "mcp_provider/pipeline/detail/facts.hpp"'
finds "detail/ of pipeline is nobody else's business"
fresh && seq 401 | sed 's|^|// |' >"$tree/include/mcp_provider/core/long.hpp"
finds 'include/mcp_provider/core/long.hpp: more than 400 lines'
fresh && seq 501 | sed 's|^|// |' >"$tree/reference-server/long.cpp"
finds 'reference-server/long.cpp: more than 500 lines'
fresh && seq 150 | sed 's|^|// |' >"$tree/include/mcp_provider/policy/long.hpp"
finds 'include/mcp_provider/policy/long.hpp: more than 149 lines'
fresh && add tests/string_helpers/x.hpp '#include <string>'
finds 'tests/string_helpers: a name that says nothing'
fresh && add include/mcp_provider/core/key_info.hpp '#include <string>'
finds 'include/mcp_provider/core/key_info.hpp: a name that says nothing'
fresh && add tests/policy/x_test.cpp '#include "mcp_provider/policy/x.hpp"' '#include "mcp_provider/testing/run.hpp"'
finds 'tests/policy/x_test.cpp:2: a test of a policy calls its hooks'
fresh && add tests/policy/kit.hpp '#include <asio/post.hpp>'
finds 'tests/policy/kit.hpp:1: a test of a policy calls its hooks'

fresh && add include/mcp_provider/policy/metrics.hpp '#include <prometheus/counter.h>' \
    '#include "mcp_provider/pipeline/policy.hpp"' '// #include <asio.hpp>'
add tests/clients/node_modules/x/util.js ''
add tests/policy/x_test.cpp '#include "mcp_provider/testing/fake_request.hpp"' '#include <boost/json/object.hpp>'
"$check" "$tree" >/dev/null || { echo "what is legal is refused"; failed=1; }

[ "$failed" = 0 ] && echo "check.sh finds every planted disorder"
exit "$failed"
