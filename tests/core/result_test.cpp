#include "mcp_provider/core/result.hpp"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

struct from_two {
    from_two(int a, int b) : sum{a + b} {}
    explicit from_two(int one) : sum{one} {}
    int sum;
};

result<std::string> name_of_number(int number) {
    if (number == 1) return "one";
    return rejection{rejection_code::bad_request, "only one is known"};
}

result<> check(bool good) {
    if (good) return {};
    return rejection{rejection_code::forbidden, "no"};
}

} // namespace

TEST_CASE("a result holds a value or the rejection in its place") {
    auto const good = name_of_number(1);
    auto const bad = name_of_number(2);

    CHECK(good.has_value());
    CHECK(*good == "one");
    CHECK(good->size() == 3);
    CHECK(!bad);
    CHECK(bad.error().status() == 400);
}

TEST_CASE("a result of nothing says that a check passed, or why not") {
    CHECK(check(true));
    CHECK(!check(false));
    CHECK(check(false).error().code() == rejection_code::forbidden);
}

TEST_CASE("a result gives what it holds away when it is moved from") {
    result<std::unique_ptr<int>> held{std::make_unique<int>(7)};
    std::unique_ptr<int> const taken = *std::move(held);
    CHECK(*taken == 7);

    rejection const why = name_of_number(2).error();
    CHECK(why.message() == "only one is known");
}

TEST_CASE("a result converts from what its value is made of") {
    result<from_two> const held{3};
    CHECK(held->sum == 3);
    CHECK(result<long>{7}.value() == 7L);
}

TEST_CASE("is_result knows results and nothing else") {
    CHECK(is_result<result<>>);
    CHECK(is_result<result<int>>);
    CHECK(!is_result<int>);
    CHECK(!is_result<rejection>);
}

TEST_CASE("a result can be copied and assigned, whichever it holds") {
    result<std::string> good = name_of_number(1);
    result<std::string> bad = name_of_number(2);
    result<std::string> const good_copy = good;
    result<std::string> const bad_copy = bad;

    std::swap(good, bad);

    CHECK(good.error().message() == bad_copy.error().message());
    CHECK(*bad == *good_copy);
    good = good_copy;
    good = good_copy;
    CHECK(*good == "one");
    bad = rejection{rejection_code::not_found, "none"};
    CHECK(bad.error().status() == 404);
}

TEST_CASE("a result of what cannot be copied cannot be copied") {
    CHECK(std::is_copy_constructible_v<result<int>>);
    CHECK(!std::is_copy_constructible_v<result<std::unique_ptr<int>>>);
    CHECK(std::is_nothrow_move_constructible_v<result<std::unique_ptr<int>>>);
}
