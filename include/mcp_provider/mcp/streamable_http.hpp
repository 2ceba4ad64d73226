// Streamable HTTP: one endpoint that serves both eras of MCP, as the handler of a pipeline.
#pragma once

#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/mcp/detail/call_events.hpp"
#include "mcp_provider/mcp/detail/dispatch.hpp"
#include "mcp_provider/mcp/detail/envelope.hpp"
#include "mcp_provider/mcp/detail/http_answers.hpp"
#include "mcp_provider/mcp/detail/request_fields.hpp"
#include "mcp_provider/mcp/server.hpp"

#include <asio/awaitable.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp {

/// Serves a server over HTTP. Give `handler()` (or `local_handler()`, where no policy says who is asking) to pipelines
/// for POST, GET and DELETE of one path, behind `local_origin`: this class looks at neither Host nor Origin.
///
///     routes.add(verb, "/mcp", pipeline(local_origin{hosts}, ...).errors(&mcp::render_error).handle(endpoint.handler()));
///
/// A request whose `_meta` names a protocol version is of the modern era, everything else of the legacy one. An answer is
/// plain JSON where its handler is done within `settle_time` and has told nothing, otherwise a stream of events.
/// *Thread safety*: safe. *Lifetime*: the server must outlive it, and it the services made from its handlers.
class streamable_http {
public:
    explicit streamable_http(server& of,
                             std::chrono::milliseconds settle_time = std::chrono::milliseconds{50})
        : server_{of}, settle_time_{settle_time} {}

    /// Serves one request of POST, GET or DELETE. `caller` names who it is: sessions and states are bound to it.
    /// *Lifetime*: `asked` and `body` must outlive the awaitable.
    [[nodiscard]] asio::awaitable<http::response> serve(http::request const& asked,
                                                        std::string_view body, std::string caller) {
        switch (asked.verb()) {
        case http::method::post: return post(asked, body, std::move(caller));
        case http::method::get: return ready(get(asked, caller));
        case http::method::del: return ready(end_session(asked, caller));
        default: return ready(not_allowed());
        }
    }

    /// A handler for a pipeline that knows its principal.
    [[nodiscard]] auto handler() noexcept {
        return [this](http::request const& asked, http::body const& body, principal const& who) {
            return serve(asked, body.text, who.id());
        };
    }
    /// A handler for a pipeline that does not.
    [[nodiscard]] auto local_handler() noexcept {
        return [this](http::request const& asked, http::body const& body) {
            return serve(asked, body.text, {});
        };
    }

private:
    static asio::awaitable<http::response> ready(http::response one) { co_return std::move(one); }

    static http::response not_allowed() {
        http::response out = detail::http_error(405, error_code::refused, "use POST");
        out.fields().set("Allow", "POST, GET, DELETE");
        return out;
    }

    asio::awaitable<http::response> post(http::request const& asked, std::string_view body,
                                         std::string caller) {
        auto const one = detail::call_access::make(server_);
        if (auto refused = read(*one, asked, body)) co_return *std::move(refused);
        auto const& document = detail::call_access::document(*one);
        auto const message = rpc::read(document);
        if (!message)
            co_return detail::http_error(400, rpc::invalid_request, message.error().message(),
                                         rpc::id_of(document));
        std::optional<http::response> answer =
            is_modern_message(*message, asked) ? set_modern(one, *message, asked, std::move(caller))
                                               : set_legacy(one, *message, asked, caller);
        if (answer) co_return *std::move(answer);

        auto const executor = co_await asio::this_coro::executor;
        detail::dispatch{server_}.start(one, message->params(), executor);
        co_return co_await respond(one);
    }

    /// Waits for the first thing that the call has to say, and chooses how it goes out.
    asio::awaitable<http::response> respond(std::shared_ptr<call> one) {
        auto const box = detail::call_access::box(*one);
        bool const modern = mcp::is_modern(one->from().spoken);
        leaving gone_with{modern ? one : nullptr};
        auto const until = std::chrono::steady_clock::now() + settle_time_;
        while (!box->settled() && std::chrono::steady_clock::now() < until)
            (void)co_await box->wait(until);
        gone_with.disarm();
        if (auto only = box->take_only())
            co_return http::response{detail::call_access::http_status(*one), detail::json_type,
                                     *std::move(only)};
        auto events = std::make_unique<detail::call_events>(box);
        if (modern) {
            events->cancel_with_client(one);
        } else if (auto const& session = detail::call_access::session_of(*one)) {
            std::size_t const most = server_.limits().max_kept_streams;
            events->number_as(session->add_stream(box, most));
            if (one->from().spoken >= revision::v2025_11_25) events->prime();
        }
        co_return stream(std::move(events));
    }
    static http::response stream(std::unique_ptr<detail::call_events> events) {
        http::response out{200, detail::events_type, std::move(events)};
        out.fields().set("Cache-Control", "no-cache");
        out.fields().set("X-Accel-Buffering", "no");
        return out;
    }

    /// Cancels a call when the coroutine that waits for it is destroyed or cancelled.
    class leaving {
    public:
        explicit leaving(std::shared_ptr<call> one) noexcept : one_{std::move(one)} {}
        leaving(leaving const&) = delete;
        leaving& operator=(leaving const&) = delete;
        ~leaving() {
            if (one_ != nullptr) one_->cancel();
        }
        void disarm() noexcept { one_.reset(); }

    private:
        std::shared_ptr<call> one_;
    };

    std::optional<http::response> read(call& one, http::request const& asked,
                                       std::string_view body) const {
        auto const type = asked.field("Content-Type");
        if (!type || !http::equals_ignoring_case(detail::media_type(*type), detail::json_type))
            return detail::http_error(415, error_code::refused,
                                      "Content-Type must be application/json");
        if (!detail::accepts(asked, detail::json_type) ||
            !detail::accepts(asked, detail::events_type))
            return detail::http_error(406, error_code::refused,
                                      "Accept must name application/json and text/event-stream");
        server_limits const& limits = server_.limits();
        if (body.size() > limits.max_message_bytes)
            return detail::http_error(413, error_code::refused,
                                      "a message may have " +
                                          std::to_string(limits.max_message_bytes) + " bytes");
        json::parse_limits bounds;
        bounds.max_bytes = limits.max_message_bytes;
        bounds.max_depth = limits.max_depth;
        if (auto const parsed = detail::call_access::parse(one, body, bounds); !parsed)
            return detail::http_error(400, rpc::parse_error, parsed.error().message());
        return std::nullopt;
    }

    // --- the modern era

    static bool names_modern(std::optional<std::string_view> version) noexcept {
        auto const known = version ? revision_of(*version) : std::nullopt;
        return known && mcp::is_modern(*known);
    }
    static bool is_modern_message(rpc::message const& message, http::request const& asked) {
        if (message.is_answer()) return false;
        return detail::envelope{message}.names_a_version() ||
               names_modern(detail::only_field(asked, field_name::protocol_version));
    }

    /// Sets up a modern request; or returns what it is answered with at once.
    std::optional<http::response> set_modern(std::shared_ptr<call> const& one,
                                             rpc::message const& message,
                                             http::request const& asked, std::string caller) const {
        if (message.is_notification()) return http::response{202};
        auto const refuse = [&](detail::protocol_error const& why) {
            return detail::http_error(400, why.code, why.message, message.id(), why.data);
        };
        auto const mismatch = [&](std::string why) {
            return refuse(detail::protocol_error{error_code::header_mismatch, std::move(why)});
        };
        detail::envelope const said{message};
        if (!said.names_a_version() && message.method() == "initialize")
            return mismatch("MCP-Protocol-Version names a revision that has no initialize");
        if (auto const why = said.incomplete()) return refuse(*why);
        if (detail::only_field(asked, field_name::protocol_version) != said.version())
            return mismatch("MCP-Protocol-Version and params._meta do not name the same version");
        if (auto const why = said.unsupported()) return refuse(*why);
        if (auto const wrong = wrong_field(message, asked))
            return mismatch(*wrong + " is missing, or is not what the body says");
        auto box = std::make_shared<detail::mailbox>(detail::dispatch{server_}.box_limits(false));
        detail::call_access::set(*one, message, said.from(std::move(caller)), nullptr,
                                 std::move(box), said.logged());
        return std::nullopt;
    }

    /// The name of a field that does not say what the body says.
    std::optional<std::string> wrong_field(rpc::message const& message,
                                           http::request const& asked) const {
        if (detail::only_field(asked, field_name::method) != message.method())
            return std::string{field_name::method};
        bool const by_uri = message.method() == "resources/read";
        bool const is_call = message.method() == "tools/call";
        if (!by_uri && !is_call && message.method() != "prompts/get") return std::nullopt;
        auto const* const name =
            detail::call_access::member(message.params(), by_uri ? "uri" : "name");
        if (name == nullptr || !name->is_string()) return std::nullopt;
        std::string_view const named{name->get_string().data(), name->get_string().size()};
        auto const field = detail::only_field(asked, field_name::name);
        auto const said = field ? decode_header_value(*field) : std::nullopt;
        if (!said || *said != named) return std::string{field_name::name};
        auto const tool = is_call ? detail::dispatch{server_}.find_tool(named) : nullptr;
        auto const* const arguments = detail::call_access::member(message.params(), "arguments");
        if (tool == nullptr || arguments == nullptr) return std::nullopt;
        for (mirrored_argument const& rule : tool->mirrored)
            if (!detail::field_agrees(rule, asked, *arguments)) return rule.field;
        return std::nullopt;
    }

    // --- the legacy era

    static http::response no_session() {
        return detail::http_error(404, error_code::session_not_found, "Session not found");
    }

    /// The session that a request names; or what it is answered with.
    std::shared_ptr<detail::session> find_session(http::request const& asked,
                                                  std::string_view caller,
                                                  std::optional<http::response>& refused) const {
        auto const version = detail::only_field(asked, field_name::protocol_version);
        auto const known = version ? revision_of(*version) : std::nullopt;
        if (version && (!known || mcp::is_modern(*known))) {
            refused = detail::http_error(400, error_code::refused,
                                         "MCP-Protocol-Version names no version that is supported");
            return nullptr;
        }
        auto const id = detail::only_field(asked, field_name::session);
        if (!id) {
            refused = detail::http_error(400, error_code::refused,
                                         "Mcp-Session-Id is missing: begin with initialize");
            return nullptr;
        }
        auto found = detail::dispatch{server_}.sessions().find(*id, caller,
                                                               std::chrono::steady_clock::now());
        if (found == nullptr) refused = no_session();
        return found;
    }

    std::optional<http::response> set_legacy(std::shared_ptr<call> const& one,
                                             rpc::message const& message,
                                             http::request const& asked,
                                             std::string const& caller) const {
        if (message.is_request() && message.method() == "initialize")
            return initialize(one, message, asked, caller);
        std::optional<http::response> refused;
        auto const session = find_session(asked, caller, refused);
        if (session == nullptr) return refused;
        if (!message.is_request()) {
            detail::dispatch::take(*session, message);
            return http::response{202};
        }
        using admission = detail::session::admission;
        switch (session->add_call(message.id(), one, server_.limits().max_calls_per_session)) {
        case admission::admitted: break;
        case admission::id_in_use:
            return detail::http_error(400, rpc::invalid_request,
                                      "a request with this id is in progress", message.id());
        case admission::too_many:
            return detail::http_error(429, error_code::refused,
                                      "too many requests of this session are in progress",
                                      message.id());
        }
        bool const resumes = session->who().spoken >= revision::v2025_03_26;
        detail::call_access::set(
            *one, message, session->who(), session,
            std::make_shared<detail::mailbox>(detail::dispatch{server_}.box_limits(resumes)),
            std::nullopt);
        return std::nullopt;
    }

    http::response initialize(std::shared_ptr<call> const& one, rpc::message const& message,
                              http::request const& asked, std::string const& caller) const {
        if (asked.field(field_name::session))
            return detail::http_error(400, rpc::invalid_request,
                                      "this session has been initialized", message.id());
        auto from = detail::dispatch::read_initialize(message.params(), caller);
        if (!from)
            return detail::http_error(400, rpc::invalid_params, from.error().message(),
                                      message.id());
        detail::dispatch access{server_};
        auto const session = access.sessions().open(*from, access.box_limits(true),
                                                    std::chrono::steady_clock::now());
        if (session == nullptr)
            return detail::http_error(503, error_code::refused, "too many sessions are open",
                                      message.id());
        detail::call_access::set(*one, message, *std::move(from), nullptr,
                                 std::make_shared<detail::mailbox>(), std::nullopt);
        access.initialize(*one);
        http::response out{200, detail::json_type, *detail::call_access::box(*one)->take_only()};
        out.fields().set(field_name::session, session->id());
        return out;
    }

    /// Opens the standing stream of a session, or resumes any stream of it.
    http::response get(http::request const& asked, std::string_view caller) const {
        if (names_modern(detail::only_field(asked, field_name::protocol_version)))
            return not_allowed();
        if (!detail::accepts(asked, detail::events_type))
            return detail::http_error(406, error_code::refused,
                                      "Accept must name text/event-stream");
        std::optional<http::response> refused;
        auto const session = find_session(asked, caller, refused);
        if (session == nullptr) return *std::move(refused);
        std::uint64_t number = 0;
        std::uint64_t after = 0;
        auto box = session->standing()->box();
        if (auto const last = detail::only_field(asked, field_name::last_event)) {
            char const* const end = last->data() + last->size();
            auto const first = std::from_chars(last->data(), end, number);
            auto second = first;
            if (first.ec == std::errc{} && first.ptr != end && *first.ptr == '_')
                second = std::from_chars(first.ptr + 1, end, after);
            bool const is_ours =
                second.ptr == end && second.ec == std::errc{} && second.ptr != first.ptr;
            box = is_ours ? session->find_stream(number) : nullptr;
            if (box == nullptr)
                return detail::http_error(400, error_code::refused,
                                          "the stream of Last-Event-ID cannot be resumed");
        } else if (box->attached()) {
            return detail::http_error(409, error_code::refused,
                                      "the session has its stream already");
        }
        auto place = detail::dispatch{server_}.open_stream();
        if (place == nullptr)
            return detail::http_error(503, error_code::refused, "too many streams are open");
        auto events = std::make_unique<detail::call_events>(std::move(box), after);
        events->hold(std::move(place));
        events->number_as(number);
        if (session->who().spoken >= revision::v2025_11_25) events->prime();
        return stream(std::move(events));
    }

    http::response end_session(http::request const& asked, std::string_view caller) const {
        if (names_modern(detail::only_field(asked, field_name::protocol_version)))
            return not_allowed();
        std::optional<http::response> refused;
        if (find_session(asked, caller, refused) == nullptr) return *std::move(refused);
        auto const ended = detail::dispatch{server_}.sessions().close(
            *detail::only_field(asked, field_name::session), caller);
        if (ended == nullptr) return no_session();
        for (auto const& one : ended->calls()) one->cancel();
        ended->standing()->end();
        return http::response{204};
    }

    server& server_;
    std::chrono::milliseconds settle_time_;
};

} // namespace mcp_provider::mcp
