#include "mcp_provider/policy/content_rule_set.hpp"

#include <stdexcept>

#include <doctest/doctest.h>

using namespace mcp_provider;

TEST_CASE("content_rule_set takes no rule without a name or with nothing to look for") {
    CHECK_THROWS_AS((content_rule_set{{{"", content_action::flag, "x", {}}}}),
                    std::invalid_argument);
    CHECK_THROWS_AS((content_rule_set{{{"a,b", content_action::flag, "x", {}}}}),
                    std::invalid_argument);
    CHECK_THROWS_AS((content_rule_set{{{"a", content_action::flag, "", {}}}}),
                    std::invalid_argument);
}
