#include "commands/health_probe.hpp"
#include "commands/stage.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include <doctest/doctest.h>

using namespace mcp_provider::server;
using namespace std::chrono_literals;
using verdict = health_answer::verdict;

namespace {

/// Listens on a free loopback port and gives one answer, whatever it is asked.
class one_answer {
public:
    /// `pieces` are sent one after the other; without one, the connection is accepted and nothing
    /// is said.
    explicit one_answer(std::vector<std::string> pieces) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(listener_, 1) == 0);
        REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread{[this, pieces = std::move(pieces)] { answer(pieces); }};
    }
    one_answer(one_answer const&) = delete;
    one_answer& operator=(one_answer const&) = delete;
    ~one_answer() {
        ::shutdown(listener_, SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
        ::close(listener_);
    }

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// What was asked. Call it once the answer is there.
    [[nodiscard]] std::string const& asked() {
        thread_.join();
        return asked_;
    }

private:
    void answer(std::vector<std::string> const& pieces) {
        int const client = ::accept(listener_, nullptr, nullptr);
        if (client < 0) return;
        char piece[4096];
        while (asked_.find("\r\n\r\n") == std::string::npos) {
            ssize_t const got = ::recv(client, piece, sizeof piece, 0);
            if (got <= 0) break;
            asked_.append(piece, static_cast<std::size_t>(got));
        }
        for (std::string const& one : pieces)
            (void)::send(client, one.data(), one.size(), MSG_NOSIGNAL);
        if (pieces.empty())
            (void)::recv(client, piece, sizeof piece, 0); // until the other side gives up
        ::close(client);
    }

    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::string asked_;
    std::thread thread_;
};

std::string response(std::string const& body, std::string_view status = "200 OK") {
    return "HTTP/1.1 " + std::string{status} +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
}

std::string ours(std::string_view status) {
    return R"({"service":"mcp-local-provider","status":")" + std::string{status} +
           R"(","components":[]})";
}

outcome ask(std::vector<std::string> pieces, std::vector<std::string> more = {}) {
    one_answer server{std::move(pieces)};
    stage here;
    std::vector<std::string> words{"health", "--url", server.url(), "--timeout", "2"};
    words.insert(words.end(), more.begin(), more.end());
    return here.run(words);
}

} // namespace

TEST_CASE("health exits 0 for healthy and degraded, 1 for unhealthy") {
    CHECK(ask({response(ours("healthy"))}).code == 0);
    CHECK(ask({response(ours("healthy"))}).out == "healthy\n");
    CHECK(ask({response(ours("degraded"))}).code == 0);
    CHECK(ask({response(ours("degraded"))}).out == "degraded\n");
    CHECK(ask({response(ours("unhealthy"), "503 Service Unavailable")}).code == 1);
    CHECK(ask({response(ours("something new"))}).code == 1);
}

TEST_CASE("health exits 2 for what is not ours") {
    for (std::string const& answer :
         {response("Ollama is running"), response(R"({"status":"healthy"})"),
          response(R"({"service":"another","status":"healthy"})"), response("[]"), response("{}"),
          response("", "404 Not Found"), std::string{"SSH-2.0-OpenSSH_9.2\r\n"}, std::string{},
          std::string{"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"} + ours("healthy"),
          std::string(400'000, 'x')}) {
        CAPTURE(answer.substr(0, 60));
        outcome const told = ask({answer});
        CHECK(told.code == 2);
        CHECK(told.out.empty());
        CHECK_FALSE(told.err.empty());
    }
}

TEST_CASE("health exits 2 where nothing listens, and where nobody answers in time") {
    stage here;
    std::uint16_t free_port = 0;
    {
        one_answer gone{{response(ours("healthy"))}};
        free_port = gone.port();
    }
    outcome const nobody =
        here.run({"health", "--url", "http://127.0.0.1:" + std::to_string(free_port)});
    CHECK(nobody.code == 2);
    CHECK(nobody.err.find("Connection refused") != std::string::npos);

    one_answer silent{{}};
    auto const begin = std::chrono::steady_clock::now();
    health_answer const answer = probe_health({"127.0.0.1", silent.port(), "/health"}, 100ms);
    CHECK(answer.is == verdict::not_there);
    CHECK(answer.text == "no answer within the time limit");
    CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

TEST_CASE("an answer may come in pieces and chunks") {
    CHECK(ask({"HTTP/1.1 200 OK\r\nTransfer-Enc", "oding: chunked\r\n\r\n5\r\n{\"ser",
               "\r\n36\r\nvice\":\"mcp-local-provider\",",
               "\"status\":\"healthy\",\"x\":\"y\"}\r\n0\r\n\r\n"})
              .code == 0);
    CHECK(ask({"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", ours("healthy")}).code == 0);
}

TEST_CASE("health asks as a client that the server lets in") {
    one_answer server{{response(ours("healthy"))}};
    stage here;
    CHECK(here.run({"health", "--url", server.url() + "/health/ready"}).code == 0);
    CHECK(server.asked().starts_with(
        "GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"));
}

TEST_CASE("without --url the adapter of the configuration is asked") {
    one_answer server{{response(ours("healthy"))}};
    stage here;
    here.environment.emplace_back("ADAPTER_PORT", std::to_string(server.port()));
    here.environment.emplace_back("MCP_BRIDGE_TOKEN",
                                  "CHANGE_THIS_SECRET_TOKEN_NOW"); // none of health's business
    CHECK(here.run({"health"}).code == 0);
    CHECK(server.asked().starts_with("GET /health HTTP/1.1\r\n"));

    here.environment[1].second = "x";
    CHECK(here.run({"health"}).code == 78);
}

TEST_CASE("--json prints the answer itself") {
    CHECK(ask({response(ours("degraded"))}, {"--json"}).out == ours("degraded") + "\n");
}

TEST_CASE("only loopback is asked") {
    for (std::string const url :
         {"https://127.0.0.1", "http://192.168.1.1", "http://localhost.example",
          "http://127.0.0.1.example", "http://127.0.0.1:0", "http://127.0.0.1:x",
          "http://127.0.0.1:70000", "http://127.0.0.1?x", "http://127.0.0.1/a\r\nX: y",
          "127.0.0.1:11434", "http://u@127.0.0.1", ""}) {
        CAPTURE(url);
        CHECK_FALSE(read_loopback_url(url).has_value());
    }
    auto const plain = read_loopback_url("http://[::1]:8787");
    REQUIRE(plain.has_value());
    CHECK(plain->host == "[::1]");
    CHECK(plain->port == 8787);
    CHECK(plain->path == "/health");
    CHECK(read_loopback_url("http://localhost/")->path == "/health");
    CHECK(read_loopback_url("http://localhost/health/live")->path == "/health/live");
    CHECK(stage{}.run({"health", "--url", "http://example.org"}).code == 2);
}
