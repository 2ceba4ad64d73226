// A bridge and an adapter's agent in one test, joined by a real link over loopback.
#pragma once

#include "bridge/errors.hpp"
#include "bridge/link_agent.hpp"
#include "bridge/link_server.hpp"
#include "bridge/link_wire.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/server.hpp"
#include "mcp_provider/net/websocket_handshake.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/testing/run.hpp"

#include <poll.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace mcp_provider::server::bridge {

inline constexpr char const* first_token = "mlpb_3v9Yq2Zt7Kx1Lr8Wd4Nf6Bh0Pc5Sg2Mj";
inline constexpr char const* second_token = "mlpb_Qm4Tn8Vb2Xz6Cl0Kj5Hg9Fd3Sa7Wp1Ry";

/// Asks again and again until it is so, for three seconds at most.
template <class Question>
bool comes_true(Question is_so, std::chrono::milliseconds patience = std::chrono::seconds{3}) {
    auto const until = std::chrono::steady_clock::now() + patience;
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > until) return false;
        ::poll(nullptr, 0, 2);
    }
    return true;
}

inline config settings_with(std::uint16_t port, std::filesystem::path const& token_file = {}) {
    config made;
    made.bridge.url = "ws://127.0.0.1:" + std::to_string(port);
    made.bridge.token = secret{std::string{first_token}};
    made.bridge.token_file = token_file;
    return made;
}

/// A bridge that serves an agent at /link, on one thread.
class bridge_under_test {
public:
    explicit bridge_under_test(std::shared_ptr<agent::agent> agent, std::uint16_t port = 0,
                               std::filesystem::path const& token_file = {},
                               std::function<void(std::string_view)> on_event = {},
                               std::function<bool()> is_heard = {}) {
        link_surroundings around;
        around.agent = std::move(agent);
        around.keys = keys = std::make_shared<link_keys>(settings_with(port, token_file));
        around.links = links;
        around.on_event = std::move(on_event);
        around.is_heard = std::move(is_heard);
        serve(pipeline(audit_log{sink_, audit_choice{}},
                       local_origin{std::make_shared<origin_rules const>()},
                       address_block{std::make_shared<block_table>(block_rules{})},
                       authenticate{around.keys})
                  .errors(&render_error)
                  .handle(link_handler{std::move(around)}),
              port);
    }
    /// A bridge whose end of each link is played by the test.
    explicit bridge_under_test(
        std::function<asio::awaitable<void>(std::shared_ptr<http::duplex>)> play) {
        auto const accept =
            [play = std::move(play)](http::request const& asked) -> result<http::response> {
            auto const offer = net::websocket_offer::of(asked);
            if (!offer) return offer.error();
            return offer->accept(std::make_unique<actor>(play), link_protocol);
        };
        serve(pipeline(audit_log{sink_, audit_choice{}}).handle(accept), 0);
    }
    [[nodiscard]] std::uint16_t port() const { return server_->endpoints().front().port(); }
    void stop(std::chrono::milliseconds patience) { server_->stop(patience); }

    std::shared_ptr<link_keys> keys;
    std::shared_ptr<open_links> links = std::make_shared<open_links>();

private:
    class actor final : public http::takeover {
    public:
        explicit actor(std::function<asio::awaitable<void>(std::shared_ptr<http::duplex>)> play)
            : play_{std::move(play)} {}
        asio::awaitable<end_cause> run(std::shared_ptr<http::duplex> on) override {
            co_await play_(std::move(on));
            co_return end_cause::completed;
        }

    private:
        std::function<asio::awaitable<void>(std::shared_ptr<http::duplex>)> play_;
    };

    void serve(any_service link, std::uint16_t port) {
        routes_.add(http::method::get, link_path, std::move(link));
        server_.emplace(routes_, http::limits{}, 1);
        if (auto const error = server_->listen({asio::ip::address_v4::loopback(), port}))
            throw std::system_error{error};
        server_->start();
    }

    audit::null_sink sink_;
    router routes_;
    std::optional<net::server> server_;
};

/// The adapter's end, on a thread of its own.
class adapter_under_test {
public:
    explicit adapter_under_test(std::uint16_t port, std::filesystem::path const& token_file = {},
                                std::function<void(bool)> on_listening = {})
        : agent{settings_with(port, token_file)} {
        if (on_listening) agent.on_listening(std::move(on_listening));
        agent.start(context);
        thread_ = std::thread{[this] { context.run(); }};
    }
    ~adapter_under_test() {
        context.stop();
        thread_.join();
    }
    [[nodiscard]] bool is_linked() const { return agent.state() == health::healthy; }
    /// Runs a coroutine on the link's own thread.
    template <class T>
    T run_there(asio::awaitable<T> work) {
        std::promise<T> done;
        auto future = done.get_future();
        asio::co_spawn(context, std::move(work), [&done](std::exception_ptr thrown, T value) {
            if (thrown)
                done.set_exception(thrown);
            else
                done.set_value(std::move(value));
        });
        return future.get();
    }

    asio::io_context context{1};
    link_agent agent;

private:
    std::thread thread_;
};

} // namespace mcp_provider::server::bridge
