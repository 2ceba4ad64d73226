// The bridge's end of the link: serves the agent to adapters in other processes.
#pragma once

#include "bridge/link_token.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::bridge {

class link_session;

/// The links that are open, so that a bridge that stops can let them finish. *Thread safety*: safe.
class open_links {
public:
    void add(std::shared_ptr<link_session> const& one);
    void remove(link_session const& one);
    /// Has every link drain, those that are opened later too, and waits until all are gone, for `patience` at most.
    void drain(std::chrono::milliseconds patience);

private:
    std::mutex mutex_; // guards all below
    std::condition_variable all_gone_;
    std::vector<std::shared_ptr<link_session>> open_;
    bool drains_ = false;
};

/// What a link has to do with the rest of the bridge.
struct link_surroundings {
    std::shared_ptr<agent::agent> agent;
    std::shared_ptr<link_keys> keys;
    std::shared_ptr<open_links> links;
    /// Takes what an adapter publishes, one JSON object; may be empty. Called on the bridge's thread.
    std::function<void(std::string_view)> on_event;
    /// Whether anybody listens to events; may be empty for never.
    std::function<bool()> is_heard;
};

/// `GET /link`, a handler: takes an adapter's WebSocket. *Errors*: `upgrade_required`, `bad_request`.
/// *Lifetime*: the exchange's `audited` must outlive the exchange's response, which it does in a pipeline.
class link_handler {
public:
    explicit link_handler(link_surroundings around)
        : around_{std::make_shared<link_surroundings const>(std::move(around))} {}

    result<http::response> operator()(http::request const& asked, principal const& who,
                                      audited const& proof) const;

private:
    std::shared_ptr<link_surroundings const> around_;
};

} // namespace mcp_provider::server::bridge
