// The reader of security.yaml, on any bytes.
#include "config/security_file.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

using mcp_provider::server::node;

/// Counts the values below and checks that the bounds hold.
std::size_t count(node const& at, std::size_t depth) {
    if (depth > mcp_provider::server::max_yaml_depth + 1) std::abort();
    std::size_t values = 1;
    for (node const& item : at.items) values += count(item, depth + 1);
    for (auto const& member : at.members) values += 1 + count(member.value, depth + 1);
    return values;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(bytes), size};
    auto const tree = mcp_provider::server::read_security_file(text, "security.yaml");
    if (count(tree.root, 0) > mcp_provider::server::max_yaml_nodes + 1) std::abort();
    for (auto const& problem : tree.problems)
        if (problem.message.empty()) std::abort();
    return 0;
}
