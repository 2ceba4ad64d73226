// What six policies cost a request, over a bare handler and over the same checks written by hand in one function.
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/concurrency_limit.hpp"
#include "mcp_provider/policy/deadline.hpp"
#include "mcp_provider/testing/fake_request.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

std::uint64_t allocations = 0;

} // namespace

// Everything that takes memory in the end: operator new calls malloc, Asio takes its coroutine frames from aligned_alloc.
// The C library keeps its own under these names (glibc).
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
extern "C" {
void* __libc_malloc(std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;

void* malloc(std::size_t size) noexcept {
    ++allocations;
    return __libc_malloc(size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    ++allocations;
    return __libc_memalign(alignment, size);
}
}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

namespace {

using namespace mcp_provider;

constexpr std::uint32_t known_uid = 1000;
constexpr std::size_t most_fields = 100;
constexpr std::uint64_t most_bytes = 10 * 1024 * 1024;
constexpr time_limits limits{std::chrono::seconds{30}, std::chrono::seconds{60}};

// --- six policies: two of the library's, and four as cheap as a check can be, so that it is the pipeline that is measured

struct on_this_machine {};
class loopback_only {
public:
    static constexpr std::string_view name = "loopback_only";
    result<on_this_machine> on_request(http::request const& asked) const {
        if (asked.peer().is_loopback()) return on_this_machine{};
        return rejection{rejection_code::forbidden, "only callers of this machine are served"};
    }
};

class caller {
public:
    explicit caller(scopes may) noexcept : may_{may} {}
    [[nodiscard]] bool may(scope what) const noexcept { return may_.has(what); }

private:
    scopes may_;
};
class known_user {
public:
    static constexpr std::string_view name = "known_user";
    result<caller> on_request(http::request const& asked, on_this_machine const&) const {
        if (asked.peer().user() == known_uid) return caller{scope::generate};
        return rejection{rejection_code::unauthenticated, "a token is needed"};
    }
};

class may_generate {
public:
    static constexpr std::string_view name = "may_generate";
    result<> on_request(caller const& who) const {
        if (who.may(scope::generate)) return {};
        return rejection{rejection_code::forbidden, "this needs the scope 'generate'"};
    }
};

class small_enough {
public:
    static constexpr std::string_view name = "small_enough";
    result<> on_request(http::request const& asked) const {
        if (asked.fields().size() > most_fields)
            return rejection{rejection_code::header_too_large, "too many fields"};
        if (asked.framing().content_length > most_bytes)
            return rejection{rejection_code::too_large, "too long"};
        return {};
    }
};

// --- three services around the same answer

http::response answer() { return http::response{200, "text/plain", std::string{}}; }

auto bare() {
    return pipeline<>{}.handle([](http::request const&) { return answer(); });
}

auto six(std::shared_ptr<concurrency_gauge> running) {
    return pipeline(loopback_only{}, known_user{}, may_generate{}, small_enough{},
                    concurrency_limit{std::move(running)}, deadline{limits})
        .handle([](caller const& who) {
            benchmark::DoNotOptimize(&who);
            return answer();
        });
}

/// The checks of the six in one function: what somebody would write who has no pipeline.
auto by_hand(std::shared_ptr<concurrency_gauge> running) {
    return pipeline<>{}.handle([running = std::move(running)](
                                   http::request const& asked) -> result<http::response> {
        if (!asked.peer().is_loopback())
            return rejection{rejection_code::forbidden, "only callers of this machine are served"};
        if (asked.peer().user() != known_uid)
            return rejection{rejection_code::unauthenticated, "a token is needed"};
        caller const who{scope::generate};
        if (!who.may(scope::generate))
            return rejection{rejection_code::forbidden, "this needs the scope 'generate'"};
        if (asked.fields().size() > most_fields)
            return rejection{rejection_code::header_too_large, "too many fields"};
        if (asked.framing().content_length > most_bytes)
            return rejection{rejection_code::too_large, "too long"};
        if (!running->try_enter())
            return rejection{rejection_code::overloaded, "server busy"}.come_again_in(
                std::chrono::seconds{1});
        concurrency_slot const slot{*running};
        time_limits const given = limits;
        benchmark::DoNotOptimize(&given);
        benchmark::DoNotOptimize(&who);
        return answer();
    });
}

// --- driving them

/// A connection that takes every answer at once, and keeps nothing.
class sink final : public channel {
public:
    [[nodiscard]] bool body_is_here() const noexcept override { return true; }
    [[nodiscard]] http::body body() const noexcept override { return {}; }
    [[nodiscard]] asio::awaitable<result<>> read_body() override { co_return result<>{}; }
    [[nodiscard]] asio::awaitable<delivery> deliver(http::response& given) override {
        answered_ += given.status() == 200 ? 1 : 0;
        co_return delivery{end_cause::completed, 100, steady_time{} + std::chrono::seconds{1}};
    }
    void set_time_limits(time_limits given) noexcept override { benchmark::DoNotOptimize(&given); }
    void watch_revocation(std::atomic<bool> const&) noexcept override {}
    [[nodiscard]] std::optional<end_cause> cancelled_by() const noexcept override {
        return std::nullopt;
    }
    [[nodiscard]] steady_time started() const noexcept override { return steady_time{}; }
    [[nodiscard]] std::uint64_t request_bytes() const noexcept override { return 1024; }

    [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }

private:
    std::uint64_t answered_ = 0;
};

template <class Service>
asio::awaitable<void> serve_all(benchmark::State& state, Service const& served,
                                http::request const& asked, sink& to) {
    constexpr int warm_up = 100;
    for (int i = 0; i < warm_up; ++i) co_await served.serve(asked, to);
    std::uint64_t const before = allocations;
    for ([[maybe_unused]] auto _ : state) co_await served.serve(asked, to);
    state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocations - before),
                                                       benchmark::Counter::kAvgIterations);
    if (to.answered() != static_cast<std::uint64_t>(state.iterations()) + warm_up)
        state.SkipWithError("a request was refused");
}

template <class Service>
void serve(benchmark::State& state, Service const& served) {
    testing::fake_request asked{"POST", "/v1/chat/completions"};
    asked.with("User-Agent", "OpenAI/JS 4.96.0")
        .with("Content-Type", "application/json")
        .with("Authorization", "Bearer mlp_k3Yh0Qv7cXb1nPz5sT8wRgU2aJ6dLf9e")
        .announcing({.content_length = 1024});
    sink to;
    asio::io_context context{1};
    asio::co_spawn(context, serve_all(state, served, asked.get(), to), asio::detached);
    context.run();
}

void bare_handler(benchmark::State& state) { serve(state, bare()); }
void six_policies(benchmark::State& state) {
    serve(state, six(std::make_shared<concurrency_gauge>(10U)));
}
void same_by_hand(benchmark::State& state) {
    serve(state, by_hand(std::make_shared<concurrency_gauge>(10U)));
}

// For the clock.
BENCHMARK(bare_handler);
BENCHMARK(six_policies);
BENCHMARK(same_by_hand);
// For counting instructions: the difference between the two numbers of rounds is the requests' own.
BENCHMARK(bare_handler)->Iterations(1'000)->Name("count/bare_handler/few");
BENCHMARK(bare_handler)->Iterations(21'000)->Name("count/bare_handler/many");
BENCHMARK(six_policies)->Iterations(1'000)->Name("count/six_policies/few");
BENCHMARK(six_policies)->Iterations(21'000)->Name("count/six_policies/many");
BENCHMARK(same_by_hand)->Iterations(1'000)->Name("count/same_by_hand/few");
BENCHMARK(same_by_hand)->Iterations(21'000)->Name("count/same_by_hand/many");

} // namespace
