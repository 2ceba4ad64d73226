// Policies and streams that write down what is done to them.
#pragma once

#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/testing/channel.hpp"
#include "mcp_provider/testing/fake_request.hpp"
#include "mcp_provider/testing/run.hpp"

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::testing {

/// What was called, in order, and the last exchange as its end saw it.
struct protocol {
    std::vector<std::string> calls;
    std::size_t endings = 0;
    std::uint16_t status = 0;
    end_cause cause = end_cause::completed;
    std::string refused_by;
    std::string refusal;
    std::string fault;
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
    std::size_t admitted = 0;
    bool times_are_in_order = false;
};

/// The outermost one: keeps how the exchange ended.
struct keeps_end {
    static constexpr std::string_view name = "keeps_end";
    std::shared_ptr<protocol> into;

    void on_complete(exchange const& done) const noexcept {
        ++into->endings;
        into->status = done.status();
        into->cause = done.cause();
        into->refused_by = done.refused_by();
        into->refusal = done.refusal() == nullptr ? std::string{} : done.refusal()->message();
        into->fault = done.fault();
        into->request_bytes = done.request_bytes();
        into->response_bytes = done.response_bytes();
        into->admitted = done.admitted();
        into->times_are_in_order =
            done.started() <= done.first_byte() && done.first_byte() <= done.ended();
    }
};

/// What a policy under observation does to a request.
enum class act { admit, refuse, explode };

/// A policy with all three hooks; its fact is its number.
template <int Number>
struct fact {
    int number = Number;
};
template <int Number>
struct step {
    static constexpr std::string_view name = Number == 1 ? "one" : Number == 2 ? "two" : "three";
    std::shared_ptr<protocol> into;
    act what = act::admit;

    result<fact<Number>> on_request(http::request const&) const {
        into->calls.push_back("request " + std::string{name});
        if (what == act::refuse)
            return rejection{rejection_code::forbidden, "not past " + std::string{name}};
        return fact<Number>{};
    }
    void on_response(http::request const&, http::response& answer, fact<Number> const* own) const {
        into->calls.push_back("response " + std::string{name} +
                              (own == nullptr ? " without fact" : ""));
        answer.fields().add("passed", name);
    }
    void on_complete(exchange const&, fact<Number> const* own) const noexcept {
        into->calls.push_back("complete " + std::string{name} +
                              (own == nullptr ? " without fact" : ""));
    }
};

/// A policy that waits before it decides.
struct waits {
    static constexpr std::string_view name = "waits";
    act what = act::admit;

    asio::awaitable<result<fact<9>>> on_request(http::request const&) const {
        auto const executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        if (what == act::explode) throw std::runtime_error{"the directory is gone"};
        if (what == act::refuse) co_return rejection{rejection_code::overloaded, "come back later"};
        co_return fact<9>{};
    }
};

/// A policy that needs the body.
struct reads_body {
    static constexpr std::string_view name = "reads_body";
    std::shared_ptr<protocol> into;

    result<> on_request(http::body const& body) const {
        into->calls.push_back("body " + std::string{body.text});
        return {};
    }
};

/// Waits until it is cancelled or destroyed.
inline asio::awaitable<void> wait_for_ever() {
    asio::steady_timer never{co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max()};
    co_await never.async_wait(asio::use_awaitable);
}

/// A stream of pieces, which ends well, with a refusal, with an exception, or never.
class pieces final : public http::body_stream {
public:
    enum class ending { well, refusal, exception, never };
    pieces(std::vector<std::string> some, ending how) : pieces_{std::move(some)}, how_{how} {}

    asio::awaitable<result<http::stream_step>> next(std::string& out) override {
        auto const executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        if (at_ < pieces_.size()) {
            out += pieces_[at_++];
            co_return http::stream_step::more;
        }
        if (how_ == ending::refusal)
            co_return rejection{rejection_code::upstream_failed, "the agent failed"};
        if (how_ == ending::exception) throw std::runtime_error{"the agent broke"};
        if (how_ == ending::never) co_await wait_for_ever();
        co_return http::stream_step::end;
    }
    void fail(rejection const& why, std::string& out) override { out += "[" + why.message() + "]"; }

private:
    std::vector<std::string> pieces_;
    ending how_;
    std::size_t at_ = 0;
};

inline http::response streamed(std::vector<std::string> some,
                               pieces::ending how = pieces::ending::well) {
    std::unique_ptr<http::body_stream> stream = std::make_unique<pieces>(std::move(some), how);
    return http::response{200, "text/event-stream", std::move(stream)};
}

} // namespace mcp_provider::testing
