// What a configuration file holds before anybody knows what it means: scalars, lists and mappings
// with their lines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mcp_provider::server {

struct member;

/// A value as it was written. A line of `.env` and a variable of the environment are scalars.
struct node {
    enum class shape : std::uint8_t { nothing, scalar, quoted, list, mapping };

    shape is = shape::nothing;
    int line = 0;
    std::string text;            ///< of a scalar
    std::vector<node> items;     ///< of a list
    std::vector<member> members; ///< of a mapping, in the order of the file, keys unique
};

/// One entry of a mapping, or one line of `.env`.
struct member {
    std::string key;
    int line = 0;
    node value;
};

} // namespace mcp_provider::server
