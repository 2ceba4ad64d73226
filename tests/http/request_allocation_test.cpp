#include "http/valid_requests.hpp"
#include "mcp_provider/http/request_parser.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

#include <doctest/doctest.h>

using namespace mcp_provider::http;

namespace {

thread_local std::size_t allocations = 0;

} // namespace

// Not inline: g++ 12 otherwise warns of malloc and delete in one function, which is what these are for.
[[gnu::noinline]] void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
    ++allocations;
    return std::malloc(size != 0 ? size : 1);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (void* memory = operator new(size, std::nothrow)) return memory;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::nothrow_t const&) noexcept {
    std::free(memory);
}

TEST_CASE("request_parser allocates nothing for requests like those it has read before") {
    request_parser parser{limits{}};
    request in;
    auto const read_all = [&] {
        for (std::string_view bytes : valid_requests::requests) {
            parser.reset();
            REQUIRE(*parser.feed(bytes) == parse_state::done);
            parser.fill(in, bytes);
        }
    };
    read_all();
    std::size_t const warm = allocations;

    read_all();

    CHECK(warm > 0);
    CHECK(allocations == warm);
}
