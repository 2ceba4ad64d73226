#include "mcp_provider/core/secret.hpp"

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;

TEST_CASE("a secret cannot be copied, and shows itself only when asked to") {
    CHECK(!std::is_copy_constructible_v<secret>);
    CHECK(!std::is_copy_assignable_v<secret>);
    CHECK(!std::is_convertible_v<secret, std::string>);
    CHECK(!std::is_convertible_v<std::string, secret>);

    secret const one{"token"};
    CHECK(one.reveal() == "token");
    CHECK(!one.empty());
    CHECK(secret{}.empty());
}

TEST_CASE("a secret that was moved from is empty, whether it was short or long") {
    for (std::size_t const size : {std::size_t{5}, std::size_t{500}}) {
        secret from{std::string(size, 'x')};
        secret to{std::move(from)};
        CHECK(from.empty()); // NOLINT(bugprone-use-after-move): that is what is promised
        CHECK(to.reveal() == std::string(size, 'x'));

        secret third{"other"};
        third = std::move(to);
        CHECK(to.empty()); // NOLINT(bugprone-use-after-move)
        CHECK(third.reveal().size() == size);
    }
}

TEST_CASE("wipe overwrites every byte") {
    std::string text(100, 'x');
    wipe(text.data(), text.size());
    CHECK(text == std::string(100, '\0'));
}

TEST_CASE("a cleared secret leaves nothing behind in the memory that it had") {
    secret one{std::string(64, 'x')};
    char const* const where = one.reveal().data();

    one.clear();

    CHECK(one.empty());
    // The string keeps its storage, so its bytes may still be looked at.
    for (std::size_t i = 0; i != 64; ++i) CHECK(where[i] == '\0');
}
