// A child with its pipes, its guardian and what is known of its end.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/command_line.hpp"
#include "mcp_provider/net/detail/guardian.hpp"

#include <asio/posix/stream_descriptor.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::net {

/// A program to start, and what it may have.
class child_command {
public:
    child_command() = default;
    explicit child_command(std::vector<std::string> words) : arguments{std::move(words)} {}

    std::vector<std::string>
        arguments; ///< the program first; looked up in PATH where it has no slash
    std::vector<std::string> environment; ///< `NAME=value`: all that it gets; ours is not inherited
    std::string directory;                ///< its working directory; empty for ours
    std::chrono::milliseconds grace{2'000}; ///< between SIGTERM and SIGKILL
    std::size_t max_line_bytes = 8 * 1024 * 1024;
    std::size_t max_unsent_bytes = 64 * 1024 * 1024;
    std::size_t error_tail_bytes = 16 * 1024; ///< kept of its standard error

    /// The value of a variable of its environment; empty where it has none.
    [[nodiscard]] std::string_view variable(std::string_view name) const noexcept {
        for (std::string_view const one : environment)
            if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
                return one.substr(name.size() + 1);
        return {};
    }
};

/// How a child ended.
struct child_exit {
    enum class kind : std::uint8_t {
        unknown,    ///< it runs, or its guardian was killed
        exited,     ///< `value` is its exit status
        killed,     ///< `value` is the number of the signal
        not_started ///< `value` is the errno of execve(2) or chdir(2)
    };
    child_exit::kind how = kind::unknown;
    int value = 0;
};

namespace detail {

/// Shared by the owner and by the waits in progress, the last of which sees the child's end and reaps its guardian.
class guarded_child {
public:
    using descriptor = asio::posix::stream_descriptor;

    guarded_child(asio::any_io_executor const& executor, child_command const& command)
        : input_{executor}, output_{executor}, error_{executor}, report_{executor},
          guardian_{executor},
          max_unsent_{command.max_unsent_bytes}, max_tail_{command.error_tail_bytes} {}
    guarded_child(guarded_child const&) = delete;
    guarded_child& operator=(guarded_child const&) = delete;
    // Only where the io_context has gone meanwhile: nobody else would reap it.
    ~guarded_child() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGINT);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

    [[nodiscard]] std::error_code start(std::shared_ptr<guarded_child> const& self,
                                        child_command const& command) {
        std::string const file = command.arguments.empty() ? std::string{}
                                                           : find_program(command.arguments.front(),
                                                                          command.variable("PATH"));
        if (file.empty()) return std::make_error_code(std::errc::no_such_file_or_directory);
        std::array<pipe_ends, 4> pipes;
        for (pipe_ends& one : pipes)
            if (!one.open()) return last_error();
        std::vector<char*> const arguments = pointers(command.arguments);
        std::vector<char*> const environment = pointers(command.environment);
        guardian_orders orders{};
        orders.file = file.c_str();
        orders.arguments = arguments.data();
        orders.environment = environment.data();
        orders.directory = command.directory.empty() ? nullptr : command.directory.c_str();
        orders.streams = {pipes[0].ends[0], pipes[1].ends[1], pipes[2].ends[1]};
        orders.report = pipes[3].ends[1];
        orders.parent = ::getpid();
        orders.grace_ms = command.grace.count();
        if (auto const failed = fork_guardian(orders)) return failed;
        for (auto const failed : {adopt(input_, pipes[0], 1), adopt(output_, pipes[1], 0),
                                  adopt(error_, pipes[2], 0), adopt(report_, pipes[3], 0)})
            if (failed) return failed;
        watch(self);
        drain(self);
        self_ = self;
        return {};
    }

    [[nodiscard]] descriptor& output() noexcept { return output_; }

    [[nodiscard]] bool send(std::string_view text) {
        if (!input_.is_open() || closing_) return false;
        if (unsent_.empty() && !write(text)) return false;
        if (text.empty()) return true;
        if (unsent_bytes() + text.size() > max_unsent_) return false;
        if (sent_ > unsent_.size() / 2) unsent_.erase(0, std::exchange(sent_, 0));
        unsent_.append(text);
        flush();
        return true;
    }
    [[nodiscard]] std::size_t unsent_bytes() const noexcept { return unsent_.size() - sent_; }
    void close_input() {
        closing_ = true;
        if (unsent_.empty()) close(input_);
    }

    void end() {
        if (pid_ > 0) ::kill(pid_, SIGTERM);
    }
    void kill() {
        if (pid_ > 0) ::kill(pid_, SIGINT);
    }
    /// Nobody reads or writes any more; only the child's end is still waited for.
    void close() {
        close(input_);
        close(output_);
        close(error_);
    }

    [[nodiscard]] bool is_gone() const noexcept { return pid_ <= 0; }
    [[nodiscard]] child_exit exit() const noexcept { return exit_; }
    [[nodiscard]] int id() {
        read_reports();
        return id_;
    }
    [[nodiscard]] std::string error_tail() const {
        std::size_t const size = tail_.size();
        return size <= max_tail_ ? tail_ : tail_.substr(size - max_tail_);
    }

    asio::steady_timer& add_waiter(steady_time until) {
        waiters_.emplace_back(output_.get_executor());
        waiters_.back().expires_at(until);
        return waiters_.back();
    }
    void remove_waiter(asio::steady_timer const& one) {
        waiters_.remove_if([&](asio::steady_timer const& other) { return &other == &one; });
    }

private:
    /// Both ends of a pipe, above the standard streams, closed by exec.
    struct pipe_ends {
        pipe_ends() = default;
        pipe_ends(pipe_ends const&) = delete;
        pipe_ends& operator=(pipe_ends const&) = delete;
        ~pipe_ends() {
            for (int const end : ends)
                if (end >= 0) ::close(end);
        }
        bool open() {
            if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
            // Where our own standard streams are closed, a pipe could take their place.
            for (int& end : ends)
                if (end < 3) {
                    int const higher = ::fcntl(end, F_DUPFD_CLOEXEC, 3);
                    if (higher < 0) return false;
                    ::close(std::exchange(end, higher));
                }
            return true;
        }
        std::array<int, 2> ends{-1, -1};
    };

    static std::error_code last_error() { return {errno, std::system_category()}; }

    static std::vector<char*> pointers(std::vector<std::string> const& words) {
        std::vector<char*> all;
        for (std::string const& one : words) all.push_back(const_cast<char*>(one.c_str()));
        all.push_back(nullptr);
        return all;
    }

    static std::error_code adopt(descriptor& into, pipe_ends& from, std::size_t which) {
        std::error_code failed;
        into.assign(from.ends[which], failed);
        if (failed) return failed;
        from.ends[which] = -1;
        into.non_blocking(true, failed);
        return failed;
    }

    std::error_code fork_guardian(guardian_orders const& orders) {
        // No handler of ours may run in the guardian, and no signal of its may be lost before it waits.
        sigset_t all;
        sigset_t before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        pid_ = ::fork();
        if (pid_ == 0) guardian::run(orders);
        std::error_code failed;
        if (pid_ < 0) failed = last_error();
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        if (failed) return failed;
        auto const handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0U));
        if (handle < 0) return last_error(); // the destructor ends it
        guardian_.assign(handle, failed);
        if (failed) ::close(handle);
        return failed;
    }

    // The descriptor of a process can be read from once it has ended (pidfd_open(2)).
    void watch(std::shared_ptr<guarded_child> const& self) {
        guardian_.async_wait(descriptor::wait_read, [this, self](std::error_code error) {
            if (error) return;
            if (::waitpid(pid_, nullptr, WNOHANG) != pid_) return watch(self);
            pid_ = 0;
            read_reports();
            for (int reads = 0; reads != 64 && read_error(); ++reads) {
            }
            guardian_.close();
            report_.close();
            for (asio::steady_timer& one : waiters_) one.cancel();
        });
    }

    void read_reports() {
        if (!report_.is_open()) return;
        for (;;) {
            // As long as a report is below PIPE_BUF, it is there whole or not at all.
            guardian_report report{};
            std::error_code error;
            if (report_.read_some(asio::buffer(&report, sizeof report), error) != sizeof report)
                return;
            switch (report.what) {
            case guardian_report::kind::started: id_ = report.value; break;
            case guardian_report::kind::cannot_start:
                exit_ = {child_exit::kind::not_started, report.value};
                break;
            case guardian_report::kind::ended:
                if (exit_.how == child_exit::kind::not_started) break;
                if (WIFSIGNALED(report.value))
                    exit_ = {child_exit::kind::killed, WTERMSIG(report.value)};
                else
                    exit_ = {child_exit::kind::exited, WEXITSTATUS(report.value)};
                break;
            }
        }
    }

    // Standard error is always read, or the child would wait for it.
    void drain(std::shared_ptr<guarded_child> const& self) {
        error_.async_wait(descriptor::wait_read, [this, self](std::error_code error) {
            if (error) return;
            read_error();
            if (error_.is_open()) drain(self);
        });
    }

    // Takes a piece of it; false where there is none now.
    bool read_error() {
        if (!error_.is_open()) return false;
        std::array<char, 16 * 1024> bytes;
        std::error_code error;
        std::size_t const got = error_.read_some(asio::buffer(bytes), error);
        tail_.append(bytes.data(), got);
        if (tail_.size() > 2 * max_tail_) tail_.erase(0, tail_.size() - max_tail_);
        if (got == 0 && error != asio::error::would_block && error != asio::error::try_again)
            close(error_);
        return got != 0;
    }

    void flush() {
        if (std::exchange(flushing_, true)) return;
        input_.async_wait(descriptor::wait_write,
                          [this, self = self_.lock()](std::error_code error) {
                              flushing_ = false;
                              if (error) return;
                              std::string_view left = std::string_view{unsent_}.substr(sent_);
                              if (!write(left)) return close(input_);
                              sent_ = unsent_.size() - left.size();
                              if (!left.empty()) return flush();
                              unsent_.clear();
                              if (unsent_.capacity() > keep_bytes) unsent_.shrink_to_fit();
                              sent_ = 0;
                              if (closing_) close(input_);
                          });
    }

    /// Writes what the pipe takes. False where nobody can read it any more; then without the signal, which a pipe, other
    /// than a socket, cannot be told to leave out.
    bool write(std::string_view& text) {
        sigset_t broken;
        sigset_t before;
        ::sigemptyset(&broken);
        ::sigaddset(&broken, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &broken, &before);
        std::error_code error;
        text.remove_prefix(input_.write_some(asio::buffer(text.data(), text.size()), error));
        bool const is_broken =
            error && error != asio::error::would_block && error != asio::error::try_again;
        timespec const now{};
        if (is_broken && ::sigismember(&before, SIGPIPE) == 0)
            while (::sigtimedwait(&broken, nullptr, &now) < 0 && errno == EINTR) {
            }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return !is_broken;
    }

    static void close(descriptor& one) {
        std::error_code ignored;
        one.close(ignored);
    }

    static constexpr std::size_t keep_bytes = 64 * 1024;

    std::weak_ptr<guarded_child> self_;
    descriptor input_;
    descriptor output_;
    descriptor error_;
    descriptor report_;
    descriptor guardian_;
    std::list<asio::steady_timer> waiters_;
    std::string unsent_;
    std::size_t sent_ = 0;
    std::string tail_;
    std::size_t max_unsent_;
    std::size_t max_tail_;
    child_exit exit_;
    pid_t pid_ = 0; // of the guardian, while it is not reaped
    int id_ = 0;    // of the child
    bool flushing_ = false;
    bool closing_ = false;
};

} // namespace detail

} // namespace mcp_provider::net
