// The models of an OpenAI-compatible upstream: asked for in the background, told from memory.
#pragma once

#include "agents/openai_endpoint.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/core/result.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

/// Reads the answer of GET /models: OpenAI's form, with what vLLM and llama.cpp add about the context.
/// *Errors*: `upstream_failed` where it is no such list.
[[nodiscard]] result<std::vector<agent::model>> read_models(std::string_view json,
                                                            openai_settings const& settings);

/// What is on offer: the upstream's models, all or the configured ones, and the aliases. Until the upstream has answered
/// for the first time, what the configuration names. *Thread safety*: `now` and `upstream_name` from any thread.
class openai_models : public std::enable_shared_from_this<openai_models> {
public:
    explicit openai_models(std::shared_ptr<openai_endpoint const> of);

    [[nodiscard]] agent::model_list now() const;

    /// The upstream's name of a model on offer. Before the upstream has answered for the first time any name is passed
    /// on, so that the upstream judges it. *Errors*: `not_found`.
    [[nodiscard]] result<std::string> upstream_name(std::string_view model) const;

    /// Looks at the list now and again, on that context, until `stop`.
    void start(asio::io_context& on);
    /// Ends that. Safe to call from any thread, and without `start`.
    void stop();

private:
    [[nodiscard]] static asio::awaitable<void> keep_up(std::shared_ptr<openai_models> self);
    [[nodiscard]] asio::awaitable<result<>> refresh();
    void set(std::vector<agent::model> of_upstream);

    std::shared_ptr<openai_endpoint const> of_;
    asio::cancellation_signal cancel_;
    asio::io_context* context_ = nullptr;
    mutable std::mutex mutex_;
    agent::model_list list_; // with `is_known_` under the mutex
    bool is_known_ = false;
};

} // namespace mcp_provider::server::agents
