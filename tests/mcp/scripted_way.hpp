// A way to a server that plays a script: what a client does is tested without sockets and processes.
#pragma once

#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/mcp/client.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::testing {

/// What a test sees of a scripted server, also after its client has gone.
class scripted_server {
public:
    /// One answer to one request: JSON without its `jsonrpc` and `id`, so `"result":{}` or `"error":{...}`. Empty for an
    /// HTTP refusal with `status` and without a body.
    class answer {
    public:
        answer(char const* json) : members{json} {}
        answer(std::string json, std::uint16_t http_status = 200)
            : members{std::move(json)}, status{http_status} {}
        answer(rejection refused) : why{std::move(refused)} {}

        std::string members;
        std::uint16_t status = 200;
        std::optional<rejection> why;
        std::vector<std::string> before; ///< messages that come with it, before it
        bool never = false;              ///< no answer comes
    };

    static answer silence() {
        answer one{""};
        one.never = true;
        return one;
    }

    std::deque<answer> answers;         ///< in the order of the requests
    std::vector<std::string> requests;  ///< as they were sent
    std::vector<std::string> fields;    ///< the header lines of each
    std::vector<std::string> others;    ///< notifications and answers, as they were sent
    std::vector<std::string> revisions; ///< as `speak` was told; `-` for none
    mcp::message_sink* sink = nullptr;
    int opened = 0;
    bool is_stdio = false;
    bool has_session = true;

    /// The n-th request that was sent.
    [[nodiscard]] boost::json::object request(std::size_t n) const {
        return json::parse(requests.at(n))->get_object();
    }
    [[nodiscard]] boost::json::object other(std::size_t n) const {
        return json::parse(others.at(n))->get_object();
    }
    /// Says something of its own accord.
    void say(std::string_view text) const {
        mcp::detail::read_messages(
            text, {}, [&] { sink->on_stray(); },
            [&](boost::json::value& document, rpc::message const& message) {
                sink->on_message(document, message);
            });
    }
};

class scripted_way final : public mcp::client_transport {
public:
    explicit scripted_way(std::shared_ptr<scripted_server> server) : server_{std::move(server)} {}

    asio::awaitable<result<>> open(mcp::message_sink& to, steady_time) override {
        ++server_->opened;
        server_->sink = &to;
        co_return result<>{};
    }
    asio::awaitable<result<mcp::incoming_answer>> exchange(mcp::outgoing_message const& request,
                                                           mcp::call_time const& time) override {
        return play(server_, request, time);
    }
    asio::awaitable<result<>> post(mcp::outgoing_message const& message, steady_time) override {
        server_->others.push_back(message.text);
        co_return result<>{};
    }
    asio::awaitable<void> listen() override { co_return; }
    asio::awaitable<void> close(steady_time) override { co_return; }
    void speak(std::optional<mcp::revision> agreed) override {
        server_->revisions.emplace_back(agreed ? name_of(*agreed) : "-");
    }
    bool has_fields() const noexcept override { return !server_->is_stdio; }
    bool may_be_silent() const noexcept override { return server_->is_stdio; }
    bool tells_of_cancellation() const noexcept override { return false; }
    bool is_open() const noexcept override { return server_->sink != nullptr; }

private:
    static asio::awaitable<result<mcp::incoming_answer>>
    play(std::shared_ptr<scripted_server> server, mcp::outgoing_message const& request,
         mcp::call_time const& time) {
        server->requests.push_back(request.text);
        server->fields.push_back(request.fields);
        if (server->answers.empty())
            co_return rejection{rejection_code::internal, "the script has ended"};
        scripted_server::answer const given = std::move(server->answers.front());
        server->answers.pop_front();
        for (std::string const& text : given.before) server->say(text);
        asio::steady_timer timer{co_await asio::this_coro::executor};
        std::error_code ignored;
        if (given.never) {
            while (std::chrono::steady_clock::now() < time.until) {
                timer.expires_at(time.until);
                co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
                asio::cancellation_state const state = co_await asio::this_coro::cancellation_state;
                if (state.cancelled() != asio::cancellation_type::none)
                    co_return rejection{rejection_code::client_closed, "cancelled"};
            }
            co_return rejection{rejection_code::timed_out, "too slow"};
        }
        timer.expires_after(std::chrono::milliseconds{0}); // others run meanwhile
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        if (given.why) co_return *given.why;
        if (given.members.empty())
            co_return mcp::incoming_answer{boost::json::value{}, given.status};
        std::string text = R"({"jsonrpc":"2.0","id":)";
        request.id.append_to(text);
        text += "," + given.members + "}";
        auto parsed = json::parse(text);
        if (!parsed) co_return rejection{rejection_code::internal, "the script is no JSON"};
        co_return mcp::incoming_answer{*std::move(parsed), given.status};
    }

    std::shared_ptr<scripted_server> server_;
};

inline std::string const modern_server =
    R"("result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},)"
    R"("ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}})";
inline std::string const legacy_server =
    R"("result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"2"},"instructions":"be kind"})";
inline std::string const unknown_method = R"("error":{"code":-32601,"message":"Method not found"})";

} // namespace mcp_provider::testing
