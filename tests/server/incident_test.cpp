// The built program under an operator's hand: sessions and blocks by command, at once and over a restart.
#include "server/program.hpp"

#include <boost/json.hpp>
#include <poll.h>
#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <doctest/doctest.h>

using namespace mcp_provider::server;
using namespace std::chrono_literals;

namespace {

environment in(scratch const& folder, environment more = {}) {
    more["STATE_DIR"] = folder.path().string();
    more.emplace("ENABLE_RATE_LIMITING", "false");
    return more;
}

std::string request(std::string_view verb, std::uint16_t port, std::string_view path,
                    std::string_view fields = {}, std::string_view body = {}) {
    std::string text = std::string{verb} + ' ' + std::string{path} +
                       " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                       "\r\nContent-Type: application/json\r\nConnection: close\r\n" +
                       std::string{fields};
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + std::string{body};
}

std::string ask(std::uint16_t port, std::string_view fields = {}, std::string_view text = "hi",
                bool streamed = false) {
    std::string const body =
        R"({"model":"echo","stream":)" + std::string{streamed ? "true" : "false"} +
        R"(,"messages":[{"role":"user","content":")" + std::string{text} + R"("}]})";
    return exchange_bytes(port, request("POST", port, "/v1/chat/completions", fields, body), 2s);
}

boost::json::object body_of(std::string const& answer) {
    auto const at = answer.find("\r\n\r\n");
    REQUIRE(at != std::string::npos);
    return boost::json::parse(answer.substr(at + 4)).as_object();
}

std::string first_session(scratch const& folder) {
    auto const listed = run_program({"session", "list", "--json"}, in(folder));
    REQUIRE(listed.exit_code == 0);
    auto const told = boost::json::parse(listed.out);
    REQUIRE(!told.at("sessions").as_array().empty());
    return std::string{told.at("sessions").as_array().front().at("id").as_string()};
}

} // namespace

TEST_CASE("a session is suspended, reset and revoked by command while the server runs") {
    scratch const folder;
    running_server const server{in(folder)};
    CHECK(status_of(ask(server.port())) == 200);
    std::string const id = first_session(folder);

    CHECK(run_program({"session", "suspend", id, "--for", "1h"}, in(folder)).exit_code == 0);
    std::string const suspended = ask(server.port());
    CHECK(status_of(suspended) == 403);
    CHECK(suspended.find("suspended until") != std::string::npos);
    CHECK(run_program({"session", "reset", id}, in(folder)).exit_code == 0);
    CHECK(status_of(ask(server.port())) == 200);
    CHECK(run_program({"session", "revoke", id}, in(folder)).exit_code == 0);
    CHECK(status_of(ask(server.port())) == 401);
}

TEST_CASE("revoking ends a live stream within a second, in its dialect") {
    scratch const folder;
    running_server const server{in(folder)};
    std::string stream;
    std::thread reader{[&] { stream = ask(server.port(), {}, "Count from 1 to 100000", true); }};
    ::poll(nullptr, 0, 500);

    auto const before = std::chrono::steady_clock::now();
    outcome const revoked = run_program({"session", "revoke", "--all"}, in(folder));
    reader.join();
    auto const took = std::chrono::steady_clock::now() - before;

    CHECK(revoked.exit_code == 0);
    CHECK(took < 1s);
    CHECK(status_of(stream) == 200);
    CHECK(stream.find("the session was revoked") != std::string::npos);
    CHECK(stream.ends_with("0\r\n\r\n"));
    auto const tail = run_program({"audit", "tail", "--where", "cause=revoked"}, in(folder));
    CHECK(tail.out.find("/v1/chat/completions") != std::string::npos);
}

TEST_CASE("a block takes effect on the very next request, also on a connection that is open") {
    scratch const folder;
    running_server const server{in(folder)};
    std::string const user = "uid:" + std::to_string(::getuid());
    CHECK(status_of(ask(server.port())) == 200);
    CHECK(run_program({"block", "add", user, "--for", "1h"}, in(folder)).exit_code == 0);
    std::string const refused = ask(server.port());
    CHECK(status_of(refused) == 403);
    CHECK(refused.find("blocked") != std::string::npos);
    // The operator is blocked as a caller, and can still undo it.
    CHECK(run_program({"block", "remove", user}, in(folder)).exit_code == 0);
    CHECK(status_of(ask(server.port())) == 200);
}

TEST_CASE("blocks, suspensions and revocations outlive kill -9") {
    scratch const folder;
    {
        running_server server{in(folder)};
        CHECK(status_of(ask(server.port())) == 200);
        CHECK(run_program({"session", "revoke", first_session(folder)}, in(folder)).exit_code == 0);
        CHECK(run_program({"block", "add", "uid:4242"}, in(folder)).exit_code == 0);
        server.signal(SIGKILL);
        server.wait();
    }
    running_server const again{in(folder)};
    CHECK(status_of(ask(again.port())) == 401);
    CHECK(run_program({"block", "list"}, in(folder)).out.find("uid:4242") != std::string::npos);
    CHECK(run_program({"audit", "verify"}, in(folder)).exit_code == 0);
}

TEST_CASE("a program opens a session of its own, uses its token, and ends it") {
    scratch const folder;
    running_server const server{in(folder, {{"LOCAL_USERS", "none"}})};
    auto const made = run_program({"token", "create", "--label", "test"}, in(folder));
    std::string const key =
        "Authorization: Bearer " + made.out.substr(0, made.out.find('\n')) + "\r\n";
    std::string opened;
    for (int i = 0; i != 60 && status_of(opened) != 201; ++i) {
        opened = exchange_bytes(server.port(), request("POST", server.port(), "/v1/sessions", key));
        ::poll(nullptr, 0, 50);
    }
    REQUIRE(status_of(opened) == 201);
    auto const session = body_of(opened);
    std::string const id{session.at("id").as_string()};
    std::string const token =
        "Authorization: Bearer " + std::string{session.at("token").as_string()} + "\r\n";

    CHECK(status_of(ask(server.port(), token)) == 200);
    auto const listed = body_of(
        exchange_bytes(server.port(), request("GET", server.port(), "/v1/sessions", token)));
    REQUIRE(listed.at("sessions").as_array().size() == 1);
    CHECK(listed.at("sessions").as_array().front().at("requests") == 1);
    CHECK(status_of(exchange_bytes(
              server.port(), request("DELETE", server.port(), "/v1/sessions/" + id, key))) == 204);
    CHECK(status_of(ask(server.port(), token)) == 401);
    CHECK(status_of(exchange_bytes(server.port(), request("DELETE", server.port(),
                                                          "/v1/sessions/ses_other", key))) == 404);
}

TEST_CASE("the playbook is for those with scope admin, and a local user has none") {
    scratch const folder;
    running_server const server{in(folder)};
    auto const admin =
        run_program({"token", "create", "--label", "boss", "--scopes", "admin"}, in(folder));
    std::string const key =
        "Authorization: Bearer " + admin.out.substr(0, admin.out.find('\n')) + "\r\n";
    auto const call = [&](std::string_view action, std::string_view fields, std::string_view body) {
        return exchange_bytes(
            server.port(),
            request("POST", server.port(), "/admin/" + std::string{action}, fields, body));
    };
    std::string listed;
    for (int i = 0; i != 60 && status_of(listed) != 200; ++i) {
        listed = call("sessions/list", key, "{}");
        ::poll(nullptr, 0, 50);
    }
    CHECK(status_of(listed) == 200);
    CHECK(status_of(call("sessions/list", {}, "{}")) == 403);
    CHECK(status_of(call("blocks/add", key, R"({"who":"uid:9","dry_run":true})")) == 200);
    CHECK(status_of(call("blocks/add", key, R"({"who":"nobody"})")) == 400);
    CHECK(status_of(call("blocks/add", key, "[]")) == 400);
    CHECK(status_of(call("nothing", key, "{}")) == 404);
    auto const tail = run_program({"audit", "tail", "--where", "cause=dry_run"}, in(folder));
    CHECK(tail.out.find("uid:9") != std::string::npos);
}

TEST_CASE("a second server of the same kind does not take the first one's state") {
    scratch const folder;
    running_server const first{in(folder)};
    environment with = in(folder, {{"ADAPTER_PORT", "0"}, {"BRIDGE_PORT", "0"}});
    outcome const second = run_program({"serve"}, with);
    CHECK(second.exit_code == 78);
    CHECK(second.err.find("STATE_DIR") != std::string::npos);
}
