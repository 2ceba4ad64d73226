// The process between us and a child: it ends the child with all its descendants, also when we are killed.
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace mcp_provider::net::detail {

/// What the guardian tells us, in this order, through a pipe.
struct guardian_report {
    enum class kind : std::int32_t { started, cannot_start, ended };
    kind what;
    std::int32_t value; ///< the child's process id, an errno, a status of waitpid(2)
};

/// All that is needed after fork(2), made before it: nothing may be allocated there.
struct guardian_orders {
    char const* file;
    char* const* arguments;
    char* const* environment;
    char const* directory;      ///< null for ours
    std::array<int, 3> streams; ///< the child's ends of standard input, output and error
    int report;
    pid_t parent;
    std::int64_t grace_ms;
};

/// Runs in a forked process and never returns. Only system calls, as a fork of a program with threads demands.
///
/// The child leads a session, so that its whole group can be signalled; what leaves that group is still a descendant of the
/// guardian (PR_SET_CHILD_SUBREAPER) and is killed one by one. The child's process id stays reserved until its group is
/// dead, since the group is killed before the child is reaped. SIGTERM, ours or the kernel's at our death
/// (PR_SET_PDEATHSIG), asks the child to end and kills it after the grace time; SIGINT kills it at once.
class guardian {
public:
    [[noreturn]] static void run(guardian_orders const& orders) noexcept {
        guardian self{orders};
        self.start();
        self.watch();
    }

private:
    explicit guardian(guardian_orders const& orders) noexcept : orders_{orders} {}

    void start() noexcept {
        ::setsid();
        ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        if (::getppid() != orders_.parent) ::_exit(0); // we were killed meanwhile
        ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        ::prctl(PR_SET_NAME, "agent-guardian", 0, 0, 0);
        std::signal(SIGCHLD, SIG_DFL); // SIG_IGN would reap behind our back
        pid_t const self = ::getpid();
        child_ = ::fork();
        if (child_ == 0) become_child(self);
        if (child_ < 0) {
            tell(guardian_report::kind::cannot_start, errno);
            ::_exit(0);
        }
        tell(guardian_report::kind::started, child_);
        // Nothing of ours may stay open here: others wait for the end of our pipes and sockets.
        if (int const nothing = ::open("/dev/null", O_RDWR); nothing >= 0)
            for (int stream = 0; stream != 3; ++stream) ::dup2(nothing, stream);
        close_from(3, orders_.report);
        close_from(orders_.report + 1, -1);
    }

    [[noreturn]] void become_child(pid_t guarded_by) noexcept {
        ::setsid();
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (::getppid() != guarded_by) ::_exit(127);
        bool placed = true;
        for (int stream = 0; stream != 3; ++stream)
            placed =
                placed && ::dup2(orders_.streams[static_cast<std::size_t>(stream)], stream) >= 0;
        if (placed && (orders_.directory == nullptr || ::chdir(orders_.directory) == 0)) {
            for (int number = 1; number != NSIG; ++number) {
                struct sigaction now {};
                if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN)
                    std::signal(number, SIG_DFL);
            }
            sigset_t none;
            ::sigemptyset(&none);
            ::sigprocmask(SIG_SETMASK, &none, nullptr);
            // The report is closed by exec, and all else should be; other libraries forget.
            close_from(3, orders_.report);
            close_from(orders_.report + 1, -1);
            ::execve(orders_.file, orders_.arguments, orders_.environment);
        }
        tell(guardian_report::kind::cannot_start, errno);
        ::_exit(127);
    }

    [[noreturn]] void watch() noexcept {
        sigset_t awaited;
        ::sigemptyset(&awaited);
        ::sigaddset(&awaited, SIGCHLD);
        ::sigaddset(&awaited, SIGTERM);
        ::sigaddset(&awaited, SIGINT);
        std::int64_t kill_at = -1;
        for (;;) {
            reap();
            std::int64_t const left = kill_at < 0 ? 60'000 : kill_at - now_ms();
            timespec const patience{left > 0 ? left / 1000 : 0,
                                    left > 0 ? left % 1000 * 1'000'000 : 0};
            int const signal = ::sigtimedwait(&awaited, nullptr, &patience);
            if (signal == SIGTERM && kill_at < 0) {
                signal_group(SIGTERM);
                kill_at = now_ms() + orders_.grace_ms;
            } else if (signal == SIGINT || (kill_at >= 0 && now_ms() >= kill_at)) {
                signal_group(SIGKILL);
                kill_at = now_ms() + 60'000;
            }
        }
    }

    // Ends the guardian once the child has ended.
    void reap() noexcept {
        for (;;) {
            siginfo_t one{};
            if (::waitid(P_ALL, 0, &one, WEXITED | WNOHANG | WNOWAIT) != 0 || one.si_pid == 0)
                return;
            int status = 0;
            if (one.si_pid != child_) {
                ::waitpid(one.si_pid, &status, 0);
                continue;
            }
            signal_group(SIGKILL);
            ::waitpid(child_, &status, 0);
            kill_descendants();
            tell(guardian_report::kind::ended, status);
            ::_exit(0);
        }
    }

    // For a moment after its start the child has no group of its own.
    void signal_group(int number) const noexcept {
        if (::kill(-child_, number) != 0) ::kill(child_, number);
    }

    // What dies may leave children, which then are ours: until there are none, or for two seconds (uninterruptible sleep).
    static void kill_descendants() noexcept {
        for (std::int64_t const until = now_ms() + 2'000; now_ms() < until;) {
            kill_children();
            for (;;) {
                pid_t const gone = ::waitpid(-1, nullptr, WNOHANG);
                if (gone < 0) return; // ECHILD
                if (gone == 0) break;
            }
            timespec const pause{0, 2'000'000};
            ::nanosleep(&pause, nullptr);
        }
    }

    static void kill_children() noexcept {
        int const list = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
        if (list < 0) return;
        std::array<char, 512> text;
        pid_t child = 0;
        for (ssize_t got = 0; (got = ::read(list, text.data(), text.size())) > 0;) {
            for (ssize_t i = 0; i != got; ++i) {
                char const c = text[static_cast<std::size_t>(i)];
                if (c >= '0' && c <= '9') {
                    child = child * 10 + (c - '0');
                } else if (child != 0) {
                    ::kill(child, SIGKILL);
                    child = 0;
                }
            }
        }
        if (child != 0) ::kill(child, SIGKILL);
        ::close(list);
    }

    void tell(guardian_report::kind what, int value) const noexcept {
        guardian_report const report{what, value};
        [[maybe_unused]] ssize_t const sent = ::write(orders_.report, &report, sizeof report);
    }

    /// Closes the descriptors from `first` up to but without `end`; -1 for all.
    static void close_from(int first, int end) noexcept {
        if (end >= 0 && first >= end) return;
        ::syscall(SYS_close_range, static_cast<unsigned>(first),
                  end < 0 ? ~0U : static_cast<unsigned>(end - 1), 0U);
    }

    static std::int64_t now_ms() noexcept {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
    }

    guardian_orders const& orders_;
    pid_t child_ = 0;
};

} // namespace mcp_provider::net::detail
