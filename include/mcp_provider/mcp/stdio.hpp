// The stdio transport: one client, one message a line.
#pragma once

#include "mcp_provider/mcp/detail/dispatch.hpp"
#include "mcp_provider/mcp/detail/envelope.hpp"
#include "mcp_provider/mcp/server.hpp"

#include <asio/posix/stream_descriptor.hpp>
#include <asio/write.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::mcp {

namespace detail {

/// A descriptor that is read or written without blocking the thread, where it is one that can wait (pipe, terminal,
/// socket); a file never waits. The descriptor stays open, and gets its flags back.
class line_descriptor {
public:
    line_descriptor(asio::any_io_executor const& on, int descriptor)
        : waits_{on}, descriptor_{descriptor}, flags_{::fcntl(descriptor, F_GETFL)} {
        struct stat what {};
        is_file_ = ::fstat(descriptor, &what) == 0 && S_ISREG(what.st_mode);
        if (!is_file_) {
            std::error_code failed;
            waits_.assign(descriptor, failed);
            is_file_ = static_cast<bool>(failed);
        }
    }
    line_descriptor(line_descriptor const&) = delete;
    line_descriptor& operator=(line_descriptor const&) = delete;
    ~line_descriptor() {
        if (waits_.is_open()) waits_.release();
        (void)::fcntl(descriptor_, F_SETFL, flags_);
    }

    /// Returns how many bytes were read; 0 at the end, and where reading fails.
    [[nodiscard]] asio::awaitable<std::size_t> read(char* to, std::size_t most) {
        if (is_file_) {
            auto const got = ::read(descriptor_, to, most);
            co_return got > 0 ? static_cast<std::size_t>(got) : 0;
        }
        std::error_code failed;
        co_return co_await waits_.async_read_some(
            asio::buffer(to, most), asio::redirect_error(asio::use_awaitable, failed));
    }
    /// Returns whether all was written.
    [[nodiscard]] asio::awaitable<bool> write(std::string const& text) {
        if (is_file_) {
            std::size_t done = 0;
            while (done != text.size()) {
                auto const wrote = ::write(descriptor_, text.data() + done, text.size() - done);
                if (wrote <= 0) co_return false;
                done += static_cast<std::size_t>(wrote);
            }
            co_return true;
        }
        std::error_code failed;
        co_await asio::async_write(waits_, asio::buffer(text),
                                   asio::redirect_error(asio::use_awaitable, failed));
        co_return !failed;
    }
    /// Ends the read that waits.
    void cancel() {
        std::error_code ignored;
        if (waits_.is_open()) waits_.cancel(ignored);
    }

private:
    asio::posix::stream_descriptor waits_;
    int descriptor_;
    int flags_;
    bool is_file_ = false;
};

} // namespace detail

/// Serves one client over two descriptors, both eras, until its input ends; then calls that are in progress get
/// `drain_time` before they are cancelled. Nothing else may write to the output.
/// *Thread safety*: runs on one executor of one thread. *Lifetime*: the server must outlive it.
class stdio_transport {
public:
    explicit stdio_transport(server& of, int input = STDIN_FILENO, int output = STDOUT_FILENO,
                             std::chrono::milliseconds drain_time = std::chrono::seconds{1})
        : server_{of}, access_{of}, input_{input}, output_{output}, drain_time_{drain_time} {}

    [[nodiscard]] asio::awaitable<void> run() {
        auto const executor = co_await asio::this_coro::executor;
        auto const to_client = std::make_shared<detail::mailbox>(access_.box_limits(false));
        open_session({}, to_client);
        auto const written = std::make_shared<detail::pending_answer>();
        asio::co_spawn(executor, write_all(to_client, output_, written), [](std::exception_ptr) {});
        {
            detail::line_descriptor input{executor, input_};
            std::string pending;
            std::array<char, 16 * 1024> piece;
            for (bool skips = false;;) {
                std::size_t const got = co_await input.read(piece.data(), piece.size());
                if (got == 0) break;
                take_lines({piece.data(), got}, pending, skips, to_client, executor);
            }
        }
        co_await finish_calls();
        to_client->close();
        auto const until = std::chrono::steady_clock::now() + drain_time_;
        (void)co_await written->wait(until);
    }

private:
    static asio::awaitable<void> write_all(std::shared_ptr<detail::mailbox> from, int descriptor,
                                           std::shared_ptr<detail::pending_answer> done) {
        auto const executor = co_await asio::this_coro::executor;
        detail::line_descriptor output{executor, descriptor};
        std::uint64_t const ticket = from->attach();
        std::string lines;
        for (bool ended = false; !ended;) {
            lines.clear();
            auto const give = [&lines](std::uint64_t, std::string_view message) {
                (lines += message) += '\n';
            };
            switch (from->read(ticket, 64 * 1024, give)) {
            case detail::mailbox::reading::some: ended = !co_await output.write(lines); break;
            case detail::mailbox::reading::nothing: {
                auto const until = std::chrono::steady_clock::now() + std::chrono::hours{1};
                (void)co_await from->wait(until);
                break;
            }
            default: ended = true;
            }
        }
        from->close();
        (void)done->give(boost::json::value{});
    }

    /// Takes whole lines out of a piece of input. Of a line that is too long nothing is kept.
    void take_lines(std::string_view piece, std::string& pending, bool& skips,
                    std::shared_ptr<detail::mailbox> const& to_client,
                    asio::any_io_executor const& on) {
        std::size_t const most = server_.limits().max_message_bytes;
        while (!piece.empty()) {
            auto const end = piece.find('\n');
            std::string_view const part = piece.substr(0, end);
            piece.remove_prefix(end == std::string_view::npos ? piece.size() : end + 1);
            if (!skips && pending.size() + part.size() > most) {
                skips = true;
                pending.clear();
                std::string out;
                rpc::append_error(out, {}, rpc::invalid_request,
                                  "a message may have " + std::to_string(most) + " bytes");
                to_client->post(std::move(out));
            }
            if (!skips) pending += part;
            if (end == std::string_view::npos) return;
            if (!std::exchange(skips, false) &&
                pending.find_first_not_of(" \t\r") != std::string::npos)
                take(pending, to_client, on);
            pending.clear();
        }
    }

    void take(std::string_view line, std::shared_ptr<detail::mailbox> const& to_client,
              asio::any_io_executor const& on) {
        auto const one = detail::call_access::make(server_);
        auto const refuse = [&](rpc::id const& about, detail::protocol_error const& why) {
            std::string out;
            rpc::append_error(out, about, why.code, why.message, why.data);
            to_client->post(std::move(out));
        };
        json::parse_limits bounds;
        bounds.max_bytes = server_.limits().max_message_bytes;
        bounds.max_depth = server_.limits().max_depth;
        if (auto const parsed = detail::call_access::parse(*one, line, bounds); !parsed)
            return refuse({}, {rpc::code_of(parsed.error()), parsed.error().message()});
        auto const& document = detail::call_access::document(*one);
        auto const message = rpc::read(document);
        if (!message)
            return refuse(rpc::id_of(document), {rpc::invalid_request, message.error().message()});
        if (!message->is_request()) {
            detail::dispatch::take(*session_, *message);
            std::erase_if(listening_, [](auto const& listens) { return listens->cancelled(); });
            return;
        }

        detail::envelope const said{*message};
        bool const modern = said.names_a_version();
        bool const opens = !modern && message->method() == "initialize";
        if (modern) {
            if (auto const why = said.incomplete()) return refuse(message->id(), *why);
            if (auto const why = said.unsupported()) return refuse(message->id(), *why);
        } else if (opens) {
            auto from = detail::dispatch::read_initialize(message->params(), {});
            if (!from) return refuse(message->id(), {rpc::invalid_params, from.error().message()});
            if (std::exchange(initialized_, true))
                return refuse(message->id(),
                              {rpc::invalid_request, "this session has been initialized"});
            open_session(*std::move(from), to_client);
        } else if (!initialized_ && message->method() != "ping") {
            return refuse(message->id(), {error_code::refused, "begin with initialize"});
        }
        using admission = detail::session::admission;
        auto const admitted =
            session_->add_call(message->id(), one, server_.limits().max_calls_per_session);
        if (admitted == admission::id_in_use)
            return refuse(message->id(),
                          {rpc::invalid_request, "a request with this id is in progress"});
        if (admitted == admission::too_many)
            return refuse(message->id(),
                          {error_code::refused, "too many requests are in progress"});
        detail::call_access::set(*one, *message, modern ? said.from({}) : session_->who(), session_,
                                 std::make_shared<detail::mailbox>(to_client), said.logged());
        if (opens)
            access_.initialize(*one);
        else
            access_.start(one, message->params(), on);
        if (message->method() == "subscriptions/listen") listening_.push_back(one);
    }

    void open_session(client_facts who, std::shared_ptr<detail::mailbox> const& to_client) {
        session_ = std::make_shared<detail::session>(std::string{}, std::move(who),
                                                     std::make_shared<detail::mailbox>(to_client));
        if (initialized_) access_.add_listener(session_->standing());
    }

    asio::awaitable<void> finish_calls() {
        auto const executor = co_await asio::this_coro::executor;
        asio::steady_timer timer{executor};
        listening_.clear();
        auto const until = std::chrono::steady_clock::now() + drain_time_;
        for (bool cancelled = false; !session_->calls().empty();) {
            if (std::chrono::steady_clock::now() >= until) {
                if (std::exchange(cancelled, true)) break;
                for (auto const& one : session_->calls()) one->cancel();
            }
            timer.expires_after(std::chrono::milliseconds{10});
            co_await timer.async_wait(asio::use_awaitable);
        }
    }

    server& server_;
    detail::dispatch access_;
    int input_;
    int output_;
    std::chrono::milliseconds drain_time_;
    std::shared_ptr<detail::session> session_;
    std::vector<std::shared_ptr<call>> listening_; ///< that nothing else keeps
    bool initialized_ = false;
};

/// Serves the client on standard input and output until it closes the input. Returns 0, for `main`.
inline int serve_stdio(server& of) {
    asio::io_context context{1};
    stdio_transport transport{of};
    asio::co_spawn(context, transport.run(), [&context](std::exception_ptr) { context.stop(); });
    context.run();
    return 0;
}

} // namespace mcp_provider::mcp
