// Body streams read to their end the way a connection does it, for the tests of the OpenAI dialect:
// several pieces in one write while the stream is ready, and nothing of the call that failed.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/body_stream.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace asking {

/// What went out.
class pulled {
public:
    pulled() = default;

    std::string text;                ///< all bytes
    std::vector<std::string> writes; ///< what each write had
    std::optional<mcp_provider::rejection>
        before_head; ///< the refusal that came before anything went out
    std::optional<mcp_provider::rejection> broken; ///< the refusal that broke the stream off
};

/// Pulls until the end, or until a refusal, which goes through `fail` where something has gone out already.
inline asio::awaitable<pulled> pull(mcp_provider::http::body_stream& body) {
    pulled all;
    bool head_sent = false;
    for (;;) {
        std::string out;
        std::size_t whole = 0;
        auto step = co_await body.next(out);
        while (step && *step == mcp_provider::http::stream_step::more && body.ready()) {
            whole = out.size();
            step = co_await body.next(out);
        }
        if (!step) {
            out.resize(whole);
            if (!head_sent && out.empty()) {
                all.before_head = std::move(step).error();
            } else {
                all.text += out;
                body.fail(step.error(), all.text);
                all.broken = std::move(step).error();
            }
            co_return std::move(all);
        }
        head_sent = true; // `more` with nothing appended lets the head go, too
        all.text += out;
        all.writes.push_back(std::move(out));
        if (*step == mcp_provider::http::stream_step::end) co_return std::move(all);
    }
}

} // namespace asking
