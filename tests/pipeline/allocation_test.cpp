#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/concurrency_limit.hpp"
#include "mcp_provider/policy/deadline.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/rate_table.hpp"
#include "mcp_provider/policy/request_limits.hpp"
#include "mcp_provider/policy/require_scope.hpp"
#include "mcp_provider/testing/fake_request.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

namespace {

std::atomic<std::size_t> allocations{0};

} // namespace

// Replaces the allocation of this test program, to count it.
void* operator new(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* const memory = std::malloc(size == 0 ? 1 : size))
        return memory; // NOLINT(cppcoreguidelines-no-malloc)
    throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
    std::free(memory);
} // NOLINT(cppcoreguidelines-no-malloc)
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
} // NOLINT(cppcoreguidelines-no-malloc)

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::fake_request;

namespace {

struct ring {
    std::shared_ptr<identity const> find(std::string_view token) const {
        return token == "good" ? who : nullptr;
    }
    std::shared_ptr<identity const> who;
};

/// A connection that does nothing, and allocates nothing.
class idle_channel final : public channel {
public:
    bool body_is_here() const noexcept override { return true; }
    http::body body() const noexcept override { return {}; }
    asio::awaitable<result<>> read_body() override { co_return result<>{}; }
    asio::awaitable<delivery> deliver(http::response&) override {
        co_return delivery{end_cause::completed, 0, steady_time{}};
    }
    void set_time_limits(time_limits) noexcept override {}
    void watch_revocation(std::atomic<bool> const&) noexcept override {}
    std::optional<end_cause> cancelled_by() const noexcept override { return std::nullopt; }
    steady_time started() const noexcept override { return {}; }
    std::uint64_t request_bytes() const noexcept override { return 0; }
};

template <class Service>
asio::awaitable<void> serve_often(Service const& one, http::request const& asked,
                                  std::size_t times) {
    idle_channel io;
    for (std::size_t i = 0; i != times; ++i) co_await one.serve(asked, io);
}

/// What a thousand requests allocate after a warm-up.
template <class Service>
std::size_t allocations_of(Service const& one, http::request const& asked) {
    asio::io_context context{1};
    std::size_t counted = 0;
    auto const work = [&]() -> asio::awaitable<void> {
        co_await serve_often(one, asked, 100);
        std::size_t const before = allocations.load();
        co_await serve_often(one, asked, 1000);
        counted = allocations.load() - before;
    };
    asio::co_spawn(context, work(), asio::detached);
    context.run();
    return counted;
}

http::response ok(principal const&) { return http::response{200}; }

} // namespace

TEST_CASE("a pipeline of seven policies allocates nothing after its warm-up, by token and by local "
          "user") {
    auto who = std::make_shared<identity>();
    who->id = "key_1";
    who->may = scope::generate;
    auto const keys = std::make_shared<ring>(ring{who});
    auto users = std::make_shared<local_users>();
    users->add(1000);
    auto const one = pipeline(local_origin{std::make_shared<origin_rules const>()},
                              request_limits{}, address_block{std::make_shared<block_table>()},
                              authenticate{keys, users}, require_scope{scope::generate},
                              concurrency_limit{std::make_shared<concurrency_gauge>(10U)},
                              deadline{time_limits{}})
                         .handle(&ok);
    fake_request by_user{"POST", "/api/chat"};
    by_user.with("Content-Type", "application/json").announcing({false, 2});
    fake_request by_token{"POST", "/api/chat"};
    by_token.with("Authorization", "Bearer good");

    CHECK(allocations_of(one, by_user) == 0);
    CHECK(allocations_of(one, by_token) == 0);
}

TEST_CASE("rate_table allocates nothing for callers that it knows") {
    rate_rules rules;
    rules.burst = 0;
    rate_table table{rules};
    steady_time now{1000s};
    for (int i = 0; i != 200; ++i)
        table.admit("ses_1234567890123456789012", "uid:1000", now += 10s);

    std::size_t const before = allocations.load();
    for (int i = 0; i != 1000; ++i)
        table.admit("ses_1234567890123456789012", "uid:1000", now += 10s);

    CHECK(allocations.load() == before);
}

TEST_CASE("the counter of these tests counts") {
    std::size_t const before = allocations.load();
    auto const one = std::make_unique<std::string>(100, 'x');
    CHECK(allocations.load() == before + 2);
}
