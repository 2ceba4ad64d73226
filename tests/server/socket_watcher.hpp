// A client of `/events` over a WebSocket, for tests of the built program.
#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::server {

/// Sends and reads text messages of less than 64 KiB.
class socket_watcher {
public:
    socket_watcher(std::uint16_t port, std::string_view target, std::string_view fields = {});
    ~socket_watcher();
    socket_watcher(socket_watcher const&) = delete;
    socket_watcher& operator=(socket_watcher const&) = delete;

    /// The head of the answer to the upgrade.
    [[nodiscard]] std::string const& head() const noexcept { return head_; }
    void send(std::string_view text);
    /// The next message of that type; those before it are passed over. Nothing where none comes in time.
    [[nodiscard]] std::optional<boost::json::object>
    next(std::string_view type, std::chrono::milliseconds patience = std::chrono::seconds{3});
    /// The code of the server's Close; 0 while none has come.
    [[nodiscard]] unsigned close_code() const noexcept { return close_code_; }

private:
    bool read_more(std::chrono::steady_clock::time_point until);
    std::optional<std::string> message();

    int socket_ = -1;
    std::string head_;
    std::string input_;
    unsigned close_code_ = 0;
};

} // namespace mcp_provider::server
