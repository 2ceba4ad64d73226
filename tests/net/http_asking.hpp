// Asks a scripted upstream through an http_client, and keeps what came of it.
#pragma once

#include "mcp_provider/net/http_call.hpp"
#include "mcp_provider/net/http_client.hpp"
#include "net/scripted_upstream.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::net {

/// What came of one call.
struct outcome {
    std::optional<rejection> why;
    int status = 0;
    std::string body;
    bool complete = false;
};

inline steady_time in(std::chrono::milliseconds patience) {
    return std::chrono::steady_clock::now() + patience;
}

inline asio::awaitable<void> call(http_client const& client, std::string_view method,
                                  std::string_view body, outcome& got,
                                  std::chrono::milliseconds patience = std::chrono::seconds{5}) {
    request_head const head{client, method, "/x", "Accept: */*\r\n"};
    http_call one{client};
    auto const sent = co_await one.send(head, body, in(patience));
    if (!sent) {
        got.why = sent.error();
        co_return;
    }
    got.status = one.head().status;
    auto all = co_await one.read_all(10 * 1024 * 1024, in(patience));
    if (!all)
        got.why = all.error();
    else
        got.body = *all;
    got.complete = one.is_complete();
}

/// Serves requests on each connection until the client goes.
inline asio::awaitable<void> serve_all(testing::upstream_side& side, std::string answer) {
    for (;;) {
        std::string const request = co_await side.request();
        if (request.empty()) co_return;
        co_await side.say(answer);
    }
}

inline std::string const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

} // namespace mcp_provider::net
