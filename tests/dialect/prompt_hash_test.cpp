#include "dialect/prompt_hash.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

struct texts {
    std::vector<std::string_view> all;
    template <class Visit>
    void for_each_text(Visit&& visit) const {
        for (std::string_view const one : all) visit(std::string_view{"/x"}, one);
    }
};

} // namespace

TEST_CASE("prompt_hash of one text is the digest of that text") {
    CHECK(mcp_provider::server::prompt_hash(texts{{"abc"}}) == mcp_provider::crypto::sha256("abc"));
}

TEST_CASE("prompt_hash tells where one text ends and the next begins") {
    CHECK(mcp_provider::server::prompt_hash(texts{{"ab", "c"}}) !=
          mcp_provider::server::prompt_hash(texts{{"a", "bc"}}));
    CHECK(mcp_provider::server::prompt_hash(texts{{"ab", "c"}}) !=
          mcp_provider::server::prompt_hash(texts{{"c", "ab"}}));
}
