#!/usr/bin/env bash
# asio_macros.sh COMPILER FLAG...: Asio must decide the same whether the standard library was included before it or not.
set -euo pipefail

# macros LINE...: prints what Asio has decided after these lines.
macros() { printf '%s\n' "$@" | "${compile[@]}" -x c++ -E -dM - | grep '^#define ASIO_' | sort; }

compile=("$@")
alone=$(macros '#include <asio/awaitable.hpp>')
after=$(macros '#include <string>' '#include <asio/awaitable.hpp>')
[ "$(wc -l <<<"$alone")" -gt 20 ]
diff <(echo "$alone") <(echo "$after")
