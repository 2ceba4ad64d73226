// An answer of an OpenAI-compatible upstream on its way, streamed or whole.
#pragma once

#include "agents/openai_calls.hpp"
#include "agents/openai_endpoint.hpp"
#include "agents/openai_reply.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/event_stream.hpp"
#include "mcp_provider/net/http_call.hpp"

#include <asio/awaitable.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

/// Reads one event ahead as long as that needs no waiting, so that `ready` is exact. A silent stream holds no buffer;
/// altogether it takes some 2 KiB. Destroying it before its end closes the connection, which stops the upstream.
class openai_stream final : public agent::delta_stream {
public:
    explicit openai_stream(std::shared_ptr<openai_endpoint const> to)
        : to_{std::move(to)}, call_{to_->client()} {}

    /// Sends the request; success when the upstream has begun its answer. *Errors*: see `upstream_rejection`.
    [[nodiscard]] asio::awaitable<result<>> begin(net::request_head const& request,
                                                  std::string_view body);

    [[nodiscard]] asio::awaitable<result<agent::delta>> next() override;
    /// What was given out before is no longer looked at then, as with `next`.
    [[nodiscard]] std::optional<result<agent::delta>> take() override;

    [[nodiscard]] bool ready() const noexcept override {
        return !is_open_ || is_over_ || failure_ || pieces_[0].any() || pieces_[1].any();
    }

private:
    /// What one event said, delta by delta.
    class pieces {
    public:
        openai_reply reply;
        std::vector<agent::delta> calls;

        /// To be called once `reply` was read and its calls were added.
        void begin() noexcept;
        [[nodiscard]] bool any() const noexcept {
            return has_reasoning_ || has_content_ || next_call_ < calls.size();
        }
        [[nodiscard]] agent::delta take() noexcept;
        void clear();

    private:
        bool has_reasoning_ = false;
        bool has_content_ = false;
        std::size_t next_call_ = 0;
    };

    bool read_ahead();
    void read(std::string_view json, bool stays, pieces& into);
    void end_of_body();
    void cut(rejection why);
    void fail(rejection why);
    [[nodiscard]] result<agent::delta> finished() const;
    [[nodiscard]] steady_time patience() const;

    std::shared_ptr<openai_endpoint const> to_;
    net::http_call call_;
    http::event_stream_parser events_{max_event_bytes};
    std::array<pieces, 2> pieces_; // one is given out, the other read ahead
    std::size_t current_ = 0;
    std::string_view input_; // what was read last, in the buffer of `call_`
    std::string_view rest_;  // what of it is still to be looked at
    openai_calls calls_;
    std::string whole_; // an answer that is no stream
    std::optional<rejection> failure_;
    std::optional<agent::finish_reason> finish_;
    agent::usage used_;
    bool is_stream_ = false;
    bool is_open_ = false; // `opened` was given
    bool is_over_ = false; // nothing more will be read

    static constexpr std::size_t max_event_bytes = 4 * 1024 * 1024;
    static constexpr std::size_t max_answer_bytes = 32 * 1024 * 1024;
};

} // namespace mcp_provider::server::agents
