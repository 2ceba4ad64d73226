// Coroutines that nobody awaits, and that end when their owner goes.
#pragma once

#include "mcp_provider/net/asio.hpp"

#include <cstddef>
#include <exception>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp::detail {

/// *Thread safety*: used on the thread of one io_context. *Lifetime*: destroying it cancels what runs.
class task_group {
public:
    task_group() = default;
    task_group(task_group const&) = delete;
    task_group& operator=(task_group const&) = delete;
    ~task_group() { cancel(); }

    /// What it throws is dropped: a task that can fail says so itself.
    void start(asio::any_io_executor const& on, asio::awaitable<void> work, std::string name = {}) {
        auto const at = running_->emplace(running_->end(), std::move(name));
        asio::co_spawn(on, std::move(work),
                       asio::bind_cancellation_slot(
                           at->stop.slot(),
                           [list = running_, at](std::exception_ptr const&) { list->erase(at); }));
    }

    void cancel(std::string_view name) {
        cancel_where([&](task const& one) { return one.name == name; });
    }
    void cancel() {
        cancel_where([](task const&) { return true; });
    }

    [[nodiscard]] std::size_t count(std::string_view prefix) const noexcept {
        std::size_t found = 0;
        for (task const& one : *running_) found += one.name.starts_with(prefix) ? 1 : 0;
        return found;
    }

private:
    struct task {
        explicit task(std::string its_name) : name{std::move(its_name)} {}
        std::string name;
        asio::cancellation_signal stop;
    };

    template <class Which>
    void cancel_where(Which which) {
        auto const keep = running_; // a task's end may end the owner
        for (auto at = keep->begin(); at != keep->end();) {
            task& one = *at++;
            if (which(one)) one.stop.emit(asio::cancellation_type::terminal);
        }
    }

    std::shared_ptr<std::list<task>> running_ = std::make_shared<std::list<task>>();
};

} // namespace mcp_provider::mcp::detail
