// A program that we start and talk to in lines over its standard streams, and that never outlives us.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/command_line.hpp"
#include "mcp_provider/net/detail/deadlines.hpp"
#include "mcp_provider/net/detail/guarded_child.hpp"
#include "mcp_provider/net/line_buffer.hpp"

#include <asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::net {

/// A child process with pipes for its standard streams. It leads a session of its own; when it ends, is ended, or when we
/// end in whatever way (also by kill -9), it goes with all its descendants (see `detail::guardian`). Destroying this
/// object ends the child (SIGTERM, and SIGKILL after its grace time) without waiting for it; nothing is left a zombie.
/// *Thread safety*: used on the thread of its io_context, which must be run by one thread and must live on for as long as
/// children shall, since the kernel ends them with the *thread* that started them. Linux only.
class child_process {
public:
    explicit child_process(asio::any_io_executor executor)
        : keeper_{asio::use_service<detail::deadlines>(
              asio::query(executor, asio::execution::context))},
          executor_{std::move(executor)} {}
    child_process(child_process const&) = delete;
    child_process& operator=(child_process const&) = delete;
    ~child_process() {
        if (child_ == nullptr) return;
        child_->end();
        child_->close();
    }

    /// Starts the program; to be called once. *Errors*: `no_such_file_or_directory` where the program is not in a folder of
    /// the PATH of its environment; what fork(2) and pipe(2) say. What execve(2) says comes out of `exit`.
    [[nodiscard]] std::error_code start(child_command const& command) {
        child_ = std::make_shared<detail::guarded_child>(executor_, command);
        lines_ = line_buffer{command.max_line_bytes};
        std::error_code const failed = child_->start(child_, command);
        if (failed) child_.reset();
        return failed;
    }

    /// Waits for the next line of its standard output. One reader at a time.
    /// *Errors*: `asio::error::eof` at the end of the output, `message_size` for a line over `max_line_bytes`, `timed_out`
    /// after `until`, `operation_aborted` where it was cancelled.
    /// *Lifetime*: the line is good until the next call.
    [[nodiscard]] asio::awaitable<std::error_code> read_line(std::string_view& line,
                                                             steady_time until) {
        for (;;) {
            switch (lines_.next(line)) {
            case line_buffer::step::line: co_return std::error_code{};
            case line_buffer::step::too_long:
                co_return std::make_error_code(std::errc::message_size);
            case line_buffer::step::more: break;
            }
            if (child_ == nullptr) co_return asio::error::eof;
            std::error_code error;
            std::size_t const got = child_->output().read_some(
                asio::buffer(lines_.room(), line_buffer::read_bytes), error);
            if (got != 0) {
                lines_.filled(got);
                // One that never stops talking must leave time for the others on this thread.
                if ((since_pause_ += got) < pause_bytes) continue;
                since_pause_ = 0;
                co_await asio::post(executor_, asio::use_awaitable);
                continue;
            }
            if (error != asio::error::would_block && error != asio::error::try_again)
                co_return asio::error::eof;
            since_pause_ = 0;
            limit late{keeper_, child_->output()};
            late.set_deadline(until);
            co_await child_->output().async_wait(asio::posix::stream_descriptor::wait_read,
                                                 asio::redirect_error(asio::use_awaitable, error));
            if (late.passed()) co_return std::make_error_code(std::errc::timed_out);
            if (error) co_return error;
        }
    }

    /// Whether `read_line` would complete without waiting.
    [[nodiscard]] bool has_line() const noexcept { return lines_.has_line(); }

    /// Writes to its standard input without waiting; what the pipe does not take goes later, in order. False where the
    /// child has closed its input, or where more than `max_unsent_bytes` would wait: it does not listen.
    [[nodiscard]] bool send(std::string_view text) {
        return child_ != nullptr && child_->send(text);
    }
    /// Bytes that wait for the child to read them.
    [[nodiscard]] std::size_t unsent_bytes() const noexcept {
        return child_ != nullptr ? child_->unsent_bytes() : 0;
    }
    /// Closes its standard input once all is sent: the polite way to ask for an end.
    void close_input() {
        if (child_ != nullptr) child_->close_input();
    }

    /// Sends SIGTERM to its group now and SIGKILL after the grace time of the command.
    void end() {
        if (child_ != nullptr) child_->end();
    }
    /// Sends SIGKILL to its group at once.
    void kill() {
        if (child_ != nullptr) child_->kill();
    }

    /// Waits until the child and its descendants are gone. False at `until`, or where it was cancelled.
    [[nodiscard]] asio::awaitable<bool> gone(steady_time until) {
        std::shared_ptr<detail::guarded_child> const child = child_;
        if (child == nullptr || child->is_gone()) co_return true;
        asio::steady_timer& bell = child->add_waiter(until);
        std::error_code ignored;
        co_await bell.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        child->remove_waiter(bell);
        co_return child->is_gone();
    }

    /// Whether it was started and is not yet gone.
    [[nodiscard]] bool is_running() const noexcept {
        return child_ != nullptr && !child_->is_gone();
    }
    /// How it ended; `child_exit::kind::unknown` while it runs.
    [[nodiscard]] child_exit exit() const {
        return child_ != nullptr ? child_->exit() : child_exit{};
    }
    /// Its process id, or 0 while that is not known yet.
    [[nodiscard]] int id() const { return child_ != nullptr ? child_->id() : 0; }
    /// The last that it wrote to its standard error. May hold secrets: for the operator only.
    [[nodiscard]] std::string error_tail() const {
        return child_ != nullptr ? child_->error_tail() : std::string{};
    }

private:
    static constexpr std::size_t pause_bytes = 64 * 1024;

    /// Ends a wait that takes too long.
    class limit final : public detail::deadline {
    public:
        limit(detail::deadlines& keeper, asio::posix::stream_descriptor& on)
            : detail::deadline{keeper}, on_{on} {}
        [[nodiscard]] bool passed() const noexcept { return passed_; }

    private:
        void on_deadline() noexcept override {
            passed_ = true;
            std::error_code ignored;
            on_.cancel(ignored);
        }

        asio::posix::stream_descriptor& on_;
        bool passed_ = false;
    };

    detail::deadlines& keeper_;
    asio::any_io_executor executor_;
    std::shared_ptr<detail::guarded_child> child_;
    line_buffer lines_{0};
    std::size_t since_pause_ = 0;
};

} // namespace mcp_provider::net
