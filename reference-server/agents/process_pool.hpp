// Agent processes that are kept running: started before they are needed, and again when they end.
#pragma once

#include "agents/agent_driver.hpp"
#include "agents/scratch_directory.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

struct pool_settings {
    std::size_t processes = 2;                    ///< AGENT_POOL
    std::filesystem::path scratch;                ///< folder for their working directories
    std::chrono::milliseconds start_time{60'000}; ///< to be ready; some take 10 s and more
    std::chrono::milliseconds grace{2'000};       ///< that one has to end by itself
    std::chrono::milliseconds first_delay{
        100}; ///< before the second start in a row; doubles each time …
    std::chrono::milliseconds last_delay{30'000}; ///< … up to this
};

/// One process of the pool, and what it is busy with.
class pooled_process {
public:
    explicit pooled_process(asio::any_io_executor const& on) : bell{on, steady_time::max()} {}

    /// Whether it can be given something to do.
    [[nodiscard]] bool is_ready() const noexcept {
        return greeted && !ended && !retired && process->is_usable();
    }

    std::unique_ptr<agent_process> process;
    scratch_directory home;
    std::size_t turns = 0;    ///< in progress
    std::size_t sessions = 0; ///< open, with or without a turn
    bool greeted = false;
    bool served = false;  ///< a turn came to a good end
    bool retired = false; ///< gets nothing more to do, and ends with its last turn
    bool ended = false;
    std::string why;         ///< it ended
    asio::steady_timer bell; ///< rings when it has ended, or shall end
};

/// *Thread safety*: used on one thread, that of its executor. Held by `std::shared_ptr`, since its coroutines hold it too.
class process_pool : public std::enable_shared_from_this<process_pool> {
public:
    /// `on_change`: somebody who waits for a process may find one now, or a reason why there is none.
    /// `on_gone`: forget its sessions. `describe`: makes an agent's text fit for the log.
    /// `on_state`: a process was `started`, is `ready`, has `crashed` or could not be started (`failed`), and why; may be
    /// empty.
    struct listener {
        std::function<void()> on_change;
        std::function<void(std::string_view state, std::string_view why)> on_state;
        std::function<void(pooled_process const&)> on_gone;
        std::function<std::string(std::string_view)> describe;
    };

    process_pool(asio::any_io_executor executor, std::shared_ptr<agent_driver const> driver,
                 pool_settings settings, listener heard_by);

    /// Starts all processes, and starts them anew whenever they end, until `stop`.
    void start();
    /// Ends all; nothing is started any more. `stopped` says when all are gone.
    void stop();
    [[nodiscard]] bool stopped() const noexcept { return keepers_ == 0; }

    /// A ready process that can take another turn in a new session, the least busy; null where there is none now.
    [[nodiscard]] std::shared_ptr<pooled_process> pick() const;
    /// Why nobody should wait for a process: the last failure, while none is up and none will soon be.
    [[nodiscard]] std::optional<rejection> failure() const;
    /// Whether a process is on its way up or down, so that there will soon be another one.
    [[nodiscard]] bool is_starting() const;
    /// Gives it nothing more to do, and ends it once it does nothing.
    void retire(pooled_process& one);
    /// Ends it at once, with whatever it does.
    void kill(pooled_process& one);
    /// To be called after each change of a process's `turns` and `sessions`.
    void settle(pooled_process& one);

    [[nodiscard]] std::vector<std::shared_ptr<pooled_process>> running() const;
    /// Why the last start or process failed; empty while all is well.
    [[nodiscard]] std::string const& last_failure() const noexcept { return last_failure_; }

private:
    struct slot {
        explicit slot(asio::any_io_executor const& on) : pause{on} {}
        std::shared_ptr<pooled_process> current;
        asio::steady_timer pause;
        std::optional<steady_time> next_start; ///< while it waits to start anew
    };

    [[nodiscard]] static asio::awaitable<void> keep(std::shared_ptr<process_pool> self,
                                                    std::size_t place);
    [[nodiscard]] static asio::awaitable<void> run(std::shared_ptr<process_pool> self,
                                                   std::shared_ptr<pooled_process> one);
    [[nodiscard]] asio::awaitable<result<>> bring_up(std::shared_ptr<pooled_process> one);
    [[nodiscard]] asio::awaitable<void> bring_down(std::shared_ptr<pooled_process> one);
    [[nodiscard]] std::chrono::milliseconds delay_after(unsigned failures) const;
    void tell(std::string_view state, std::string_view why = {}) const;
    void note_end(pooled_process const& one, bool was_up);
    void note_failure(rejection const& why, std::string const& end);

    asio::any_io_executor executor_;
    std::shared_ptr<agent_driver const> driver_;
    pool_settings settings_;
    listener heard_by_;
    std::vector<slot> slots_;
    std::optional<rejection> failure_;
    std::string last_failure_;
    std::string last_logged_;
    std::size_t keepers_ = 0;
    bool stopping_ = false;
};

} // namespace mcp_provider::server::agents
