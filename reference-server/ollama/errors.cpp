#include "ollama/errors.hpp"

#include "mcp_provider/json/write.hpp"

#include <chrono>
#include <string_view>
#include <utility>

namespace mcp_provider::server::ollama {

namespace {

/// An openai SDK would not wait longer, and come back at once (`x-should-retry` keeps it from that).
constexpr std::chrono::seconds longest_heeded_wait{60};

std::string error_object(rejection const& why) {
    std::string text = R"({"error":)";
    json::append_quoted(text, error_text(why));
    text += '}';
    return text;
}

} // namespace

std::string error_text(rejection const& why) {
    std::string text;
    switch (why.code()) {
    case rejection_code::unauthenticated: text = "unauthorized"; break;
    case rejection_code::client_closed: return "request canceled";
    default: break;
    }
    if (!text.empty() && !why.message().empty() && why.message() != text)
        text += ": " + why.message();
    else if (text.empty())
        text = why.message();
    // A reader's message begins with the place already.
    if (!why.where().empty() && text.find(why.where()) == std::string::npos)
        text += " (" + why.where() + ')';
    return text;
}

http::response render_error(rejection const& why, http::request const&) {
    http::response answer{why.status(), "application/json; charset=utf-8", error_object(why)};
    if (auto const wait = why.retry_after()) {
        answer.fields().set("Retry-After", std::to_string(wait->count()));
        if (*wait > longest_heeded_wait) answer.fields().set("x-should-retry", "false");
    }
    if (why.code() == rejection_code::unauthenticated)
        answer.fields().set("WWW-Authenticate", "Bearer");
    for (auto const& [name, value] : why.fields()) answer.fields().set(name, value);
    if (why.closes_connection()) answer.close();
    return answer;
}

void append_error_line(std::string& out, rejection const& why) {
    out += error_object(why);
    out += '\n';
}

} // namespace mcp_provider::server::ollama
