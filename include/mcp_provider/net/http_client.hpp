// An HTTP/1.1 client: one upstream and how to talk to it. `http_call.hpp` does the talking.
#pragma once

#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/net/detail/tls_client.hpp"
#include "mcp_provider/net/origin.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::net {

struct http_client_options {
    std::chrono::milliseconds connect_time{5'000}; ///< for name, connection and TLS together
    std::chrono::milliseconds write_time{
        30'000}; ///< an upstream that takes no byte for so long is gone
    std::chrono::milliseconds idle_time{
        55'000};               ///< between two requests; servers keep 60 s and more
    std::size_t max_idle = 64; ///< connections that wait, an io_context
    std::string ca_file;       ///< PEM file of authorities to trust; empty for the system's
};

/// One upstream, and how to talk to it. Proxies of the environment are not used, redirects are not followed.
/// *Thread safety*: safe; connections belong to the io_context of the coroutine that uses them.
class http_client {
public:
    /// *Errors*: throws `std::runtime_error` where an https upstream's authorities cannot be read.
    explicit http_client(origin to, http_client_options options = {})
        : to_{std::move(to)}, options_{std::move(options)} {
        if (to_.is_secure()) trust_.emplace(options_.ca_file);
    }
    http_client(http_client const&) = delete;
    http_client& operator=(http_client const&) = delete;

    [[nodiscard]] origin const& to() const noexcept { return to_; }
    [[nodiscard]] http_client_options const& options() const noexcept { return options_; }

private:
    friend class http_call;

    static std::uint64_t next_id() noexcept {
        static std::atomic<std::uint64_t> last{0};
        return ++last;
    }

    std::uint64_t id_ = next_id(); // of its connections in the pools
    origin to_;
    http_client_options options_;
    std::optional<detail::tls_trust> trust_;
};

/// The head of requests that differ in their body only: written once. It may hold a key, so it is kept as a secret.
class request_head {
public:
    /// `path` follows the client's base path (`/chat/completions`). `fields` are whole lines (`Accept: */*\r\n`).
    request_head(http_client const& client, std::string_view method, std::string_view path,
                 std::string_view fields)
        : has_body_{method != "GET" && method != "HEAD"}, is_head_{method == "HEAD"} {
        std::string text; // in one piece from the start: growing would leave copies of a key behind
        text.reserve(method.size() + path.size() + fields.size() + client.to().path().size() +
                     client.to().authority().size() + 32);
        text.append(method).append(" ").append(client.to().path()).append(path);
        text.append(" HTTP/1.1\r\nHost: ").append(client.to().authority());
        text.append("\r\n").append(fields);
        text_ = secret{std::move(text)};
    }

private:
    friend class http_call;

    secret text_;
    bool has_body_;
    bool is_head_;
};

} // namespace mcp_provider::net
