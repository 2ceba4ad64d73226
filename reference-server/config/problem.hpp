// One thing that is wrong with the configuration, told so that the operator can put it right.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace mcp_provider::server {

/// Says where, what, and what would be right. A secret's value is masked before it gets here.
struct problem {
    /// As the operator named it; `environment` for the process environment; empty for none.
    std::string file;
    int line = 0;        ///< from 1; 0 where there is none
    std::string key;     ///< as written; empty where the whole file is meant
    std::string value;   ///< as written or masked; empty where there is none
    std::string message; ///< what is wrong
    std::string allowed; ///< what would be right
    std::string nearest; ///< the known key that was probably meant; empty for none
    bool operator==(problem const&) const = default;
};

/// What stands in the place of a secret's value.
inline constexpr char const* masked = "********";

/// Prints one block a problem, then a line with their number. Colours are for terminals only.
void print(std::ostream& out, std::vector<problem> const& problems, bool colour);

/// The same for machines:
/// `{"problems":[{"file","line","key","value","message","allowed","nearest"}…]}`.
[[nodiscard]] std::string to_json(std::vector<problem> const& problems);

} // namespace mcp_provider::server
