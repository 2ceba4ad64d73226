#!/usr/bin/env bash
# readme_test.sh ROOT PROGRAM: what README.md shows is compiled, or run, or offered by ./dev.
set -euo pipefail
cd "$1"
program=$2
state=$(mktemp -d) server_PID=
trap 'if [ -n "$server_PID" ]; then kill "$server_PID"; wait "$server_PID"; fi; rm -rf "$state"' EXIT

# blocks LANGUAGE: prints the code blocks of a language, each ended by a NUL.
blocks() {
    awk -v fence='```'"$1" '
        inside && /^```$/ { inside = 0; printf "%c", 0; next }
        inside { print }
        $0 == fence { inside = 1 }' README.md
}

# Without indentation, so that a piece from the middle of a function counts as the same text.
unindented() { sed 's/^ *//' "$@" | tr '\n' '\1'; }

shown=0
for kind in 'cpp tests/examples/*.cpp' 'cmake tests/package/*/CMakeLists.txt'; do
    read -r language files <<<"$kind"
    while IFS= read -r -d '' block; do
        wanted=$(unindented <<<"${block%$'\n'}")
        found=no
        for file in $files; do
            if [[ $(unindented "$file") == *"$wanted"* ]]; then found=yes; fi
        done
        if [ "$found" = no ]; then
            printf 'README.md shows what no file of %s holds:\n%s\n' "$files" "$block"
            exit 1
        fi
        shown=$((shown + 1))
    done < <(blocks "$language")
done
[ "$shown" -ge 3 ] || { echo "README.md shows only $shown blocks of code"; exit 1; }

while read -r command; do
    ./dev help | grep -qE "^  $command " || { echo "there is no ./dev $command"; exit 1; }
done < <(grep -ohE '\./dev [a-z]+' README.md CONTRIBUTING.md SECURITY.md | awk '{ print $2 }' | sort -u)
while read -r file; do
    [ -f "$file" ] || { echo "README.md points to $file, which is not there"; exit 1; }
done < <(grep -oE '\]\([A-Za-z/]+\.md\)' README.md | tr -d '[]()')

# What is to be typed into a shell works, on a port of our own and without the settings of this folder.
blocks sh >"$state/shell"
cd "$state"
export STATE_DIR=$state ADAPTER_PORT=0 BRIDGE_PORT=0
coproc server { exec "$program" serve 2>"$state/log"; }
read -t 10 -r ready <&"${server[0]}" || { cat "$state/log"; exit 1; }
port=$(grep -oE 'adapter=http://127.0.0.1:[0-9]+' <<<"$ready" | grep -oE '[0-9]+$')
while IFS= read -r -d '' block; do
    said=$(bash -euo pipefail -c "${block//11434/$port}" 2>&1)
    if ! grep -q 'it works' <<<"$said" || ! grep -q 'echo:latest' <<<"$said"; then
        echo "$said"
        exit 1
    fi
done <shell
echo "README.md shows what is there"
