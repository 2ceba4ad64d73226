#include "agents/agent_engine.hpp"

#include "agents/agent_environment.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace mcp_provider::server::agents {

namespace ag = mcp_provider::agent;

namespace {

constexpr std::chrono::milliseconds busy_tick{100};
constexpr std::chrono::milliseconds idle_tick{5'000};
constexpr std::chrono::seconds stop_time{4};
constexpr std::size_t max_text_bytes = 2'000; // of an agent's words in a log or a message
constexpr int max_attempts = 3;

rejection all_busy(std::chrono::seconds again) {
    return rejection{rejection_code::overloaded, "all agents are busy"}
        .because("agents_busy")
        .come_again_in(again);
}

} // namespace

agent_engine::agent_engine(std::shared_ptr<agent_driver const> driver, runtime_settings settings)
    : driver_{std::move(driver)}, settings_{std::move(settings)},
      catalogue_{driver_->family(), settings_.aliases, settings_.context_tokens},
      sessions_{settings_.max_sessions, settings_.session_time} {}

void agent_engine::start(asio::any_io_executor on) {
    executor_ = on;
    clock_.emplace(on);
    // The pool lives on in its coroutines; this engine need not.
    std::weak_ptr<agent_engine> const self = weak_from_this();
    process_pool::listener heard_by;
    heard_by.on_change = [self] {
        if (auto const engine = self.lock()) engine->on_change();
    };
    heard_by.on_state = on_state_;
    heard_by.on_gone = [self](pooled_process const& one) {
        auto const engine = self.lock();
        if (!engine) return;
        engine->sessions_.forget(&one);
        if (engine->listed_ == &one) engine->listed_ = nullptr;
    };
    heard_by.describe = [environment = settings_.environment](std::string_view text) {
        return without_secrets(text, environment, max_text_bytes);
    };
    pool_ =
        std::make_shared<process_pool>(std::move(on), driver_, settings_.pool, std::move(heard_by));
    asio::post(*executor_, [pool = pool_] { pool->start(); });
}

void agent_engine::stop() {
    if (!executor_ || stopping_.exchange(true)) return;
    auto const done = std::make_shared<std::promise<void>>();
    auto const ended = done->get_future();
    asio::post(*executor_, [self = shared_from_this(), done] {
        self->stopped_ = done;
        self->end_all();
    });
    if (ended.wait_for(settings_.pool.grace + stop_time) != std::future_status::ready)
        spdlog::error("the agent processes have not ended in time");
}

void agent_engine::end_all() {
    sessions_.clear();
    for (active& one : active_) one.turn->give_up();
    pool_->stop();
    clock_->cancel();
    on_change();
}

std::string agent_engine::fit(std::string_view text) const {
    return without_secrets(text, settings_.environment, max_text_bytes);
}

turn_limits agent_engine::limits() const {
    return {settings_.request_time, settings_.stream_time, settings_.permission_time,
            settings_.max_answer_bytes, settings_.max_permissions};
}

result<std::unique_ptr<ag::delta_stream>> agent_engine::begin(ag::conversation const& ask) {
    if (!executor_ || stopping_)
        return rejection{rejection_code::overloaded, "the agents are not running"};
    auto id = catalogue_.id_of(ask.model);
    if (!id) return std::move(id).error();
    // Before anything is copied: what is over the bound must cost next to nothing.
    std::size_t const most =
        settings_.max_waiting + settings_.pool.processes * driver_->parallel_turns();
    if (begun_.fetch_add(1) >= most) {
        --begun_;
        return all_busy(std::chrono::seconds{2});
    }
    auto const turn =
        std::make_shared<agent_turn>(*executor_, ask, *std::move(id), driver_->family(), limits());
    turn->use(&settings_.permissions, desk_);
    std::weak_ptr<agent_engine> const self = weak_from_this();
    auto stream = turn->open([self, raw = turn.get()] {
        if (auto const engine = self.lock()) engine->on_wish(*raw);
    });
    asio::post(*executor_, [self = shared_from_this(), turn] {
        asio::co_spawn(*self->executor_, serve(self, turn), asio::detached);
    });
    return stream;
}

runtime_state agent_engine::state() const {
    std::lock_guard const lock{mutex_};
    return state_;
}

asio::awaitable<void> agent_engine::serve(std::shared_ptr<agent_engine> self,
                                          std::shared_ptr<agent_turn> turn) {
    auto const one = self->active_.emplace(self->active_.end(), turn);
    self->arm();
    if (self->stopping_) turn->give_up();
    auto const done = co_await self->work(*one);
    if (!done) {
        rejection const& why = done.error();
        rejection shown{why.code(), self->fit(why.message())};
        if (auto const wait = why.retry_after())
            turn->fail(std::move(shown).because(why.reason()).come_again_in(*wait));
        else
            turn->fail(std::move(shown).because(why.reason()));
    }
    self->active_.erase(one);
    --self->begun_;
    self->on_change();
}

asio::awaitable<result<>> agent_engine::work(active& on) {
    agent_turn& turn = *on.turn;
    for (int attempt = 1;; ++attempt) {
        auto known = co_await find_place(on);
        if (!known) co_return std::move(known).error();
        agent_process& process = *on.process->process;
        prompt_parts const apart{driver_->takes_system(), driver_->takes_history()};
        agent_prompt prompt = turn.asked().prompt(*known, apart);
        prompt.model = turn.model();
        if (on.session.empty()) {
            auto const until = std::chrono::steady_clock::now() + settings_.request_time;
            auto opened = co_await process.open_session(prompt, until);
            if (!opened) {
                bool const has_ended = !on.process->is_ready();
                leave(on, false);
                // Nothing was asked of the one that has ended, so another one may be.
                if (has_ended && !turn.is_unwanted() && attempt != max_attempts) continue;
                co_return std::move(opened).error();
            }
            on.session = *std::move(opened);
        }
        if (turn.is_unwanted()) {
            leave(on, false);
            co_return result<>{};
        }
        turn.begin(prompt.text.size());
        auto ended = co_await process.prompt(on.session, prompt, turn);
        if (ended) {
            turn.finish(*ended);
            on.process->served = true;
        }
        leave(on, ended && turn.went_well() && on.process->is_ready() &&
                      !process.is_spoilt(on.session));
        if (!ended) co_return std::move(ended).error();
        co_return result<>{};
    }
}

std::optional<std::size_t> agent_engine::take_place(active& on, bool may_overtake) {
    for (conversation_text::beginning const& one : on.turn->asked().beginnings()) {
        auto kept = sessions_.take(one.key);
        if (!kept) continue;
        if (!kept->process->is_ready()) continue;
        // A spoilt one must not go on; one whose process is busy would have to wait, and a new session elsewhere need not.
        if (kept->process->process->is_spoilt(kept->id) ||
            kept->process->turns >= driver_->parallel_turns()) {
            drop(*kept);
            continue;
        }
        on.process = std::move(kept->process);
        on.session = std::move(kept->id);
        ++on.process->turns;
        return one.messages;
    }
    if (!may_overtake) return std::nullopt;
    auto found = pool_->pick();
    if (!found && !pool_->is_starting())
        if (auto const oldest = sessions_.take_oldest()) {
            drop(
                *oldest); // one that waits for its conversation must not keep others from having one
            found = pool_->pick();
        }
    if (!found) return std::nullopt;
    on.process = std::move(found);
    ++on.process->turns;
    ++on.process->sessions;
    return 0;
}

asio::awaitable<result<std::size_t>> agent_engine::find_place(active& on) {
    agent_turn& turn = *on.turn;
    auto const until = std::chrono::steady_clock::now() + settings_.request_time;
    auto place = waiting_.end();
    auto const stop_waiting = [&] {
        if (place != waiting_.end()) waiting_.erase(place);
    };
    for (;;) {
        if (turn.is_unwanted()) {
            stop_waiting();
            co_return rejection{rejection_code::client_closed, "the request was cancelled"};
        }
        bool const is_first = waiting_.empty() || waiting_.front() == &turn;
        if (auto const known = take_place(on, is_first)) {
            stop_waiting();
            on_change(); // the next one in the row may have a place, too
            co_return *known;
        }
        if (auto why = pool_->failure()) {
            stop_waiting();
            co_return *std::move(why);
        }
        if (place == waiting_.end()) {
            if (waiting_.size() >= settings_.max_waiting)
                co_return all_busy(std::chrono::seconds{2});
            place = waiting_.insert(waiting_.end(), &turn);
            publish();
        }
        if (std::chrono::steady_clock::now() >= until) {
            stop_waiting();
            co_return all_busy(std::chrono::seconds{5});
        }
        turn.bell.expires_at(until);
        std::error_code ignored;
        co_await turn.bell.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

void agent_engine::leave(active& on, bool keep) {
    pooled_process& process = *on.process;
    --process.turns;
    if (keep) {
        auto const key = on.turn->asked().key_with(on.turn->answer());
        kept_session session{on.process, on.session};
        for (kept_session const& gone :
             sessions_.put(key, std::move(session), std::chrono::steady_clock::now()))
            drop(gone);
    } else {
        drop(kept_session{on.process, on.session});
    }
    auto const left = std::move(on.process);
    on.process.reset();
    on.session.clear();
    on.turn->cancelled_at.reset();
    pool_->settle(*left);
}

void agent_engine::drop(kept_session const& session) {
    pooled_process& process = *session.process;
    --process.sessions;
    if (process.is_ready() && !session.id.empty()) process.process->close_session(session.id);
    if (driver_->sessions() == 1) pool_->retire(process);
}

void agent_engine::on_wish(agent_turn& turn) {
    turn.bell.cancel();
    auto const found = std::find_if(active_.begin(), active_.end(),
                                    [&](active const& one) { return one.turn.get() == &turn; });
    if (found == active_.end() || !found->process) return;
    if (turn.is_unwanted() && !turn.cancelled_at) {
        turn.cancelled_at = std::chrono::steady_clock::now();
        if (!found->session.empty()) found->process->process->cancel(found->session);
    }
    found->process->process->read_on();
}

void agent_engine::on_change() {
    if (!pool_) return; // all has ended
    auto const running = pool_->running();
    if (!running.empty() && listed_ != running.front().get()) {
        listed_ = running.front().get();
        catalogue_.set(listed_->process->models(), listed_->process->abilities());
    }
    publish();
    for (agent_turn* const one : waiting_) one->bell.cancel();
    if (!stopped_ || !pool_->stopped() || !active_.empty()) return;
    // What has timers goes on the context that they are on: this engine may outlive it.
    clock_.reset();
    asio::post(*executor_, [gone = std::move(pool_)] {});
    std::exchange(stopped_, nullptr)->set_value();
}

void agent_engine::publish() {
    std::lock_guard const lock{mutex_};
    state_.ready = pool_->running().size();
    state_.turns = active_.size() - waiting_.size();
    state_.waiting = waiting_.size();
    state_.sessions = sessions_.size();
    state_.failure = state_.ready == 0 ? pool_->last_failure() : std::string{};
}

void agent_engine::arm() {
    if (ticking_ || stopping_) return;
    ticking_ = true;
    clock_->expires_after(active_.empty() ? idle_tick : busy_tick);
    clock_->async_wait([weak = weak_from_this()](std::error_code stopped) {
        auto const self = weak.lock();
        if (!self) return;
        self->ticking_ = false;
        if (!stopped) self->tick();
    });
}

void agent_engine::tick() {
    auto const now = std::chrono::steady_clock::now();
    for (active& one : active_)
        if (one.process && one.turn->is_late(now))
            one.turn->fail(rejection{rejection_code::timed_out,
                                     "the agent showed no sign of life for too long"});
    look_after_cancelled(now);
    for (kept_session const& old : sessions_.take_expired(now)) drop(old);
    if (!active_.empty() || sessions_.size() != 0) arm();
}

// An agent that does not stop when it is told to is killed; but not with it the turns of others.
void agent_engine::look_after_cancelled(steady_time now) {
    for (active const& one : active_) {
        if (!one.process || !one.turn->cancelled_at ||
            now < *one.turn->cancelled_at + settings_.cancel_time)
            continue;
        auto const stuck = static_cast<std::size_t>(
            std::count_if(active_.begin(), active_.end(), [&](active const& other) {
                return other.process == one.process && other.turn->cancelled_at &&
                       now >= *other.turn->cancelled_at + settings_.cancel_time;
            }));
        if (!one.process->retired)
            spdlog::warn("an agent process does not stop an answer that nobody wants; it is ended");
        if (stuck >= one.process->turns)
            pool_->kill(*one.process);
        else
            pool_->retire(*one.process);
    }
}

} // namespace mcp_provider::server::agents
