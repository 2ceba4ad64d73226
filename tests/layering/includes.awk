# Prints one line for every #include that the table of layers.txt (-v table=FILE) does not allow.
function fail(why) { printf "%s:%d: %s\n", FILENAME, FNR, why }
# The folder below mcp_provider/; headers in mcp_provider/ itself are core.
function layer_of(path) { return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : "core" }
function is_allowed(header,   i, n, parts, rule) {
    if (header !~ /[\/.]/) return 1 # the standard library
    n = split(third_party[layer], parts, " ")
    for (i = 1; i <= n; ++i) {
        split(parts[i], rule, "@")
        if (rule[1] == "system" && header ~ /^([a-z_]+|(sys|linux|net|netinet|arpa)\/[a-z_]+)\.h$/) return 1
        if (index(header, rule[1]) == 1 && (rule[2] == "" || file == rule[2])) return 1
    }
    return 0
}
BEGIN {
    while ((getline line < table) > 0) {
        if (line ~ /^#/ || split(line, column, "|") != 3) continue
        gsub(/ /, "", column[1])
        known[column[1]] = 1
        may_include[column[1]] = " " column[2] " " column[1] " "
        third_party[column[1]] = column[3]
    }
}
FNR == 1 {
    framework = FILENAME ~ /^include\//
    file = FILENAME
    sub(/.*\//, "", file)
    inner = FILENAME
    sub(/^include\/mcp_provider\//, "", inner)
    layer = framework ? layer_of(inner) : ""
    if (framework && !(layer in known)) fail("the folder " layer " has no line in layers.txt")
}
match($0, /^[ \t]*#[ \t]*include[ \t]*[<"]/) {
    quoted = substr($0, RLENGTH, 1) == "\""
    header = substr($0, RLENGTH + 1)
    sub(/[>"].*/, "", header)
    if (header ~ /^mcp_provider\//) {
        wanted = header
        sub(/^mcp_provider\//, "", wanted)
        other = layer_of(wanted)
        if (framework && !index(may_include[layer], " " other " ")) fail(layer " may not include " other)
        if (wanted ~ /\/detail\// && other != layer) fail("detail/ of " other " is nobody else's business")
    } else if (framework && quoted) {
        fail("the framework does not know \"" header "\"")
    } else if (framework && !is_allowed(header)) {
        fail(layer " may not include <" header "> here")
    }
}