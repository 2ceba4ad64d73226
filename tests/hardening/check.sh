#!/usr/bin/env bash
# check.sh PROGRAM COMPILE_COMMANDS: says which of the compiler's and linker's protections PROGRAM lacks.
set -euo pipefail

program=$1 commands=$2
missing=0

# wants WHAT PATTERN COMMAND...: the command's output must contain the pattern.
wants() {
    local what=$1 pattern=$2
    shift 2
    if grep -Eq -- "$pattern" <<<"$("$@")"; then
        echo "ok       $what"
    else
        echo "missing  $what"
        missing=1
    fi
}

wants 'position-independent executable' 'FLAGS_1.*PIE' readelf -dW "$program"
wants 'read-only relocations (RELRO)' 'GNU_RELRO' readelf -lW "$program"
wants 'no lazy binding (BIND_NOW)' 'FLAGS_1.*NOW' readelf -dW "$program"
wants 'stack that is not executable' 'GNU_STACK .* RW +0x' readelf -lW "$program"
wants 'stack protector' ' __stack_chk_fail' readelf --dyn-syms -W "$program"
wants 'fortified calls (_FORTIFY_SOURCE)' ' __[a-z]+_chk@' readelf --dyn-syms -W "$program"
if [ "$(uname -m)" = x86_64 ]; then
    wants 'control-flow protection (CET)' 'endbr64' objdump -d --no-show-raw-insn --disassemble=main "$program"
fi

# Probing the stack leaves traces in large frames only, so the compiler's command line is the witness.
sources=$(grep -cE '"file": ".*/reference-server/[^"]*\.cpp"' "$commands")
probed=$(grep -E '"command": ".*/reference-server/[^"]*\.cpp"' "$commands" | grep -c -- ' -fstack-clash-protection ' || [ $? = 1 ])
wants "stack clash protection ($probed of $sources sources)" '^yes$' \
    bash -c "if [ $sources != 0 ] && [ $sources = $probed ]; then echo yes; fi"

exit "$missing"
