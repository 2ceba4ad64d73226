// An MCP client whose server says what the fuzzer likes, line by line: whatever comes, every call ends, and what the client
// sends is JSON-RPC on one line.
#include "expect.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/mcp/client.hpp"

#include <asio/detached.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using namespace mcp_provider;
namespace bj = boost::json;

namespace {

struct script {
    std::string_view rest;
    bool is_http = false;
    mcp::message_sink* sink = nullptr;

    std::optional<std::string_view> next() {
        if (rest.empty()) return std::nullopt;
        std::size_t const end = std::min(rest.find('\n'), rest.size());
        std::string_view const line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return line;
    }
};

void check(std::string const& text) {
    expect(text.find('\n') == std::string::npos, "a message is one line");
    auto const document = json::parse(text);
    expect(document.has_value(), "a message is JSON");
    expect(rpc::read(*document).has_value(), "a message is JSON-RPC");
}

class scripted final : public mcp::client_transport {
public:
    explicit scripted(std::shared_ptr<script> from) : from_{std::move(from)} {}

    asio::awaitable<result<>> open(mcp::message_sink& to, steady_time) override {
        from_->sink = &to;
        co_return result<>{};
    }
    asio::awaitable<result<mcp::incoming_answer>> exchange(mcp::outgoing_message const& request,
                                                           mcp::call_time const&) override {
        check(request.text);
        for (std::string_view rest = request.fields; !rest.empty();) {
            std::size_t const end = rest.find("\r\n");
            expect(end != std::string_view::npos &&
                       rest.substr(0, end).find_first_of("\r\n") == std::string_view::npos,
                   "each field is one line");
            rest.remove_prefix(end + 2);
        }
        return play(from_, request);
    }
    asio::awaitable<result<>> post(mcp::outgoing_message const& message, steady_time) override {
        check(message.text);
        co_return result<>{};
    }
    asio::awaitable<void> listen() override { co_return; }
    asio::awaitable<void> close(steady_time) override { co_return; }
    void speak(std::optional<mcp::revision>) override {}
    bool has_fields() const noexcept override { return from_->is_http; }
    bool may_be_silent() const noexcept override { return !from_->is_http; }
    bool tells_of_cancellation() const noexcept override { return false; }
    bool is_open() const noexcept override { return from_->sink != nullptr; }

private:
    static asio::awaitable<result<mcp::incoming_answer>>
    play(std::shared_ptr<script> from, mcp::outgoing_message const& request) {
        while (auto const line = from->next()) {
            std::optional<bj::value> answer;
            mcp::detail::read_messages(
                *line, {}, [&] { from->sink->on_stray(); },
                [&](bj::value& document, rpc::message const& message) {
                    if (!message.is_answer())
                        from->sink->on_message(document, message);
                    else if (!answer)
                        answer = std::move(document); // whatever its id
                });
            if (answer) co_return mcp::incoming_answer{*std::move(answer), 400};
        }
        static_cast<void>(request);
        co_return rejection{rejection_code::upstream_failed, "the script has ended"};
    }

    std::shared_ptr<script> from_;
};

asio::awaitable<result<bj::object>> agree(bj::object const&) {
    bj::object answer;
    answer["action"] = "accept";
    co_return answer;
}

asio::awaitable<void> talk(std::shared_ptr<script> from) {
    mcp::client_options options;
    options.elicitation = options.sampling = agree;
    options.roots = [] { return bj::array{}; };
    options.max_pages = 8;
    mcp::client with{std::make_unique<scripted>(from), std::move(options)};
    auto const connected = co_await with.connect();
    if (!connected) co_return;
    auto const tools = co_await with.list_tools();
    std::string name = "t";
    bj::object arguments;
    arguments["a"] = "b";
    if (tools)
        for (bj::value const& one : *tools) {
            name = std::string{one.at("name").as_string().c_str()};
            bj::object const* const rules = one.get_object().contains("inputSchema")
                                                ? one.at("inputSchema").if_object()
                                                : nullptr;
            bj::value const* const known =
                rules != nullptr ? rules->if_contains("properties") : nullptr;
            if (known != nullptr && known->is_object())
                for (auto const& [argument, rule] : known->get_object()) arguments[argument] = rule;
        }
    auto const answer = co_await with.call_tool(name, std::move(arguments));
    if (answer) {
        static_cast<void>(answer->text());
        static_cast<void>(answer->is_error());
    }
    auto const resources = co_await with.list_resources();
    auto const read = co_await with.read_resource("test://x");
    auto const there = co_await with.ping();
    co_await with.close();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const from = std::make_shared<script>();
    from->rest = {reinterpret_cast<char const*>(data), size};
    if (size != 0) {
        from->is_http = (data[0] & 1U) != 0;
        from->rest.remove_prefix(1);
    }
    asio::io_context context{1};
    bool has_ended = false;
    asio::co_spawn(context, talk(from), [&](std::exception_ptr thrown) {
        expect(thrown == nullptr, "nothing is thrown");
        has_ended = true;
    });
    context.run_for(std::chrono::seconds{5});
    expect(has_ended, "every call ends");
    return 0;
}
