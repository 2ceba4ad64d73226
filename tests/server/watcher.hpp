// A client of `/events` over a raw socket, for tests of the built program.
#pragma once

#include "mcp_provider/http/event_stream.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server {

/// Listens over HTTP/1.0, so that the stream comes as it is.
class watcher {
public:
    /// Asks for `target`; with a `receive_buffer` the kernel keeps no more than about so many bytes for it.
    watcher(std::uint16_t port, std::string_view target, std::string_view fields = {},
            int receive_buffer = 0);
    ~watcher();
    watcher(watcher const&) = delete;
    watcher& operator=(watcher const&) = delete;

    /// The next event, or nothing where none comes within `patience`, or the stream has ended.
    [[nodiscard]] std::optional<boost::json::object>
    next(std::chrono::milliseconds patience = std::chrono::seconds{3});
    /// The next event of that type; those before it are passed over.
    [[nodiscard]] std::optional<boost::json::object>
    next(std::string_view type, std::chrono::milliseconds patience = std::chrono::seconds{3});

    /// The id of the last event that had one.
    [[nodiscard]] std::string const& last_id() const noexcept { return last_id_; }
    /// The head of the answer.
    [[nodiscard]] std::string const& head();
    /// Whether the server has closed the stream, with all events read.
    [[nodiscard]] bool ended() const noexcept { return ended_ && input_.empty(); }

private:
    bool read_more(std::chrono::steady_clock::time_point until);
    std::optional<boost::json::object> parse();

    int socket_ = -1;
    bool ended_ = false;
    std::string head_;
    std::string held_; ///< what the parser's input is a view of
    std::string_view input_;
    http::event_stream_parser parser_;
    std::string last_id_;
};

} // namespace mcp_provider::server
