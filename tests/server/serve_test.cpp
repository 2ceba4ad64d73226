// The built program as its users meet it: exit codes, the ready line, signals, and who is let in.
#include "server/program.hpp"

#include <boost/json.hpp>
#include <poll.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::server;
using namespace std::chrono_literals;

namespace {

constexpr char const* bridge_token = "mlpb_3v9Yq2Zt7Kx1Lr8Wd4Nf6Bh0Pc5Sg2Mj";

environment in(scratch const& folder, environment more = {}) {
    more["STATE_DIR"] = folder.path().string();
    return more;
}

std::string get(std::uint16_t port, std::string_view path, std::string_view fields = {}) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
           "\r\n" + std::string{fields} + "Connection: close\r\n\r\n";
}
std::string chat(std::uint16_t port, std::string_view text, std::string_view fields = {}) {
    std::string const body =
        R"({"model":"echo","messages":[{"role":"user","content":")" + std::string{text} + R"("}]})";
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
           "\r\nContent-Type: application/json\r\n" + std::string{fields} +
           "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

/// Sends a request as another user of this machine, from a process of that user.
std::string as_user(uid_t uid, std::uint16_t port, std::string const& request) {
    int ends[2];
    if (::pipe(ends) != 0) return {};
    int const pid = ::fork();
    if (pid == 0) {
        std::string got;
        if (::setuid(uid) == 0) got = exchange_bytes(port, request, 2s);
        ssize_t const written = ::write(ends[1], got.data(), got.size());
        ::_exit(written < 0 ? 1 : 0);
    }
    ::close(ends[1]);
    std::string got;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        got.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    ::waitpid(pid, nullptr, 0);
    return got;
}

/// Asks again and again until `good(answer)` or three seconds have passed.
template <class Ask, class Good>
bool comes_true(Ask ask, Good good) {
    for (int i = 0; i < 60; ++i) {
        if (good(ask())) return true;
        ::poll(nullptr, 0, 50);
    }
    return false;
}

} // namespace

TEST_CASE(
    "serve without any configuration is ready, answers its own user, and ends with 0 on SIGTERM") {
    scratch const folder;
    running_server server{in(folder)};

    auto const models = exchange_bytes(server.port(), get(server.port(), "/api/tags"));
    auto const answer =
        exchange_bytes(server.port(), chat(server.port(), "Repeat exactly: it works"));
    server.signal(SIGTERM);

    CHECK(server.ready_line() ==
          "ready adapter=http://127.0.0.1:" + std::to_string(server.port()) +
              " bridge=http://127.0.0.1:" + std::to_string(server.bridge_port()));
    CHECK(models.find("\"echo:latest\"") != std::string::npos);
    CHECK(status_of(answer) == 200);
    CHECK(answer.find("\"content\":\"it works\"") != std::string::npos);
    CHECK(server.wait() == 0);
}

TEST_CASE("the state folder and what is in it are for the owner alone") {
    scratch const folder;
    auto const state = folder.path() / "state";
    running_server const server{{{"STATE_DIR", state.string()}}};

    namespace fs = std::filesystem;
    CHECK((fs::status(state).permissions() & (fs::perms::group_all | fs::perms::others_all)) ==
          fs::perms::none);
    std::size_t files = 0;
    for (auto const& one : fs::directory_iterator{state}) {
        CAPTURE(one.path().string());
        CHECK((one.status().permissions() & (fs::perms::group_all | fs::perms::others_all)) ==
              fs::perms::none);
        ++files;
    }
    CHECK(files >= 3);
}

TEST_CASE("both loopback addresses are served, and a wider one is refused at start") {
    scratch const folder;
    auto const wide = run_program({"serve"}, in(folder, {{"ADAPTER_HOST", "0.0.0.0"}}));

    CHECK(wide.exit_code == 78);
    CHECK(wide.err.find("ADAPTER_HOST") != std::string::npos);
    CHECK(wide.out.empty());
}

TEST_CASE("a busy port ends with 69 and says who holds it and how to move either") {
    scratch const one;
    scratch const two;
    running_server const server{in(one)};

    auto const second =
        run_program({"serve"}, in(two, {{"ADAPTER_PORT", std::to_string(server.port())}}));

    CHECK(second.exit_code == 69);
    CHECK(second.err.find("pid " + std::to_string(server.pid())) != std::string::npos);
    CHECK(second.err.find("OLLAMA_HOST=") != std::string::npos);
    CHECK(second.err.find("ADAPTER_PORT=") != std::string::npos);
    CHECK(second.out.empty());
}

TEST_CASE("a busy port of the bridge ends with 69, too, and names BRIDGE_PORT") {
    scratch const one;
    scratch const two;
    running_server const server{in(one)};
    std::string const busy = std::to_string(server.bridge_port());

    auto const served =
        run_program({"serve"}, in(two, {{"ADAPTER_PORT", "0"}, {"BRIDGE_PORT", busy}}));
    auto const apart = run_program(
        {"bridge"}, in(two, {{"BRIDGE_PORT", busy}, {"MCP_BRIDGE_TOKEN", bridge_token}}));

    for (outcome const& second : {served, apart}) {
        CHECK(second.exit_code == 69);
        CHECK(second.err.find("pid " + std::to_string(server.pid())) != std::string::npos);
        CHECK(second.err.find("BRIDGE_PORT=") != std::string::npos);
        CHECK(second.err.find("OLLAMA_HOST=") == std::string::npos);
        CHECK(second.out.empty());
    }
}

TEST_CASE(
    "a second server in the same state folder is told of the first one's port, not of its files") {
    scratch const folder;
    running_server const server{in(folder)};

    auto const second =
        run_program({"serve"}, in(folder, {{"ADAPTER_PORT", std::to_string(server.port())}}));

    CHECK(second.exit_code == 69);
    CHECK(second.err.find("pid " + std::to_string(server.pid())) != std::string::npos);
}

TEST_CASE(
    "adapter and bridge run apart in one state folder: each says only where it is, and ends with "
    "0 on SIGTERM") {
    scratch const folder;
    auto const settings = in(folder, {{"MCP_BRIDGE_TOKEN", bridge_token}});
    running_server bridge{settings, "bridge"};
    running_server adapter{settings, "adapter"};

    CHECK(bridge.ready_line() ==
          "ready bridge=http://127.0.0.1:" + std::to_string(bridge.bridge_port()));
    CHECK(adapter.ready_line() ==
          "ready adapter=http://127.0.0.1:" + std::to_string(adapter.port()));
    for (running_server* const one : {&bridge, &adapter}) {
        one->signal(SIGTERM);
        CHECK(one->wait() == 0);
    }
    for (char const* const log : {"audit.jsonl", "bridge-audit.jsonl"})
        CHECK(
            run_program({"audit", "verify", (folder.path() / log).string()}, settings).exit_code ==
            0);
}

TEST_CASE("the bridge answers for its health and metrics, and has the same guards as the adapter") {
    scratch const folder;
    running_server const server{in(folder)};
    std::uint16_t const port = server.bridge_port();

    CHECK(status_of(exchange_bytes(port, get(port, "/health/live"))) == 200);
    CHECK(status_of(exchange_bytes(port, get(port, "/health/ready"))) == 200);
    auto const health = exchange_bytes(port, get(port, "/health"));
    CHECK(health.find("\"bridge\"") != std::string::npos);
    CHECK(health.find("\"adapter\"") != std::string::npos); // one process, one state of health
    auto const metrics = exchange_bytes(port, get(port, "/metrics"));
    CHECK(metrics.find("http_server_request_duration_seconds") != std::string::npos);
    CHECK(status_of(exchange_bytes(port, get(port, "/nowhere"))) == 404);
    CHECK(status_of(exchange_bytes(
              port, "POST /health HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                        "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")) == 405);
    CHECK(status_of(exchange_bytes(port, get(server.port(), "/health"))) ==
          403); // another port's Host
    CHECK(status_of(exchange_bytes(
              port, get(port, "/health", "Origin: https://evil.example\r\n"))) == 403);
    CHECK(status_of(exchange_bytes(port, "GARBAGE\r\n\r\n")) == 400);
}

TEST_CASE(
    "all problems of a configuration are told at once, with 78, and check-config tells the same") {
    scratch const folder;
    auto const env = folder.path() / "bad.env";
    std::ofstream{env} << "ADAPTER_PORT=99999\nSESSION_TTL_SECOND=5\nMCP_BRIDGE_TOKEN=CHANGE_THIS_"
                          "SECRET_TOKEN_NOW\n";
    std::vector<std::string> const file{"--env-file", env.string()};

    auto serve = file;
    serve.push_back("serve");
    auto check = file;
    check.push_back("check-config");
    auto const started = run_program(serve, in(folder));
    auto const checked = run_program(check, in(folder));

    for (auto const& one : {started, checked}) {
        CHECK(one.exit_code == 78);
        CHECK(one.err.find("ADAPTER_PORT") != std::string::npos);
        CHECK(one.err.find("SESSION_TTL_SECONDS") != std::string::npos);
        CHECK(one.err.find("MCP_BRIDGE_TOKEN") != std::string::npos);
        CHECK(one.err.find("CHANGE_THIS_SECRET_TOKEN_NOW") == std::string::npos);
    }
}

TEST_CASE("a misspelt command ends with 2") {
    auto const got = run_program({"srve"}, {});
    CHECK(got.exit_code == 2);
    CHECK(got.err.find("serve") != std::string::npos);
}

TEST_CASE("a token works at once and stops working soon after it is revoked") {
    scratch const folder;
    running_server const server{
        in(folder, {{"LOCAL_USERS", "none"}, {"ENABLE_RATE_LIMITING", "false"}})};
    auto const ask = [&](std::string_view token) {
        return status_of(exchange_bytes(
            server.port(),
            chat(server.port(), "hi", "Authorization: Bearer " + std::string{token} + "\r\n")));
    };

    CHECK(status_of(exchange_bytes(server.port(), chat(server.port(), "hi"))) == 401);
    auto const made = run_program({"token", "create", "--label", "test"}, in(folder));
    REQUIRE(made.exit_code == 0);
    std::string const token = made.out.substr(0, made.out.find('\n'));
    CHECK(comes_true([&] { return ask(token); }, [](int status) { return status == 200; }));
    CHECK(ask(token + "x") == 401);
    CHECK(ask("noop") == 401);

    auto const listed = run_program({"token", "list", "--json"}, in(folder));
    CHECK(listed.out.find(token) == std::string::npos);
    auto const id_at = listed.out.find("key_");
    REQUIRE(id_at != std::string::npos);
    auto const id = listed.out.substr(id_at, listed.out.find('"', id_at) - id_at);
    CHECK(run_program({"token", "revoke", id}, in(folder)).exit_code == 0);
    CHECK(comes_true([&] { return ask(token); }, [](int status) { return status == 401; }));
}

TEST_CASE("another local user may look but not ask; the owner may; the kernel says who is who") {
    passwd const* const nobody = ::getpwnam("nobody");
    if (::getuid() != 0 || nobody == nullptr) {
        MESSAGE("left out: only root can ask as another user");
        return;
    }
    scratch const folder;
    running_server const server{in(folder)};
    scratch const other;
    running_server const for_nobody{in(other, {{"LOCAL_USERS", "nobody"}})};

    auto const look = as_user(nobody->pw_uid, server.port(), get(server.port(), "/api/tags"));
    auto const ask = as_user(nobody->pw_uid, server.port(), chat(server.port(), "hi"));
    auto const allowed = as_user(nobody->pw_uid, for_nobody.port(), chat(for_nobody.port(), "hi"));
    auto const owner = exchange_bytes(for_nobody.port(), chat(for_nobody.port(), "hi"));

    CHECK(status_of(look) == 200);
    CHECK(status_of(ask) == 401);
    CHECK(status_of(allowed) == 200);
    CHECK(status_of(owner) == 401);
}

TEST_CASE("a page of another origin and a rebound name are refused, whoever runs the browser") {
    scratch const folder;
    running_server const server{in(folder)};

    auto const page = exchange_bytes(
        server.port(), chat(server.port(), "hi",
                            "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n"));
    auto const rebound = exchange_bytes(
        server.port(), "GET /api/tags HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");

    CHECK(status_of(page) == 403);
    CHECK(status_of(rebound) == 403);
    CHECK(page.find("Access-Control-Allow-Origin") == std::string::npos);
}

TEST_CASE("SIGHUP opens the audit log again: no line is lost or doubled, and the chain verifies "
          "over both files") {
    scratch const folder;
    running_server server{in(folder, {{"ENABLE_RATE_LIMITING", "false"}})};
    auto const log = folder.path() / "audit.jsonl";
    auto const old = folder.path() / "audit.1.jsonl";

    for (int i = 0; i < 20; ++i)
        (void)exchange_bytes(server.port(), chat(server.port(), "before"), 2s);
    REQUIRE(
        comes_true([&] { return lines_of(log).size(); }, [](std::size_t n) { return n >= 21; }));
    std::filesystem::rename(log, old);
    server.signal(SIGHUP);
    REQUIRE(
        comes_true([&] { return std::filesystem::exists(log); }, [](bool there) { return there; }));
    for (int i = 0; i < 20; ++i)
        (void)exchange_bytes(server.port(), chat(server.port(), "after"), 2s);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);

    auto const verified = run_program({"audit", "verify", old.string(), log.string()}, in(folder));
    CHECK(verified.exit_code == 0);
    std::size_t requests = 0;
    for (auto const& file : {old, log})
        for (auto const& line : lines_of(file))
            requests += line.find("\"event_type\":\"REQUEST\"") != std::string::npos;
    CHECK(requests == 40);

    auto lines = lines_of(log);
    REQUIRE(lines.size() > 3);
    lines[3][60] = static_cast<char>(lines[3][60] ^ 1);
    std::ofstream changed{log};
    for (auto const& line : lines) changed << line << '\n';
    changed.close();
    CHECK(run_program({"audit", "verify", old.string(), log.string()}, in(folder)).exit_code == 1);
}

TEST_CASE("health tells a server of ours from nothing and from strangers") {
    scratch const folder;
    std::string url;
    {
        running_server const server{in(folder)};
        url = "http://127.0.0.1:" + std::to_string(server.port());
        CHECK(run_program({"health", "--url", url}, in(folder)).exit_code == 0);
    }
    CHECK(run_program({"health", "--url", url}, in(folder)).exit_code == 2);
}

TEST_CASE("10,000 mutations of valid requests: the server stays up, answers or closes, and accepts "
          "nothing malformed") {
    scratch const folder;
    running_server const server{in(folder, {{"ENABLE_RATE_LIMITING", "false"},
                                            {"MAX_REQUESTS_PER_SESSION", "1000000"},
                                            {"LOG_LEVEL", "CRITICAL"}})};
    std::mt19937 dice{20261123};
    auto const pick = [&](std::size_t below) {
        return std::uniform_int_distribution<std::size_t>{0, below - 1}(dice);
    };
    std::string const host = "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n";
    std::string const bodies[] = {R"({"model":"echo","messages":[{"role":"user","content":"hi"}]})",
                                  R"({"model":"echo","prompt":"hi","stream":false})",
                                  R"({"model":"echo-embed","input":["a","b"]})"};
    std::string const heads[] = {"POST /v1/chat/completions HTTP/1.1\r\n",
                                 "POST /api/generate HTTP/1.1\r\n", "POST /api/embed HTTP/1.1\r\n"};

    std::size_t not_json = 0;
    for (int round = 0; round < 10'000; ++round) {
        std::size_t const kind = pick(3);
        std::string body = bodies[kind];
        std::string head =
            heads[kind] + host +
            "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\nConnection: close\r\n\r\n";
        // Half of the mutations are in the body, whose length is kept, half in the head.
        bool const in_body = pick(2) == 0;
        std::string& changed = in_body ? body : head;
        for (std::size_t n = 1 + pick(3); n != 0; --n)
            changed[pick(changed.size())] = static_cast<char>(pick(256));
        auto const got = exchange_bytes(server.port(), head + body, 40ms);

        int const status = status_of(got);
        CAPTURE(head + body);
        if (!got.empty()) CHECK(status >= 200);
        CHECK(status < 500 + (status == 501 || status == 505 ? 100 : 0));
        if (in_body && status == 200) {
            boost::json::error_code error;
            boost::json::parse(body, error);
            CHECK_FALSE(error);
            not_json += error ? 1 : 0;
        }
    }

    CHECK(not_json == 0);
    CHECK(status_of(exchange_bytes(server.port(), chat(server.port(), "still there"), 2s)) == 200);
}
