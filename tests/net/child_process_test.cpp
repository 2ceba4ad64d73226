#include "mcp_provider/net/child_process.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using net::child_command;
using net::child_exit;
using net::child_process;

namespace {

steady_time in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

child_command shell(std::string script) {
    child_command command{{"sh", "-c", std::move(script)}};
    command.environment = {"PATH=/usr/bin:/bin"};
    command.grace = 200ms;
    return command;
}

using play = std::function<asio::awaitable<void>(child_process&)>;

asio::awaitable<void> with_child(child_command command, play act) {
    child_process child{co_await asio::this_coro::executor};
    std::error_code const failed = child.start(command);
    REQUIRE_FALSE(failed);
    co_await act(child);
}

/// Runs `act` with a started child, and stops there: deadlines that are still ahead must not be waited for.
void with(child_command command, play act,
          std::optional<std::chrono::milliseconds> cancel_after = {}) {
    asio::io_context context{1};
    asio::cancellation_signal cancel;
    asio::steady_timer timer{context};
    std::exception_ptr thrown;
    auto const note_end = [&](std::exception_ptr failure) {
        thrown = std::move(failure);
        context.stop();
    };
    asio::co_spawn(context, with_child(std::move(command), std::move(act)),
                   asio::bind_cancellation_slot(cancel.slot(), note_end));
    if (cancel_after) {
        timer.expires_after(*cancel_after);
        timer.async_wait([&](std::error_code) { cancel.emit(asio::cancellation_type::terminal); });
    }
    context.run_for(20s);
    CHECK(context.stopped());
    if (thrown) std::rethrow_exception(thrown);
}

asio::awaitable<std::string> line_of(child_process& child) {
    std::string_view line;
    auto const until = in(5s);
    std::error_code const failed = co_await child.read_line(line, until);
    co_return failed ? failed.message() : std::string{line};
}

bool is_alive(pid_t id) { return ::kill(id, 0) == 0 || errno == EPERM; }

/// Waits for what another process does.
bool comes_true(std::function<bool()> const& what) {
    for (auto const until = in(10s); std::chrono::steady_clock::now() < until;) {
        if (what()) return true;
        std::this_thread::sleep_for(2ms);
    }
    return false;
}

std::size_t open_descriptors() {
    std::filesystem::directory_iterator const all{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

bool has_children() {
    siginfo_t any{};
    return ::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) == 0;
}

} // namespace

TEST_CASE("child_process talks to a program in lines, and sees the end of its output") {
    with(shell("while read -r line; do echo \"<$line>\"; done; echo bye; exit 3"),
         [](child_process& child) -> asio::awaitable<void> {
             CHECK(child.send("one\ntwo\n"));
             CHECK(co_await line_of(child) == "<one>");
             CHECK(co_await line_of(child) == "<two>");
             CHECK(child.is_running());
             CHECK(child.id() > 0);
             child.close_input();
             CHECK(co_await line_of(child) == "bye");
             std::string_view line;
             CHECK(co_await child.read_line(line, in(5s)) == asio::error::eof);
             CHECK(co_await child.gone(in(5s)));
             CHECK_FALSE(child.is_running());
             CHECK(child.exit().how == child_exit::kind::exited);
             CHECK(child.exit().value == 3);
             CHECK_FALSE(child.send("late\n"));
         });
}

TEST_CASE(
    "child_process gives a program its own environment, folder and streams, and nothing of ours") {
    ::setenv("MCP_PROVIDER_SECRET", "1", 1);
    auto command = shell("env | grep -v ^_= | grep -v ^PWD= | sort; pwd; printf unended");
    command.environment.emplace_back("GIVEN=yes");
    command.directory = "/usr";

    with(std::move(command), [](child_process& child) -> asio::awaitable<void> {
        CHECK(co_await line_of(child) == "GIVEN=yes");
        std::string line = co_await line_of(child);
        if (line.starts_with("OLDPWD=")) line = co_await line_of(child);
        CHECK(line == "PATH=/usr/bin:/bin");
        CHECK(co_await line_of(child) == "/usr");
        child.close_input();
        std::string_view rest;
        CHECK(co_await child.read_line(rest, in(5s)) == asio::error::eof); // no LF behind it
    });
    with(shell("ls /proc/$$/fd; echo end"), [](child_process& child) -> asio::awaitable<void> {
        for (char const* const name : {"0", "1", "2", "end"})
            CHECK(co_await line_of(child) == name);
    });
}

TEST_CASE("child_process starts a program with no signal ignored or blocked") {
    auto const before = std::signal(SIGPIPE, SIG_IGN);
    with(shell("kill -PIPE $$; echo alive"), [](child_process& child) -> asio::awaitable<void> {
        CHECK(co_await child.gone(in(5s)));
        CHECK(child.exit().how == child_exit::kind::killed);
        CHECK(child.exit().value == SIGPIPE);
    });
    std::signal(SIGPIPE, before);
}

TEST_CASE("child_process says what cannot be started") {
    asio::io_context context{1};
    child_process unknown{context.get_executor()};
    child_command command{{"no-such-program-here"}};
    command.environment = {"PATH=/usr/bin:/bin"};
    CHECK(unknown.start(command) == std::errc::no_such_file_or_directory);
    CHECK_FALSE(unknown.is_running());
    child_process nothing{context.get_executor()};
    CHECK(nothing.start(child_command{}) == std::errc::no_such_file_or_directory);

    auto const folder = std::filesystem::temp_directory_path() /
                        ("child_process_test." + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    std::ofstream{folder / "script"} << "#!/nowhere/interpreter\n";
    std::filesystem::permissions(folder / "script", std::filesystem::perms::owner_all);
    with(child_command{{(folder / "script").string()}},
         [](child_process& child) -> asio::awaitable<void> {
             CHECK(co_await child.gone(in(5s)));
             CHECK(child.exit().how == child_exit::kind::not_started);
             CHECK(child.exit().value == ENOENT);
         });
    // ThreadSanitizer has a child that ends without exec write what our streams hold: let that be nothing.
    std::cout.flush();
    std::fflush(nullptr);
    auto homeless = shell("echo here");
    homeless.directory = (folder / "gone").string();
    with(std::move(homeless), [](child_process& child) -> asio::awaitable<void> {
        CHECK(co_await line_of(child) == asio::error::make_error_code(asio::error::eof).message());
        CHECK(co_await child.gone(in(5s)));
        CHECK(child.exit().how == child_exit::kind::not_started);
    });
    std::filesystem::remove_all(folder);
}

TEST_CASE("child_process refuses a line that is too long, however it comes") {
    auto exact = shell("printf '12345\\n123456\\n'");
    exact.max_line_bytes = 5;
    with(std::move(exact), [](child_process& child) -> asio::awaitable<void> {
        CHECK(co_await line_of(child) == "12345");
        std::string_view line;
        CHECK(co_await child.read_line(line, in(5s)) == std::errc::message_size);
    });
    auto endless = shell("head -c 100000000 /dev/zero");
    endless.max_line_bytes = 1'000'000;
    with(std::move(endless), [](child_process& child) -> asio::awaitable<void> {
        std::string_view line;
        CHECK(co_await child.read_line(line, in(5s)) == std::errc::message_size);
    });
}

TEST_CASE(
    "child_process keeps the end of what a program writes to standard error, and never stops it") {
    auto command =
        shell("head -c 3000000 /dev/zero | tr '\\0' e >&2; printf 'the end' >&2; echo done");
    command.error_tail_bytes = 100;
    with(std::move(command), [](child_process& child) -> asio::awaitable<void> {
        CHECK(co_await line_of(child) == "done");
        CHECK(co_await child.gone(in(5s)));
        CHECK(child.error_tail().size() == 100);
        CHECK(child.error_tail().ends_with("eethe end"));
    });
}

TEST_CASE(
    "child_process waits for a line no longer than it may, and ends a wait that is cancelled") {
    with(shell("sleep 60"), [](child_process& child) -> asio::awaitable<void> {
        std::string_view line;
        CHECK(co_await child.read_line(line, in(20ms)) == std::errc::timed_out);
        CHECK(co_await child.read_line(line, in(20ms)) == std::errc::timed_out);
        CHECK_FALSE(co_await child.gone(in(20ms)));
    });

    bool cancelled = false;
    auto const wait = [&cancelled](child_process& child) -> asio::awaitable<void> {
        std::string_view line;
        cancelled = co_await child.read_line(line, in(60s)) == asio::error::operation_aborted;
    };
    auto const begun = std::chrono::steady_clock::now();
    with(shell("sleep 60"), wait, 20ms);
    CHECK(cancelled);
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
}

TEST_CASE(
    "child_process kills what ignores SIGTERM after the grace time, and at once when told so") {
    for (bool const at_once : {false, true}) {
        auto command = shell("trap '' TERM; echo ready; while :; do sleep 1; done");
        command.grace = at_once ? 60'000ms : 100ms;
        with(std::move(command), [at_once](child_process& child) -> asio::awaitable<void> {
            CHECK(co_await line_of(child) == "ready");
            child.end();
            if (at_once) {
                CHECK_FALSE(co_await child.gone(in(50ms)));
                child.kill();
            }
            CHECK(co_await child.gone(in(5s)));
            CHECK(child.exit().how == child_exit::kind::killed);
            CHECK(child.exit().value == SIGKILL);
        });
    }
    with(shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"),
         [](child_process& child) -> asio::awaitable<void> {
             CHECK(co_await line_of(child) == "ready");
             child.end();
             CHECK(co_await child.gone(in(5s)));
             CHECK(child.exit().value == 7);
         });
}

TEST_CASE(
    "child_process leaves no descendant, not even one that ignores signals and leaves the group") {
    for (bool const by_exit : {false, true}) {
        std::vector<pid_t> descendants;
        with(shell("trap '' TERM HUP INT; sleep 100 & echo $!;"
                   "setsid sh -c 'trap \"\" TERM; echo $$; (sleep 100 & echo $!); sleep 100' &"
                   "read -r line"),
             [&](child_process& child) -> asio::awaitable<void> {
                 for (int i = 0; i != 3; ++i)
                     descendants.push_back(std::stoi(co_await line_of(child)));
                 for (pid_t const one : descendants) CHECK(is_alive(one));
                 if (by_exit)
                     CHECK(child.send("end\n"));
                 else
                     child.end();
                 CHECK(co_await child.gone(in(5s)));
             });
        CHECK(descendants.size() == 3);
        for (pid_t const one : descendants) CHECK_FALSE(is_alive(one));
    }
}

TEST_CASE(
    "child_process leaves nothing behind when it is destroyed: no process, zombie or descriptor") {
    std::size_t const before = open_descriptors();
    pid_t running = 0;
    {
        asio::io_context context{1};
        for (int i = 0; i != 3; ++i) {
            child_process child{context.get_executor()};
            REQUIRE_FALSE(child.start(shell("trap '' TERM; sleep 100")));
            CHECK(comes_true([&] { return (running = child.id()) != 0; }));
        }
        context.run_for(5s); // has no more to do once all three are gone
        CHECK(context.stopped());
    }
    CHECK_FALSE(is_alive(running));
    CHECK_FALSE(has_children());

    {
        asio::io_context context{1};
        child_process child{context.get_executor()};
        REQUIRE_FALSE(child.start(shell("trap '' TERM; sleep 100")));
        CHECK(comes_true([&] { return (running = child.id()) != 0; }));
    } // the context goes without running
    CHECK_FALSE(is_alive(running));
    CHECK_FALSE(has_children());
    CHECK(open_descriptors() == before);
}

TEST_CASE("child_process sends without waiting, up to a bound, and survives a program that does "
          "not read") {
    auto deaf = shell("sleep 100");
    deaf.max_unsent_bytes = 1'000;
    with(std::move(deaf), [](child_process& child) -> asio::awaitable<void> {
        std::string const text(1'000, 'x');
        std::size_t sent = 0;
        while (child.unsent_bytes() == 0 && sent < 10'000'000 && child.send(text)) sent += 1'000;
        CHECK(child.unsent_bytes() != 0);
        CHECK(child.send(text.substr(child.unsent_bytes())));
        CHECK(child.unsent_bytes() == 1'000);
        CHECK_FALSE(child.send("x"));
        co_return;
    });
    with(shell("exec <&-; echo closed; sleep 100"),
         [](child_process& child) -> asio::awaitable<void> {
             CHECK(co_await line_of(child) == "closed");
             CHECK_FALSE(child.send("x\n")); // and no SIGPIPE
         });
    with(shell("sleep 0.05; wc -c"), [](child_process& child) -> asio::awaitable<void> {
        std::string const text(1'000'000, 'x');
        for (int i = 0; i != 5; ++i) CHECK(child.send(text));
        child.close_input();
        CHECK(co_await line_of(child) == "5000000");
        CHECK(child.unsent_bytes() == 0);
    });
}

TEST_CASE("child_process ends its children when its own process is killed") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    pid_t const server = ::fork();
    if (server == 0) {
        ::setpgid(0, 0);
        asio::io_context context{1};
        child_process child{context.get_executor()};
        auto const failed =
            child.start(shell("trap '' TERM; setsid sleep 100 & echo $$ $! >&2; sleep 100"));
        auto const hold = asio::make_work_guard(context);
        while (!failed && child.error_tail().find('\n') == std::string::npos) context.run_for(5ms);
        std::string const ids = child.error_tail();
        [[maybe_unused]] auto const sent = ::write(ends[1], ids.data(), ids.size());
        context.run();
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string ids(64, '\0');
    auto const got = ::read(ends[0], ids.data(), ids.size());
    REQUIRE(got > 0);
    ::close(ends[0]);
    std::size_t blank = 0;
    pid_t const child = std::stoi(ids, &blank);
    pid_t const descendant = std::stoi(ids.substr(blank));
    CHECK(is_alive(child));

    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);

    CHECK(comes_true([&] { return !is_alive(child) && !is_alive(descendant); }));
}
