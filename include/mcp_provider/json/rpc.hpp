// JSON-RPC 2.0 messages, read and written: what MCP, ACP and the agents' own protocols are made of.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/write.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/// JSON-RPC 2.0 (jsonrpc.org/specification). Reading takes two steps, since who answers a bad message needs its id:
///
///     auto const document = json::parse(line, limits);           // refused: answer rpc::parse_error without an id
///     auto const message = rpc::read(*document);                 // refused: answer rpc::invalid_request to rpc::id_of(*document)
///     if (message->is_request()) rpc::append_result(out, message->id(), "{}");
namespace mcp_provider::rpc {

// Error codes of the specification, §5.1. Those from -32099 to -32000 belong to the protocol above.
inline constexpr std::int64_t parse_error = -32700;
inline constexpr std::int64_t invalid_request = -32600;
inline constexpr std::int64_t method_not_found = -32601;
inline constexpr std::int64_t invalid_params = -32602;
inline constexpr std::int64_t internal_error = -32603;

/// Names a request: an integer or a string, or null in the answer to a request whose id could not be read.
/// `1` and `"1"` are two ids. *Thread safety*: distinct objects safe, shared objects unsafe.
class id {
public:
    id() noexcept = default;
    explicit id(std::int64_t number) noexcept : value_{number} {}
    explicit id(std::string_view text) : value_{std::string{text}} {}

    [[nodiscard]] bool is_null() const noexcept { return value_.index() == 0; }
    /// The number; null where it is none.
    [[nodiscard]] std::int64_t const* number() const noexcept {
        return std::get_if<std::int64_t>(&value_);
    }
    /// The text; null where it is none.
    [[nodiscard]] std::string const* text() const noexcept {
        return std::get_if<std::string>(&value_);
    }

    /// Appends it as JSON.
    void append_to(std::string& out) const {
        if (number() != nullptr)
            json::append_number(out, *number());
        else if (text() != nullptr)
            json::append_quoted(out, *text());
        else
            out += "null";
    }

    auto operator<=>(id const&) const = default;

private:
    std::variant<std::monostate, std::int64_t, std::string> value_;
};

/// Whether messages carry `"jsonrpc":"2.0"`. Some peers leave it out (`codex app-server`).
enum class version_member : std::uint8_t {
    required, ///< read: must be there; written: is
    left_out, ///< read: may be missing; written: is not
};

enum class kind : std::uint8_t {
    request,      ///< a method and an id
    notification, ///< a method without an id: no answer
    response,     ///< a result for an id
    error,        ///< an error for an id, or for nobody knows what
};

namespace detail {
class message_reader;
} // namespace detail

/// A message, as a view of the document that it was read from. A few pointers and its id.
/// *Lifetime*: the document must outlive it, and stay where it is. *Thread safety*: safe while the document is not changed.
class message {
public:
    [[nodiscard]] rpc::kind kind() const noexcept { return kind_; }
    [[nodiscard]] bool is_request() const noexcept { return kind_ == rpc::kind::request; }
    [[nodiscard]] bool is_notification() const noexcept { return kind_ == rpc::kind::notification; }
    /// Whether it answers a request: a result or an error.
    [[nodiscard]] bool is_answer() const noexcept { return kind_ >= rpc::kind::response; }

    /// Null for a notification, and for an error that names no request.
    [[nodiscard]] rpc::id const& id() const noexcept { return id_; }
    /// Empty for an answer.
    [[nodiscard]] std::string_view method() const noexcept { return method_; }
    /// An object or an array; null where there are none.
    [[nodiscard]] boost::json::value const* params() const noexcept {
        return kind_ <= rpc::kind::notification ? payload_ : nullptr;
    }
    /// Of a response; null for everything else.
    [[nodiscard]] boost::json::value const* result() const noexcept {
        return kind_ == rpc::kind::response ? payload_ : nullptr;
    }

    /// Of an error; 0, empty and null for everything else.
    [[nodiscard]] std::int64_t error_code() const noexcept { return error_code_; }
    [[nodiscard]] std::string_view error_message() const noexcept {
        return kind_ == rpc::kind::error ? error_message_ : std::string_view{};
    }
    [[nodiscard]] boost::json::value const* error_data() const noexcept {
        return kind_ == rpc::kind::error ? payload_ : nullptr;
    }

private:
    friend class detail::message_reader;
    message() = default;

    rpc::kind kind_ = rpc::kind::notification;
    rpc::id id_;
    std::string_view method_;
    std::string_view error_message_;
    std::int64_t error_code_ = 0;
    boost::json::value const* payload_ = nullptr; ///< the params, the result, or the error's data
};

namespace detail {

class message_reader {
public:
    explicit message_reader(version_member version) noexcept : version_{version} {}

    [[nodiscard]] mcp_provider::result<message>
    operator()(boost::json::value const& document) const {
        if (document.is_array()) return refused("a batch stands where one message is expected");
        if (!document.is_object()) return refused("a message must be an object");
        boost::json::object const& members = document.get_object();
        if (auto const* const version = members.if_contains("jsonrpc")) {
            if (!version->is_string() || version->get_string() != "2.0")
                return refused("jsonrpc must be \"2.0\"");
        } else if (version_ == version_member::required) {
            return refused("jsonrpc must be \"2.0\"; it is missing");
        }
        auto const* const result = members.if_contains("result");
        auto const* const error = members.if_contains("error");
        if (auto const* const method = members.if_contains("method")) {
            if (result != nullptr || error != nullptr)
                return refused("a message with a method has no result and no error");
            return read_call(members, *method);
        }
        if (result != nullptr && error != nullptr)
            return refused("an answer has a result or an error, not both");
        if (result != nullptr) return read_response(members, *result);
        if (error != nullptr) return read_error(members, *error);
        return refused("a message needs a method, a result or an error");
    }

    /// The id that stands in a message; null where it is neither an integer nor a string.
    [[nodiscard]] static rpc::id to_id(boost::json::value const* found) {
        if (found == nullptr) return {};
        if (found->is_string())
            return rpc::id{
                std::string_view{found->get_string().data(), found->get_string().size()}};
        if (found->is_number()) {
            boost::json::error_code inexact;
            auto const whole = found->to_number<std::int64_t>(inexact);
            if (!inexact) return rpc::id{whole};
        }
        return {};
    }

private:
    static rejection refused(std::string why) {
        return rejection{rejection_code::bad_request, std::move(why)}.because("invalid_message");
    }

    static mcp_provider::result<message> read_call(boost::json::object const& members,
                                                   boost::json::value const& method) {
        if (!method.is_string() || method.get_string().empty())
            return refused("method must be a string that is not empty");
        message out;
        out.method_ = {method.get_string().data(), method.get_string().size()};
        if (auto const* const asked = members.if_contains("id")) {
            out.kind_ = kind::request;
            out.id_ = to_id(asked);
            if (out.id_.is_null()) return refused("id must be a whole number or a string");
        }
        // null counts as absent, as some clients send it for what is not set.
        auto const* const params = members.if_contains("params");
        if (params != nullptr && !params->is_null()) {
            if (!params->is_object() && !params->is_array())
                return refused("params must be an object or an array");
            out.payload_ = params;
        }
        return out;
    }

    static mcp_provider::result<message> read_response(boost::json::object const& members,
                                                       boost::json::value const& result) {
        message out;
        out.kind_ = kind::response;
        out.payload_ = &result;
        out.id_ = to_id(members.if_contains("id"));
        if (out.id_.is_null()) return refused("a result needs the id of its request");
        return out;
    }

    static mcp_provider::result<message> read_error(boost::json::object const& members,
                                                    boost::json::value const& error) {
        auto const* const about = members.if_contains("id");
        message out;
        out.kind_ = kind::error;
        out.id_ = to_id(about);
        if (out.id_.is_null() && about != nullptr && !about->is_null())
            return refused("id must be a whole number, a string or null");
        if (!error.is_object()) return refused("error must be an object");
        boost::json::object const& said = error.get_object();
        auto const* const code = said.if_contains("code");
        auto const* const text = said.if_contains("message");
        rpc::id const whole = code != nullptr && code->is_number() ? to_id(code) : rpc::id{};
        if (whole.number() == nullptr) return refused("error.code must be a whole number");
        if (text == nullptr || !text->is_string()) return refused("error.message must be a string");
        out.error_code_ = *whole.number();
        out.error_message_ = {text->get_string().data(), text->get_string().size()};
        out.payload_ = said.if_contains("data");
        return out;
    }

    version_member version_;
};

} // namespace detail

/// Reads a parsed document as one message. Unknown members are ignored; `params` of null count as absent.
/// *Errors*: `bad_request` with reason `invalid_message`, also for a batch: read its elements one by one where the
/// protocol has batches. *Lifetime*: see `message`.
[[nodiscard]] inline result<message> read(boost::json::value const& document,
                                          version_member version = version_member::required) {
    return detail::message_reader{version}(document);
}

/// The id to which a document that `read` refuses is answered; null where none can be read.
[[nodiscard]] inline id id_of(boost::json::value const& document) {
    boost::json::object const* const members = document.if_object();
    if (members == nullptr) return {};
    return detail::message_reader::to_id(members->if_contains("id"));
}

/// The code under which a refusal of `json::parse` or `read` is answered.
[[nodiscard]] inline std::int64_t code_of(rejection const& why) noexcept {
    return why.reason() == "invalid_json" && why.code() != rejection_code::too_large
               ? parse_error
               : invalid_request;
}

namespace detail {

inline void open(std::string& out, version_member version) {
    out += version == version_member::required ? R"({"jsonrpc":"2.0",)" : "{";
}

inline void append_call(std::string& out, std::string_view method, std::string_view params) {
    out += R"("method":)";
    json::append_quoted(out, method);
    if (!params.empty()) (out += R"(,"params":)") += params;
    out += '}';
}

} // namespace detail

/// Appends a request. `params` is the text of an object or an array, or empty for none. Nothing that these writers append
/// holds a line end, unless `params`, `result` or `data` do.
inline void append_request(std::string& out, id const& number, std::string_view method,
                           std::string_view params = {},
                           version_member version = version_member::required) {
    detail::open(out, version);
    out += R"("id":)";
    number.append_to(out);
    out += ',';
    detail::append_call(out, method, params);
}

/// Appends a notification. `params` as above.
inline void append_notification(std::string& out, std::string_view method,
                                std::string_view params = {},
                                version_member version = version_member::required) {
    detail::open(out, version);
    detail::append_call(out, method, params);
}

/// Appends a response. `result` is the text of any JSON value.
inline void append_result(std::string& out, id const& number, std::string_view result,
                          version_member version = version_member::required) {
    detail::open(out, version);
    out += R"("id":)";
    number.append_to(out);
    (out += R"(,"result":)") += result;
    out += '}';
}

/// Appends an error. `data` is the text of any JSON value, or empty for none.
inline void append_error(std::string& out, id const& number, std::int64_t code,
                         std::string_view message, std::string_view data = {},
                         version_member version = version_member::required) {
    detail::open(out, version);
    out += R"("id":)";
    number.append_to(out);
    out += R"(,"error":{"code":)";
    json::append_number(out, code);
    out += R"(,"message":)";
    json::append_quoted(out, message);
    if (!data.empty()) (out += R"(,"data":)") += data;
    out += "}}";
}

} // namespace mcp_provider::rpc
