#include "agents/process_pool.hpp"

#include "mcp_provider/crypto/random.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <system_error>

namespace mcp_provider::server::agents {

namespace {

constexpr std::chrono::milliseconds soon{
    2'000}; // so long somebody waits for a process to be started anew

} // namespace

process_pool::process_pool(asio::any_io_executor executor,
                           std::shared_ptr<agent_driver const> driver, pool_settings settings,
                           listener heard_by)
    : executor_{std::move(executor)}, driver_{std::move(driver)}, settings_{std::move(settings)},
      heard_by_{std::move(heard_by)} {
    slots_.reserve(settings_.processes);
    for (std::size_t i = 0; i != settings_.processes; ++i) slots_.emplace_back(executor_);
}

void process_pool::start() {
    for (std::size_t place = 0; place != slots_.size(); ++place) {
        ++keepers_;
        asio::co_spawn(executor_, keep(shared_from_this(), place), asio::detached);
    }
}

void process_pool::stop() {
    stopping_ = true;
    for (slot& one : slots_) {
        one.pause.cancel();
        if (one.current) one.current->bell.cancel();
    }
}

std::shared_ptr<pooled_process> process_pool::pick() const {
    std::shared_ptr<pooled_process> best;
    for (slot const& one : slots_) {
        auto const& process = one.current;
        if (!process || !process->is_ready() || process->turns >= driver_->parallel_turns() ||
            process->sessions >= driver_->sessions())
            continue;
        if (!best || process->turns < best->turns) best = process;
    }
    return best;
}

std::optional<rejection> process_pool::failure() const {
    if (stopping_) return rejection{rejection_code::overloaded, "the server is about to stop"};
    if (!failure_) return std::nullopt;
    // Who has no program, or no login, will have none in some seconds either.
    bool const is_hopeless = !failure_->reason().empty();
    auto const now = std::chrono::steady_clock::now();
    auto earliest = steady_time::max();
    for (slot const& one : slots_) {
        // One that runs, or is being started.
        if (one.current && (one.current->is_ready() || !is_hopeless)) return std::nullopt;
        if (one.next_start) earliest = std::min(earliest, *one.next_start);
    }
    if (earliest <= now + soon && !is_hopeless) return std::nullopt;
    rejection why = *failure_;
    if (earliest == steady_time::max()) return why;
    return std::move(why).come_again_in(std::chrono::ceil<std::chrono::seconds>(earliest - now));
}

bool process_pool::is_starting() const {
    auto const now = std::chrono::steady_clock::now();
    return std::any_of(slots_.begin(), slots_.end(), [&](slot const& one) {
        if (one.current) return !one.current->is_ready();
        return !one.next_start || *one.next_start <= now + soon;
    });
}

void process_pool::retire(pooled_process& one) {
    one.retired = true;
    settle(one);
}

void process_pool::kill(pooled_process& one) {
    one.retired = true;
    if (one.process) one.process->end(true);
    one.bell.cancel();
}

void process_pool::settle(pooled_process& one) {
    if (one.retired && one.turns == 0) one.bell.cancel();
    heard_by_.on_change();
}

std::vector<std::shared_ptr<pooled_process>> process_pool::running() const {
    std::vector<std::shared_ptr<pooled_process>> all;
    for (slot const& one : slots_)
        if (one.current && one.current->is_ready()) all.push_back(one.current);
    return all;
}

// Full delays in step would let all processes, and all servers of a machine, start in the same moment.
std::chrono::milliseconds process_pool::delay_after(unsigned failures) const {
    if (failures <= 1) return std::chrono::milliseconds{0};
    auto delay = settings_.first_delay;
    for (unsigned i = 2; i < failures && delay < settings_.last_delay; ++i) delay *= 2;
    delay = std::min(delay, settings_.last_delay);
    std::array<std::uint8_t, 1> random{};
    crypto::fill_random(random);
    return delay * 3 / 4 + delay * random[0] / 512;
}

asio::awaitable<void> process_pool::run(std::shared_ptr<process_pool> self,
                                        std::shared_ptr<pooled_process> one) {
    one->why = co_await one->process->run();
    one->ended = true;
    one->bell.cancel();
    self->heard_by_.on_change();
}

asio::awaitable<result<>> process_pool::bring_up(std::shared_ptr<pooled_process> one) {
    if (auto const failed = scratch_directory::make(settings_.scratch, one->home))
        co_return rejection{rejection_code::internal,
                            "the agent's working directory cannot be made: " + failed.message()};
    one->process = driver_->make(executor_, one->home.path());
    if (auto launched = one->process->launch(); !launched) {
        one->ended = true;
        co_return std::move(launched).error();
    }
    asio::co_spawn(executor_, run(shared_from_this(), one), asio::detached);
    auto const until = std::chrono::steady_clock::now() + settings_.start_time;
    auto greeted = co_await one->process->greet(until);
    if (!greeted) co_return std::move(greeted).error();
    if (one->ended) co_return rejection{rejection_code::upstream_failed, "the agent ended"};
    co_return result<>{};
}

asio::awaitable<void> process_pool::bring_down(std::shared_ptr<pooled_process> one) {
    // Whether it ended by itself or not: what it has started must go, too.
    one->process->end(one->ended);
    auto const until = std::chrono::steady_clock::now() + settings_.grace + soon;
    bool const gone = co_await one->process->gone(until);
    // Only then it is known how it ended.
    one->bell.expires_at(until);
    while (!one->ended && std::chrono::steady_clock::now() < until) {
        std::error_code ignored;
        co_await one->bell.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    if (!gone) spdlog::error("the agent process {} does not end", one->process->id());
}

void process_pool::tell(std::string_view state, std::string_view why) const {
    if (heard_by_.on_state) heard_by_.on_state(state, why);
}

// Each change is told once, not each of many attempts.
void process_pool::note_end(pooled_process const& one, bool was_up) {
    if (stopping_ || (one.retired && one.why.empty())) {
        spdlog::debug("an agent process was ended");
        return;
    }
    if (was_up) last_failure_ = "the agent ended: " + heard_by_.describe(one.why);
    tell(was_up ? "crashed" : "failed", last_failure_);
    std::string const tail = heard_by_.describe(one.process ? one.process->error_tail() : "");
    auto const level = last_failure_ == last_logged_ ? spdlog::level::debug : spdlog::level::warn;
    last_logged_ = last_failure_;
    spdlog::log(level, "agent process: {}{}{}", last_failure_,
                tail.empty() ? "" : "; its last words on standard error: ", tail);
}

// What a caller is told: also how the process ended, where that is why it could not be greeted.
void process_pool::note_failure(rejection const& why, std::string const& end) {
    std::string text = why.message();
    if (!end.empty() && why.reason().empty()) text += ": " + end;
    last_failure_ = heard_by_.describe(text);
    failure_ = rejection{why.code(), last_failure_}.because(why.reason());
}

asio::awaitable<void> process_pool::keep(std::shared_ptr<process_pool> self, std::size_t place) {
    unsigned failures = 0;
    while (!self->stopping_) {
        auto const one = std::make_shared<pooled_process>(self->executor_);
        self->slots_[place].current = one;
        self->slots_[place].next_start.reset();
        self->tell("started");
        auto const up = co_await self->bring_up(one);
        if (up) {
            self->tell("ready");
            one->greeted = true;
            self->failure_.reset();
            self->last_failure_.clear();
            self->heard_by_.on_change();
            while (!one->ended && !self->stopping_ && !(one->retired && one->turns == 0)) {
                one->bell.expires_at(steady_time::max());
                std::error_code ignored;
                co_await one->bell.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            }
        }
        self->slots_[place].current.reset();
        self->heard_by_.on_gone(*one);
        bool const by_itself = one->process && !one->process->is_usable();
        if (one->process) co_await self->bring_down(one);
        if (!up) self->note_failure(up.error(), by_itself ? one->why : std::string{});
        self->note_end(*one, up.has_value());
        one->home = scratch_directory{};
        if (self->stopping_) break;
        // One that was sent away, or had served, starts again at once.
        failures = one->served || (up && one->retired) ? 1 : failures + 1;
        auto const delay = self->delay_after(failures);
        if (up && !one->retired)
            self->failure_ =
                rejection{rejection_code::upstream_failed,
                          "the agent ends soon after its start; the server's log says why"};
        slot& here = self->slots_[place];
        here.next_start = std::chrono::steady_clock::now() + delay;
        self->heard_by_.on_change();
        here.pause.expires_at(*here.next_start);
        std::error_code ignored;
        co_await here.pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    self->slots_[place].current.reset();
    --self->keepers_;
    self->heard_by_.on_change();
}

} // namespace mcp_provider::server::agents
