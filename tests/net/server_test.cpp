#include "mcp_provider/net/server.hpp"
#include "mcp_provider/policy/deadline.hpp"
#include "net/served.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::net;
using namespace std::chrono_literals;

namespace {

std::string get(std::string_view path) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
std::string post(std::string_view path, std::string_view body) {
    return "POST " + std::string{path} +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string{body};
}

/// Waits until it is cancelled, and says so.
struct patient_handler {
    std::atomic<int>* started;
    std::atomic<int>* stopped;
    asio::awaitable<http::response> operator()() const {
        ++*started;
        asio::steady_timer timer{co_await asio::this_coro::executor, 1h};
        try {
            co_await timer.async_wait(asio::use_awaitable);
        } catch (std::system_error const&) {
            ++*stopped;
            throw;
        }
        co_return http::response{200};
    }
};

router hello() {
    router routes;
    routes.add(http::method::get, "/hello", pipeline().handle([] {
        return http::response{200, "text/plain", std::string{"hello"}};
    }));
    routes.add(http::method::post, "/echo", pipeline().handle([](http::body const& in) {
        return http::response{200, "text/plain", std::string{in.text}};
    }));
    routes.add(http::method::post, "/refuse", pipeline().handle([]() -> result<http::response> {
        return rejection{rejection_code::forbidden, "no"};
    }));
    routes.malformed(pipeline().handle([](http::request const& asked) -> result<http::response> {
        return *asked.malformation();
    }));
    routes.otherwise(pipeline().handle([]() -> result<http::response> {
        return rejection{rejection_code::not_found, "nothing here"};
    }));
    return routes;
}

} // namespace

TEST_CASE("a connection serves one request after the other") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    client.send(get("/hello"));
    auto const first = client.read_until("hello");
    client.send(post("/echo", "again"));
    auto const second = client.read_until("again");

    CHECK(first.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(first.find("Content-Length: 5\r\n") != std::string::npos);
    CHECK(first.find("x-request-id: req_") != std::string::npos);
    CHECK(second.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK_FALSE(client.is_closed());
}

TEST_CASE("clients that ask at the same time get each its own answer, though the answers gather") {
    auto const routes = hello();
    served server{routes};
    std::vector<std::unique_ptr<raw_client>> clients;
    for (int i = 0; i < 30; ++i) clients.push_back(std::make_unique<raw_client>(server.where()));

    for (int round = 0; round < 20; ++round) {
        auto const said = [&](std::size_t i) {
            return "<" + std::to_string(round) + ":" + std::to_string(i) + ">";
        };
        for (std::size_t i = 0; i < clients.size(); ++i) clients[i]->send(post("/echo", said(i)));
        for (std::size_t i = 0; i < clients.size(); ++i) {
            auto const got = clients[i]->read_until(said(i));
            REQUIRE(got.starts_with("HTTP/1.1 200 OK\r\n"));
            REQUIRE(got.ends_with(said(i)));
        }
    }
}

TEST_CASE("pipelined requests are answered in order, however many") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    std::string all;
    for (int i = 0; i < 100; ++i) all += post("/echo", "<" + std::to_string(i) + ">");
    client.send(all);
    auto const got = client.read_until("<99>");

    std::size_t at = 0;
    for (int i = 0; i < 100; ++i) {
        auto const found = got.find("<" + std::to_string(i) + ">");
        REQUIRE(found != std::string::npos);
        CHECK(found >= at);
        at = found;
    }
}

TEST_CASE("a request that comes byte by byte is the same request") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    for (char const c : post("/echo", "slowly")) client.send({&c, 1});

    CHECK(client.read_until("slowly").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("a chunked body is read, and what follows it is the next request") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                "chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n" +
                get("/hello"));
    auto const got = client.read_until("hello");

    CHECK(got.find("abcdefg") != std::string::npos);
    CHECK(count(got, "HTTP/1.1 200 OK") == 2);
}

TEST_CASE("Expect: 100-continue is answered before the body is sent") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");

    CHECK(client.read_until("body").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("a refusal does not ask for the body that a client holds back, and closes") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    client.send(
        "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    auto const got = client.read_to_end();

    CHECK(got.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    CHECK(got.find("Connection: close\r\n") != std::string::npos);
    CHECK(client.is_closed());
}

TEST_CASE("a small body that nobody read is skipped, and the connection goes on") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    std::string const request = post("/refuse", std::string(5000, 'x'));
    client.send(std::string_view{request}.substr(0, 100));
    CHECK(client.read_until("no\n").starts_with("HTTP/1.1 403"));
    client.send(std::string_view{request}.substr(100));
    client.send(get("/hello"));

    CHECK(client.read_until("hello").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("a client that sends a large refused body still gets its answer") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    std::string const body(1'000'000, 'x');
    client.send("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    std::error_code ignored;
    asio::write(client.socket(), asio::buffer(body), ignored);

    CHECK(client.read_to_end().starts_with("HTTP/1.1 403"));
}

TEST_CASE("HEAD gets the head of GET and no body") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
    auto const got = client.read_until("hello");

    CHECK(count(got, "Content-Length: 5\r\n") == 2);
    CHECK(count(got, "hello") == 1);
}

TEST_CASE("HTTP/1.0 closes unless it asks to go on") {
    auto const routes = hello();
    served server{routes};
    raw_client once{server.where()};
    raw_client again{server.where()};

    once.send("GET /hello HTTP/1.0\r\n\r\n");
    again.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    CHECK(once.read_to_end().find("Connection: close\r\n") != std::string::npos);
    CHECK(once.is_closed());
    CHECK(again.read_until("hello").find("Connection: keep-alive\r\n") != std::string::npos);
    CHECK_FALSE(again.is_closed());
}

TEST_CASE("a malformed request is answered and its connection closed, with nothing served from "
          "what follows") {
    auto const routes = hello();
    served server{routes};
    raw_client client{server.where()};

    client.send("GET /hello HTTP/1.1\nHost: a\r\n\r\n" + get("/hello"));
    auto const got = client.read_to_end();

    CHECK(got.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(count(got, "HTTP/1.1") == 1);
    CHECK(client.is_closed());
}

TEST_CASE("a body over the limit is refused from its head alone, one byte less is served") {
    auto const routes = hello();
    http::limits limits;
    limits.max_body_bytes = 10;
    served server{routes, limits};
    raw_client fits{server.where()};
    raw_client too_long{server.where()};
    raw_client too_long_in_chunks{server.where()};

    fits.send(post("/echo", "0123456789"));
    too_long.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    too_long_in_chunks.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n");

    CHECK(fits.read_until("0123456789").starts_with("HTTP/1.1 200"));
    CHECK(too_long.read_to_end().starts_with("HTTP/1.1 413"));
    CHECK(too_long_in_chunks.read_to_end().starts_with("HTTP/1.1 413"));
}

TEST_CASE("slow senders get 408, idle connections are closed without a word") {
    auto const routes = hello();
    http::limits limits;
    limits.header_time = limits.body_time = limits.idle_time = 60ms;
    served server{routes, limits};
    raw_client head{server.where()};
    raw_client body{server.where()};
    raw_client idle{server.where()};

    head.send("GET /hello HT");
    body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");

    CHECK(head.read_to_end().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    CHECK(body.read_to_end().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    CHECK(idle.read_to_end().empty());
    CHECK(idle.is_closed());
}

TEST_CASE(
    "a client that leaves stops its handler within 100 ms, even with another request behind") {
    std::atomic<int> started = 0;
    std::atomic<int> stopped = 0;
    endings notes;
    router routes;
    routes.add(http::method::get, "/wait",
               pipeline(noting{&notes}).handle(patient_handler{&started, &stopped}));
    served server{routes};
    raw_client plain{server.where()};
    raw_client pipelining{server.where()};
    plain.send(get("/wait"));
    pipelining.send(get("/wait") + get("/wait"));
    while (started != 2) std::this_thread::yield();

    auto const left = std::chrono::steady_clock::now();
    plain.close();
    pipelining.close();
    auto const list = notes.wait_for(2);
    auto const took = std::chrono::steady_clock::now() - left;

    CHECK(took < 100ms);
    CHECK(stopped == 2);
    REQUIRE(list.size() == 2);
    CHECK(list[0].cause == end_cause::client_gone);
    CHECK(list[0].status == 499);
}

TEST_CASE("a handler that is too slow is cancelled and answered with 504") {
    std::atomic<int> started = 0;
    std::atomic<int> stopped = 0;
    endings notes;
    router routes;
    routes.add(http::method::get, "/wait",
               pipeline(noting{&notes}, deadline{{50ms, 0ms}})
                   .handle(patient_handler{&started, &stopped}));
    served server{routes};
    raw_client client{server.where()};

    client.send(get("/wait"));

    CHECK(client.read_to_end().starts_with("HTTP/1.1 504 Gateway Timeout\r\n"));
    CHECK(stopped == 1);
    CHECK(notes.wait_for(1).front().cause == end_cause::timed_out);
}

TEST_CASE("a drain lets a response finish, closes idle connections, and cuts what takes too long") {
    std::atomic<int> started = 0;
    std::atomic<int> stopped = 0;
    endings notes;
    router routes = hello();
    routes.add(http::method::get, "/wait",
               pipeline(noting{&notes}).handle(patient_handler{&started, &stopped}));
    served server{routes};
    raw_client idle{server.where()};
    raw_client waiting{server.where()};
    idle.send(get("/hello"));
    CHECK(idle.read_until("hello").starts_with("HTTP/1.1 200"));
    waiting.send(get("/wait"));
    while (started != 1) std::this_thread::yield();

    server.stop(100ms);

    CHECK(idle.read_to_end().empty());
    CHECK(idle.is_closed());
    CHECK(waiting.read_to_end().starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(notes.wait_for(1).front().cause == end_cause::drained);
    CHECK_THROWS(raw_client{server.where()});
}

TEST_CASE("connections are handed round among the workers") {
    router routes;
    routes.add(http::method::get, "/who", pipeline().handle([] {
        auto const id = std::hash<std::thread::id>{}(std::this_thread::get_id());
        return http::response{200, "text/plain", std::to_string(id) + "."};
    }));
    served server{routes, {}, 2};

    raw_client a{server.where()};
    raw_client b{server.where()};
    a.send(get("/who"));
    b.send(get("/who"));
    auto const by_a = a.read_until(".");
    auto const by_b = b.read_until(".");

    CHECK(by_a.substr(by_a.find("\r\n\r\n")) != by_b.substr(by_b.find("\r\n\r\n")));
}

TEST_CASE("the limit of connections holds: n are served, the next one is closed") {
    auto const routes = hello();
    served server{routes, {}, 1, 2};
    raw_client a{server.where()};
    raw_client b{server.where()};
    a.send(get("/hello"));
    b.send(get("/hello"));
    CHECK(a.read_until("hello").starts_with("HTTP/1.1 200"));
    CHECK(b.read_until("hello").starts_with("HTTP/1.1 200"));

    raw_client c{server.where()};

    CHECK(c.read_to_end().empty());
    CHECK(c.is_closed());
}

TEST_CASE("the second listener on a port gets address_in_use") {
    auto const routes = hello();
    server one{routes, {}, 1};
    server two{routes, {}, 1};

    CHECK_FALSE(one.listen({asio::ip::address_v4::loopback(), 0}));
    CHECK(two.listen(one.endpoints().front()) == std::errc::address_in_use);
}
