// JSON-RPC with a child process, one message a line: what ACP speaks, and other agents' own protocols too.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/child_process.hpp"

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::acp {

/// What a peer sends beside its answers. Called on the connection's thread.
class rpc_handler {
public:
    rpc_handler() = default;
    rpc_handler(rpc_handler const&) = delete;
    rpc_handler& operator=(rpc_handler const&) = delete;

    /// Must be answered by `answer` or `refuse`, now or later: peers hang where it is not.
    virtual void on_request(rpc::message const& asked) = 0;
    virtual void on_notification(rpc::message const& told) = 0;
    /// Whether more can be taken in; where not, nothing is read until `rpc_connection::read_on`.
    [[nodiscard]] virtual bool may_read() { return true; }

protected:
    ~rpc_handler() = default;
};

/// How a request of ours ended.
class rpc_answer {
public:
    enum class kind : std::uint8_t {
        result,    ///< `value` is the result
        error,     ///< `code` and `message` are the peer's, `value` is the error's data
        timed_out, ///< no answer in time; one that comes later is ignored
        cancelled, ///< whoever waited was cancelled
        closed     ///< the peer is gone, or does not listen
    };

    [[nodiscard]] bool is_result() const noexcept { return what == kind::result; }
    [[nodiscard]] bool is_error() const noexcept { return what == kind::error; }

    rpc_answer::kind what = kind::closed;
    boost::json::value value;
    std::int64_t code = 0;
    std::string message;
};

/// Both sides of the protocol. What the peer prints that is no message is tolerated up to `max_noise_bytes` in all, since
/// programs do print banners; a line that begins as a message and is none ends the connection.
/// *Thread safety*: used on the thread of the child's io_context. *Lifetime*: the child and the handler must outlive it,
/// and it its calls and `run`.
class rpc_connection {
public:
    static constexpr std::size_t max_noise_bytes = 64 * 1024;
    static constexpr std::size_t max_depth = 64;

    rpc_connection(asio::any_io_executor executor, net::child_process& child, rpc_handler& handler,
                   rpc::version_member version = rpc::version_member::required)
        : executor_{std::move(executor)}, child_{child}, handler_{handler}, version_{version},
          room_{executor_, steady_time::max()} {}
    rpc_connection(rpc_connection const&) = delete;
    rpc_connection& operator=(rpc_connection const&) = delete;

    /// A request in progress. It is forgotten when this object goes, and its answer then ignored.
    class call {
    public:
        /// Sends it. `params` is the text of an object, or empty for none.
        call(rpc_connection& on, std::string_view method, std::string_view params)
            : on_{on}, number_{++on.last_id_}, bell_{on.executor_} {
            std::string line;
            rpc::append_request(line, rpc::id{number_}, method, params, on.version_);
            if (on.is_closed_ || !on.send(std::move(line)))
                answered_ = true;
            else
                on.calls_.emplace(number_, this);
        }
        call(call const&) = delete;
        call& operator=(call const&) = delete;
        ~call() { on_.calls_.erase(number_); }

        /// Waits for the answer, `poke` or `until`. Whether there is an answer now says `answered`.
        /// False where whoever waited was cancelled.
        [[nodiscard]] asio::awaitable<bool> wait(steady_time until) {
            if (answered_ || std::exchange(poked_, false)) co_return true;
            bell_.expires_at(until);
            std::error_code stopped;
            co_await bell_.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
            co_return std::exchange(poked_, false) || answered_ || !stopped;
        }
        /// Ends a wait.
        void poke() {
            poked_ = true;
            bell_.cancel();
        }
        [[nodiscard]] bool answered() const noexcept { return answered_; }
        [[nodiscard]] rpc_answer& answer() noexcept { return answer_; }

    private:
        friend class rpc_connection;
        void end(rpc_answer with) {
            answer_ = std::move(with);
            answered_ = true;
            poke();
        }

        rpc_connection& on_;
        std::int64_t number_;
        asio::steady_timer bell_;
        rpc_answer answer_;
        bool answered_ = false;
        bool poked_ = false;
    };

    /// Asks, and waits for the answer.
    [[nodiscard]] asio::awaitable<rpc_answer> ask(std::string method, std::string params,
                                                  steady_time until) {
        call asked{*this, method, params};
        if (!asked.answered()) {
            bool const waited = co_await asked.wait(until);
            if (!asked.answered())
                asked.answer().what =
                    waited ? rpc_answer::kind::timed_out : rpc_answer::kind::cancelled;
        }
        co_return std::move(asked.answer());
    }

    /// False where the peer is gone, or does not listen.
    bool notify(std::string_view method, std::string_view params = {}) {
        std::string line;
        rpc::append_notification(line, method, params, version_);
        return send(std::move(line));
    }
    bool answer(rpc::id const& to, std::string_view result) {
        std::string line;
        rpc::append_result(line, to, result, version_);
        return send(std::move(line));
    }
    bool refuse(rpc::id const& to, std::int64_t code, std::string_view message) {
        std::string line;
        rpc::append_error(line, to, code, message, {}, version_);
        return send(std::move(line));
    }

    /// Reads until the peer ends, or says what is no message; then all calls end as `closed`. To be called once, and
    /// awaited by whoever owns the connection. Returns why it ended, for the operator.
    [[nodiscard]] asio::awaitable<std::string> run() {
        while (why_.empty()) {
            while (!handler_.may_read()) {
                room_.expires_at(steady_time::max());
                std::error_code ignored;
                co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
                auto const state = co_await asio::this_coro::cancellation_state;
                if (state.cancelled() != asio::cancellation_type::none)
                    co_return close("it was let go");
            }
            std::string_view line;
            std::error_code const failed = co_await child_.read_line(line, steady_time::max());
            if (failed == std::errc::message_size)
                co_return close("it wrote a line that is too long");
            if (failed == asio::error::operation_aborted) co_return close("it was let go");
            if (failed) co_return close("it closed its standard output");
            take(line);
        }
        co_return close(std::move(why_));
    }
    /// `may_read` of the handler may have changed.
    void read_on() { room_.cancel(); }
    /// Ends all calls and takes no more.
    std::string close(std::string why) {
        is_closed_ = true;
        while (!calls_.empty()) {
            call& one = *calls_.begin()->second;
            calls_.erase(calls_.begin());
            one.end(rpc_answer{});
        }
        return why;
    }

private:
    bool send(std::string line) {
        line += '\n';
        return child_.send(line);
    }

    void take(std::string_view line) {
        std::size_t const begin = line.find_first_not_of(" \t");
        if (begin == std::string_view::npos) return;
        if (line[begin] != '{' && line[begin] != '[') {
            if ((noise_ += line.size()) > max_noise_bytes) why_ = "it writes what is no JSON-RPC";
            return;
        }
        json::parse_limits limits;
        limits.max_depth = max_depth;
        limits.max_bytes = line.size();
        auto const document = json::parse(line, limits);
        if (!document) {
            why_ = "it wrote a message that cannot be read: " + document.error().message();
            return;
        }
        auto const message = rpc::read(*document, version_);
        if (!message) {
            why_ = "it wrote what is no message: " + message.error().message();
            return;
        }
        switch (message->kind()) {
        case rpc::kind::request: return handler_.on_request(*message);
        case rpc::kind::notification: return handler_.on_notification(*message);
        default: return take_answer(*message);
        }
    }

    // An answer to nothing that we ask (any more) is ignored: it may be late, or come twice.
    void take_answer(rpc::message const& message) {
        std::int64_t const* const number = message.id().number();
        auto const found = number != nullptr ? calls_.find(*number) : calls_.end();
        if (found == calls_.end()) return;
        rpc_answer answer;
        if (message.kind() == rpc::kind::response) {
            answer.what = rpc_answer::kind::result;
            answer.value = *message.result();
        } else {
            answer.what = rpc_answer::kind::error;
            answer.code = message.error_code();
            answer.message = message.error_message();
            if (message.error_data() != nullptr) answer.value = *message.error_data();
        }
        call& asked = *found->second;
        calls_.erase(found);
        asked.end(std::move(answer));
    }

    asio::any_io_executor executor_;
    net::child_process& child_;
    rpc_handler& handler_;
    rpc::version_member version_;
    std::map<std::int64_t, call*> calls_;
    std::string why_;
    asio::steady_timer room_;
    std::int64_t last_id_ = -1;
    std::size_t noise_ = 0;
    bool is_closed_ = false;
};

} // namespace mcp_provider::acp
