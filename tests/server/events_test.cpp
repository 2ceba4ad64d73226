// `/events` of the built program: what is told, to whom, and what becomes of one that does not listen well.
#include "server/program.hpp"
#include "server/socket_watcher.hpp"
#include "server/watcher.hpp"

#include <boost/json/serialize.hpp>
#include <poll.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::server;
using namespace std::chrono_literals;

namespace {

environment in(scratch const& folder, environment more = {}) {
    more["STATE_DIR"] = folder.path().string();
    return more;
}

std::string chat(std::uint16_t port, std::string_view text, std::string_view fields = {}) {
    std::string const body =
        R"({"model":"echo","stream":true,"messages":[{"role":"user","content":")" +
        std::string{text} + R"("}]})";
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
           "\r\nContent-Type: application/json\r\n" + std::string{fields} +
           "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

/// So many requests of a foreign page, on one connection: each is an event of security.
std::string foreign(std::uint16_t port, std::size_t count) {
    std::string const one = "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                            "\r\nOrigin: https://evil.example\r\n\r\n";
    std::string out;
    for (; count != 0; --count) out += one;
    return out;
}

std::string new_token(scratch const& folder, std::string const& scopes) {
    auto const made =
        run_program({"token", "create", "--label", "test", "--scopes", scopes}, in(folder));
    REQUIRE(made.exit_code == 0);
    return made.out.substr(0, made.out.find('\n'));
}
std::string bearer(std::string const& token) { return "Authorization: Bearer " + token + "\r\n"; }

std::size_t resident_kib(int pid) {
    std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
    return 0;
}

} // namespace

TEST_CASE("a watcher sees a request begin, speak its first word and end, and its session begin") {
    scratch const folder;
    running_server const server{in(folder)};
    watcher events{server.bridge_port(), "/events"};
    REQUIRE(events.next("feed.opened"));

    (void)exchange_bytes(server.port(), chat(server.port(), "Repeat exactly: canary"));

    auto const begun = events.next("request.begun");
    auto const first = events.next("request.first_token");
    auto const ended = events.next("request.ended");
    REQUIRE(begun);
    REQUIRE(first);
    REQUIRE(ended);
    CHECK(begun->at("endpoint") == "/v1/chat/completions");
    CHECK(begun->at("request_id") == ended->at("request_id"));
    CHECK(first->at("request_id") == ended->at("request_id"));
    CHECK(first->at("model") == "echo:latest");
    CHECK(ended->at("status") == 200);
    CHECK(ended->at("cause") == "completed");
    CHECK(ended->at("completion_tokens").as_int64() > 0);
    auto const session = events.next("session.begun");
    REQUIRE(session);
    CHECK(session->at("session") == begun->at("session"));
}

TEST_CASE("prompts and answers are told only where the operator has switched that on") {
    scratch const quiet;
    scratch const open;
    running_server const without{in(quiet)};
    running_server const with{in(open, {{"EVENTS_CONTENT", "true"}})};
    watcher none{without.bridge_port(), "/events"};
    watcher some{with.bridge_port(), "/events?topics=content"};
    REQUIRE(none.next("feed.opened"));
    REQUIRE(some.next("feed.opened"));

    (void)exchange_bytes(without.port(), chat(without.port(), "Repeat exactly: canary"));
    (void)exchange_bytes(with.port(), chat(with.port(), "Repeat exactly: canary"));

    auto const prompt = some.next("content.prompt");
    REQUIRE(prompt);
    CHECK(prompt->at("text") == "Repeat exactly: canary");
    auto const delta = some.next("content.delta");
    REQUIRE(delta);
    CHECK(delta->at("text") == "canary");
    for (bool ended = false; !ended;) {
        auto const one = none.next();
        REQUIRE(one);
        CHECK(boost::json::serialize(*one).find("canary") == std::string::npos);
        ended = one->at("type") == "request.ended";
    }
}

TEST_CASE("only those with the scope events may watch, and no page of another origin") {
    scratch const folder;
    running_server const server{in(folder, {{"LOCAL_USERS", "none"}})};
    std::string const watching = new_token(folder, "events");
    std::string const asking = new_token(folder, "discover,generate");
    std::uint16_t const port = server.bridge_port();
    auto const status = [&](std::string const& fields) {
        for (int i = 0; i != 60; ++i) { // a new key is known within a second or so
            watcher one{port, "/events", fields};
            if (one.head().find(" 401 ") == std::string::npos) return one.head().substr(9, 3);
            ::poll(nullptr, 0, 50);
        }
        return std::string{"401"};
    };

    CHECK(status(bearer(watching)) == "200");
    CHECK(status(bearer(asking)) == "403");
    watcher none{port, "/events"};
    CHECK(none.head().substr(9, 3) == "401");

    watcher listening{port, "/events?topics=security", bearer(watching)};
    REQUIRE(listening.next("feed.opened"));
    watcher page{port, "/events", bearer(watching) + "Origin: https://evil.example\r\n"};
    CHECK(page.head().substr(9, 3) == "403");
    watcher image{port, "/events", bearer(watching) + "Sec-Fetch-Site: cross-site\r\n"};
    CHECK(image.head().substr(9, 3) == "403");
    auto const refused = listening.next("security.refused");
    REQUIRE(refused);
    CHECK(refused->at("event") == "foreign_origin");
    CHECK(refused->at("endpoint") == "/events");
    auto const other = listening.next("security.refused");
    REQUIRE(other);
    CHECK(other->at("event") == "cross_site_request");
    watcher own{port, "/events",
                bearer(watching) + "Origin: http://127.0.0.1:" + std::to_string(port) + "\r\n"};
    CHECK(own.head().substr(9, 3) == "200");
}

TEST_CASE("a watcher whose key is revoked is told so, and gets no more") {
    scratch const folder;
    running_server const server{in(folder)};
    std::string const token = new_token(folder, "events");
    ::poll(nullptr, 0, 1500);
    watcher events{server.bridge_port(), "/events", bearer(token)};
    REQUIRE(events.next("feed.opened"));

    auto const listed = run_program({"token", "list", "--json"}, in(folder));
    auto const at = listed.out.find("key_");
    REQUIRE(at != std::string::npos);
    std::string const id = listed.out.substr(at, listed.out.find('"', at) - at);
    REQUIRE(run_program({"token", "revoke", id}, in(folder)).exit_code == 0);

    auto const last = events.next("feed.closed", 5s);
    REQUIRE(last);
    CHECK(last->at("reason") == "the key was revoked");
    CHECK(!events.next());
    CHECK(events.ended());
}

TEST_CASE("a watcher that comes back has missed nothing, and one from before a restart is told") {
    scratch const folder;
    running_server const server{in(folder)};
    std::string seen;
    {
        watcher first{server.bridge_port(), "/events?topics=security"};
        REQUIRE(first.next("feed.opened"));
        (void)exchange_bytes(server.port(), foreign(server.port(), 1), 100ms);
        REQUIRE(first.next("security.refused"));
        seen = first.last_id();
    }
    (void)exchange_bytes(server.port(), foreign(server.port(), 2), 100ms);

    watcher again{server.bridge_port(), "/events?topics=security",
                  "Last-Event-ID: " + seen + "\r\n"};
    auto const opened = again.next("feed.opened");
    REQUIRE(opened);
    CHECK(!opened->contains("missed_at_least"));
    CHECK(again.next("security.refused"));
    CHECK(again.next("security.refused"));
    CHECK(!again.next("security.refused", 100ms));

    watcher foreign_id{server.bridge_port(), "/events?after=1-1"};
    auto const other = foreign_id.next("feed.opened");
    REQUIRE(other);
    CHECK(other->at("missed_at_least") == 1);
}

TEST_CASE("a watcher that does not read is dropped with a notice, slows nobody, and costs little") {
    scratch const folder;
    running_server const server{in(folder)};
    watcher slow{server.bridge_port(), "/events", {}, 4096};
    REQUIRE(slow.next("feed.opened"));
    std::size_t const before = resident_kib(server.pid());

    constexpr std::size_t rounds = 30;
    constexpr std::size_t in_one_round = 1500;
    std::size_t answers = 0;
    for (std::size_t i = 0; i != rounds; ++i) {
        std::string const got =
            exchange_bytes(server.port(), foreign(server.port(), in_one_round), 300ms);
        for (auto at = got.find("HTTP/1.1 403"); at != std::string::npos;
             at = got.find("HTTP/1.1 403", at + 1))
            ++answers;
    }
    CHECK(answers == rounds * in_one_round);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    // Sanitizers keep what is freed, to notice its use: what they make of memory tells nothing.
    CHECK(resident_kib(server.pid()) < before + 24 * 1024);
#endif

    auto const last = slow.next("feed.dropped", 10s);
    REQUIRE(last);
    CHECK(!slow.next());
    CHECK(slow.ended());
}

TEST_CASE("a server that stops does not wait for its watchers, and tells them") {
    scratch const folder;
    running_server server{in(folder)};
    watcher events{server.bridge_port(), "/events"};
    REQUIRE(events.next("feed.opened"));

    auto const before = std::chrono::steady_clock::now();
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(std::chrono::steady_clock::now() - before < 3s);
    CHECK(events.next("feed.closed"));
    CHECK(!events.next());
    CHECK(events.ended());
}

TEST_CASE("events come over a WebSocket as well, and a client's words are answered there") {
    scratch const folder;
    running_server server{in(folder)};
    socket_watcher events{server.bridge_port(), "/events?topics=request"};
    CHECK(events.head().starts_with("HTTP/1.1 101 "));
    REQUIRE(events.next("feed.opened"));

    (void)exchange_bytes(server.port(), chat(server.port(), "hi"));
    auto const ended = events.next("request.ended");
    REQUIRE(ended);
    CHECK(ended->at("seq").as_int64() > 0);

    for (auto const* text : {"nonsense", "[]", R"({"type":"permission.question"})",
                             R"({"type":"permission.answer","id":"perm_1","verdict":"maybe"})"}) {
        events.send(text);
        auto const refused = events.next("answer.refused");
        REQUIRE(refused);
        CHECK(!refused->at("reason").as_string().empty());
    }
    events.send(R"({"type":"permission.answer","id":"perm_1","verdict":"allow"})");
    auto const unknown = events.next("answer.refused");
    REQUIRE(unknown);
    CHECK(unknown->at("id") == "perm_1");
    CHECK(unknown->at("reason") == "there is no such question");

    server.signal(SIGTERM);
    CHECK(events.next("feed.closed"));
    (void)events.next("nothing more", 500ms);
    CHECK(events.close_code() == 1001);
    CHECK(server.wait() == 0);
}

TEST_CASE("a WebSocket has the guards of every other request, and a long message ends it") {
    scratch const folder;
    running_server const server{in(folder)};
    std::uint16_t const port = server.bridge_port();
    socket_watcher const page{port, "/events", "Origin: https://evil.example\r\n"};
    CHECK(page.head().starts_with("HTTP/1.1 403 "));
    socket_watcher const wrong{port, "/events", bearer("mlp_" + std::string(43, 'A'))};
    CHECK(wrong.head().starts_with("HTTP/1.1 401 "));
    socket_watcher const topic{port, "/events?topics=everything"};
    CHECK(topic.head().starts_with("HTTP/1.1 400 "));

    socket_watcher talker{port, "/events"};
    REQUIRE(talker.next("feed.opened"));
    talker.send(std::string(4097, ' '));
    (void)talker.next("nothing more", 1s);
    CHECK(talker.close_code() == 1009);
}

TEST_CASE("an answer that is posted to a question that there is not is told so") {
    scratch const folder;
    running_server const server{in(folder)};
    std::uint16_t const port = server.bridge_port();
    auto const post = [&](std::string_view body, std::string_view fields = {}) {
        return status_of(exchange_bytes(
            port, "POST /events/answers HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                      "\r\nContent-Type: application/json\r\nConnection: close\r\n" +
                      std::string{fields} + "Content-Length: " + std::to_string(body.size()) +
                      "\r\n\r\n" + std::string{body}));
    };
    CHECK(post(R"({"id":"perm_1","verdict":"allow"})") == 404);
    CHECK(post(R"({"id":"perm_1","verdict":"perhaps"})") == 400);
    CHECK(post("nonsense") == 400);
    CHECK(post(R"({"id":"perm_1","verdict":"allow"})", "Origin: https://evil.example\r\n") == 403);
    CHECK(post(R"({"id":"perm_1","verdict":"allow"})", bearer("mlp_" + std::string(43, 'A'))) ==
          401);
}
