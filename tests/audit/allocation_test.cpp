#include "mcp_provider/audit/json_lines.hpp"
#include "scratch_folder.hpp"

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <doctest/doctest.h>

namespace {

thread_local std::size_t allocations = 0;

} // namespace

// Not inlined, or g++ 12 takes the pair for mismatched.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const bytes = std::malloc(size)) return bytes;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* bytes) noexcept { std::free(bytes); }
[[gnu::noinline]] void operator delete(void* bytes, std::size_t) noexcept { std::free(bytes); }

using namespace mcp_provider;
using namespace std::chrono_literals;

TEST_CASE(
    "json_lines takes a record without an allocation on the producer's thread after the first") {
    scratch_folder const folder;
    audit::json_lines_options options;
    options.log_file = folder / "audit.jsonl";
    options.key_file = folder / "audit.key";
    audit::json_lines log{options};
    auto const write = [&] {
        audit::record one;
        one.timestamp = std::chrono::system_clock::now();
        one.session_id = "ses_0123456789abcdefghijkl";
        one.user_agent = "OpenAI/JS 4.96.0";
        one.endpoint = "/v1/chat/completions";
        one.prompt_hash = crypto::sha256("a prompt");
        one.security_flags.add("suspicious_content");
        return log.try_write(one);
    };
    REQUIRE(write());

    std::size_t const before = allocations;
    bool taken = true;
    for (int i = 0; i != 1'000; ++i) taken = write() && taken;
    CHECK(allocations == before);
    CHECK(taken);
    CHECK(log.flush(5s));
    CHECK(log.state().written == 1'002);
}
