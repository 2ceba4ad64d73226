// The inside of agent_runtime: which turn gets which process and session, and what becomes of both.
#pragma once

#include "agents/agent_runtime.hpp"
#include "agents/agent_turn.hpp"
#include "agents/model_catalogue.hpp"
#include "agents/session_index.hpp"

#include <asio/steady_timer.hpp>

#include <atomic>
#include <cstddef>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace mcp_provider::server::agents {

/// `begin`, `stop`, `state` and `catalogue` may be used on any thread, all else on the runtime's.
class agent_engine : public std::enable_shared_from_this<agent_engine> {
public:
    agent_engine(std::shared_ptr<agent_driver const> driver, runtime_settings settings);

    void use_desk(std::shared_ptr<permission_desk> desk) { desk_ = std::move(desk); }
    void tell_states_to(state_listener one) { on_state_ = std::move(one); }
    void start(asio::any_io_executor on);
    void stop();

    [[nodiscard]] result<std::unique_ptr<agent::delta_stream>>
    begin(agent::conversation const& ask);
    [[nodiscard]] model_catalogue const& catalogue() const noexcept { return catalogue_; }
    [[nodiscard]] runtime_state state() const;

private:
    /// A turn in progress, and where.
    struct active {
        explicit active(std::shared_ptr<agent_turn> one) : turn{std::move(one)} {}

        std::shared_ptr<agent_turn> turn;
        std::shared_ptr<pooled_process> process; ///< null while it waits for one
        std::string session;
    };

    [[nodiscard]] static asio::awaitable<void> serve(std::shared_ptr<agent_engine> self,
                                                     std::shared_ptr<agent_turn> turn);
    [[nodiscard]] asio::awaitable<result<>> work(active& on);
    /// Waits for a process, and returns how many messages its session knows already.
    [[nodiscard]] asio::awaitable<result<std::size_t>> find_place(active& on);
    [[nodiscard]] std::optional<std::size_t> take_place(active& on, bool may_overtake);
    void leave(active& on, bool keep);
    void drop(kept_session const& session);
    [[nodiscard]] turn_limits limits() const;
    [[nodiscard]] std::string fit(std::string_view text) const;

    void on_wish(agent_turn& turn);
    void on_change();
    void publish();
    void arm();
    void tick();
    void look_after_cancelled(steady_time now);
    void end_all();

    std::shared_ptr<agent_driver const> driver_;
    runtime_settings settings_;
    model_catalogue catalogue_;
    std::shared_ptr<permission_desk> desk_;
    state_listener on_state_;
    std::optional<asio::any_io_executor> executor_;

    std::shared_ptr<process_pool> pool_;
    session_index sessions_;
    std::list<active> active_;
    std::list<agent_turn*> waiting_; ///< for a process, in the order of their coming
    std::optional<asio::steady_timer> clock_;
    pooled_process const* listed_ = nullptr; ///< whose models the catalogue has
    bool ticking_ = false;

    std::atomic<bool> stopping_ = false;
    std::atomic<std::size_t> begun_ = 0; ///< turns that `begin` has let in and that have not ended
    std::shared_ptr<std::promise<void>> stopped_;
    mutable std::mutex mutex_; // guards `state_`
    runtime_state state_;
};

} // namespace mcp_provider::server::agents
