#include "openai/errors.hpp"

#include "mcp_provider/json/write.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

namespace mcp_provider::server::openai {

namespace {

// The SDKs ignore a longer Retry-After and come back after half a second instead.
constexpr std::chrono::seconds longest_honoured_wait{60};
constexpr std::string_view version_prefix = "/v1";

std::string_view type_of(std::uint16_t status) noexcept {
    switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 429: return "rate_limit_error";
    default: return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

std::string_view code_of(rejection const& why) noexcept {
    switch (why.status()) {
    case 401: return "invalid_api_key";
    case 429:
        return why.reason() == "insufficient_quota" ? "insufficient_quota" : "rate_limit_exceeded";
    default: return why.reason();
    }
}

std::string_view messages_type_of(std::uint16_t status) noexcept {
    switch (status) {
    case 413: return "request_too_large";
    case 503: return "overloaded_error";
    case 504: return "timeout_error";
    default: return type_of(status);
    }
}

void append_quoted_or_null(std::string& out, std::string_view text) {
    if (text.empty())
        out += "null";
    else
        json::append_quoted(out, text);
}

bool is_at_or_below(std::string_view path, std::string_view root) noexcept {
    return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

/// The path behind one /v1, or behind two of them by mistake; empty for other paths.
std::string_view endpoint_of(std::string_view path) noexcept {
    for (int times = 0; times != 2 && is_at_or_below(path, version_prefix); ++times)
        path.remove_prefix(version_prefix.size());
    return path;
}

bool is_of_messages_api(http::request const& asked) noexcept {
    return is_at_or_below(asked.path(), version_prefix) &&
           is_at_or_below(endpoint_of(asked.path()), "/messages");
}

void append_messages_error(std::string& out, rejection const& why, http::request const& asked) {
    out += R"({"type":"error","error":{"type":)";
    json::append_quoted(out, messages_type_of(why.status()));
    out += R"(,"message":)";
    json::append_quoted(out, why.message());
    out += R"(},"request_id":)";
    json::append_quoted(out, asked.id().text());
    out += '}';
}

} // namespace

void append_error(std::string& out, rejection const& why) {
    out += R"({"error":{"message":)";
    json::append_quoted(out, why.message());
    out += R"(,"type":)";
    json::append_quoted(out, type_of(why.status()));
    out += R"(,"param":)";
    append_quoted_or_null(out, why.where());
    out += R"(,"code":)";
    append_quoted_or_null(out, code_of(why));
    out += "}}";
}

http::response render_error(rejection const& why, http::request const& asked) {
    std::string text;
    bool const of_messages = is_of_messages_api(asked);
    if (of_messages)
        append_messages_error(text, why, asked);
    else
        append_error(text, why);

    http::response answer{why.status(), "application/json", std::move(text)};
    if (of_messages) answer.fields().set("request-id", asked.id().text());
    auto wait = why.retry_after();
    if (!wait && why.code() == rejection_code::rate_limited) wait = std::chrono::seconds{1};
    if (wait) {
        answer.fields().set("Retry-After", std::to_string(wait->count()));
        if (*wait > longest_honoured_wait) answer.fields().set("x-should-retry", "false");
    }
    if (why.code() == rejection_code::unauthenticated)
        answer.fields().set("WWW-Authenticate", "Bearer");
    for (auto const& [name, value] : why.fields()) answer.fields().set(name, value);
    if (why.closes_connection()) answer.close();
    return answer;
}

rejection unknown_path(http::request const& asked) {
    std::string_view const path = asked.path();
    std::string_view const endpoint = endpoint_of(path);
    std::string message;
    if (is_at_or_below(path, "/v1/v1"))
        message = "the path begins with /v1/v1: the client adds /v1 to a base URL that ends in it; "
                  "take /v1 off one of them. ";
    if (is_at_or_below(endpoint, "/responses"))
        message += "the Responses API is not offered here; use POST /v1/chat/completions";
    else if (is_at_or_below(endpoint, "/messages"))
        message += "the Messages API is not offered here; use POST /v1/chat/completions";
    else
        message += "no such endpoint; this server offers POST /v1/chat/completions, "
                   "/v1/completions and /v1/embeddings, "
                   "and GET /v1/models and /v1/models/{model}";
    return rejection{rejection_code::not_found, std::move(message)};
}

} // namespace mcp_provider::server::openai
