// What a client of MCP servers is told by those who use it.
#pragma once

#include "mcp_provider/core/result.hpp"
#include "mcp_provider/mcp/protocol.hpp"
#include "mcp_provider/version.hpp"

#include <asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp {

/// Answers a request of the server. Called with its `params`; may wait. A rejection declines: the server is told so where
/// it can be. The params live as long as the awaitable.
using server_request_handler =
    std::function<asio::awaitable<result<boost::json::object>>(boost::json::object const& params)>;

/// Everything that a client may be told. What is not handled is not declared, and refused when it is asked for.
struct client_options {
    std::string name = "mcp-provider"; ///< of this client, for the server
    std::string version{mcp_provider::version};
    /// The revision to speak; empty for the newest, or the handshake of the legacy era where the server does not know it.
    std::optional<revision> only;

    std::chrono::milliseconds call_time{30'000};     ///< for an answer; progress begins it anew
    std::chrono::milliseconds longest_time{600'000}; ///< for an answer, whatever the progress
    std::chrono::milliseconds connect_time{30'000};  ///< for all of `connect`
    std::chrono::milliseconds probe_time{5'000}; ///< before a silent server counts as a legacy one
    std::chrono::milliseconds handler_time{300'000}; ///< for the answer of a handler below

    std::size_t max_calls = 64;           ///< at once
    std::size_t max_server_requests = 16; ///< of the server, at once
    std::size_t max_pages = 100;          ///< of one list
    std::size_t max_items = 10'000;       ///< of one list
    std::size_t max_rounds = 8;           ///< in which one call may ask for further input
    std::size_t max_inputs = 16;          ///< in one such round
    bool listens = true; ///< to what a legacy server says of its own accord over HTTP

    server_request_handler sampling; ///< `sampling/createMessage`: returns a CreateMessageResult
    server_request_handler
        elicitation; ///< `elicitation/create` of a form: returns an ElicitResult;
                     ///< defaults of what its `content` lacks are put in
    std::function<boost::json::array()> roots; ///< the roots (`{"uri":…,"name":…}`)
    /// Is told of notifications, but for the progress of calls that handle it. Must not throw.
    std::function<void(std::string_view method, boost::json::object const& params)> notified;
    /// Is told when a server over stdio has ended. Must not throw.
    std::function<void(rejection const& why)> gone;
    /// Is told why a tool that a server lists is left out. Must not throw.
    std::function<void(std::string const& tool, std::string const& why)> left_out;
};

/// How far a call has come.
class progress_report {
public:
    double done = 0;
    std::optional<double> total;
    std::string_view message; ///< *Lifetime*: the call of the function
};

/// How one call is made.
class call_options {
public:
    call_options() = default;

    std::function<void(progress_report const&)> progress; ///< empty: none is asked for
    std::optional<std::chrono::milliseconds> time;        ///< in place of `call_time`
    std::optional<std::chrono::milliseconds> longest_time;
};

/// What a client knows of its server once it is connected.
class server_facts {
public:
    [[nodiscard]] bool has(std::string_view capability) const {
        return capabilities.contains({capability.data(), capability.size()});
    }

    revision spoken = latest_modern;
    boost::json::object capabilities;
    std::string name;
    std::string version;
    std::string instructions;
};

} // namespace mcp_provider::mcp
