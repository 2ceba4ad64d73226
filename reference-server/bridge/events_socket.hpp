// `/events` over a WebSocket: events to the client, answers to questions from it.
#pragma once

#include "bridge/permission_board.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/http/channel.hpp"
#include "mcp_provider/http/takeover.hpp"

#include <asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string_view>

namespace mcp_provider::server::bridge {

/// Each event is one text message. A message of the client is an answer
/// (`{"type":"permission.answer","id":…,"verdict":"allow"|"refuse"}`), which a message without a number answers:
/// `answer.accepted`, or `answer.refused` with the reason. *Lifetime*: the feed must outlive it.
class events_socket final : public http::takeover {
public:
    /// Why the listener may not listen any longer; empty while it may.
    using objection = std::function<std::string_view()>;

    events_socket(std::shared_ptr<events::feed> feed, std::unique_ptr<events::listener> one,
                  std::shared_ptr<permission_board> board, principal who, objection ends);
    ~events_socket() override;

    [[nodiscard]] asio::awaitable<end_cause> run(std::shared_ptr<http::duplex> on) override;
    void drain() noexcept override;

private:
    class conversation;

    std::shared_ptr<events::feed> feed_;
    std::unique_ptr<events::listener> listener_;
    std::shared_ptr<permission_board> board_;
    principal who_;
    objection objection_;
    std::shared_ptr<conversation> talk_;
};

} // namespace mcp_provider::server::bridge
