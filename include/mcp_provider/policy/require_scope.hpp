// Lets a principal pass only if it may do what the route does.
#pragma once

#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/pipeline/policy.hpp"

#include <string>
#include <string_view>

namespace mcp_provider {

/// Needs `principal`. *Errors*: `forbidden`, naming the scope that is missing. *Thread safety*: safe.
class require_scope {
public:
    static constexpr std::string_view name = "require_scope";

    explicit constexpr require_scope(scope needed) noexcept : needed_{needed} {}

    result<> on_request(principal const& who) const {
        if (who.may(needed_)) return {};
        return rejection{rejection_code::forbidden, "this needs the scope '" +
                                                        std::string{name_of(needed_)} +
                                                        "', which " + who.id() + " does not have"}
            .because("insufficient_scope");
    }

private:
    scope needed_;
};

static_assert(policy<require_scope>);

} // namespace mcp_provider
