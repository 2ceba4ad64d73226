// Texts turned into requests of the OpenAI dialect, for its tests.
#pragma once

#include "dialect/rules.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/parse.hpp"
#include "openai/wire.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asking {

using mcp_provider::identity;
using mcp_provider::principal;
using mcp_provider::result;
using mcp_provider::server::generation_rules;

/// Parses as `json_body` does, and reads.
template <class Request>
result<Request> read(std::string_view text, generation_rules const& rules = {}) {
    auto const document = mcp_provider::json::parse(text);
    if (!document) return document.error();
    return Request::from_json(*document, rules);
}

/// A chat of one message with `members` after it: `"n":2`.
inline std::string chat_with(std::string_view members) {
    std::string text = R"({"model":"m","messages":[{"role":"user","content":"hi"}])";
    if (!members.empty()) text += ',';
    text += members;
    return text + '}';
}

/// A chat of these messages.
inline std::string chat_of(std::string_view messages) {
    return R"({"model":"m","messages":)" + std::string{messages} + '}';
}

/// The texts that a request shows, as `pointer=text` lines.
template <class Request>
std::string texts_of(Request const& request) {
    std::string lines;
    request.for_each_text([&](std::string_view at, std::string_view text) {
        lines += at;
        lines += '=';
        lines += text;
        lines += '\n';
    });
    return lines;
}

/// Somebody who may do everything, with these models only where some are named.
inline principal somebody(std::vector<std::string> models = {}) {
    auto who = std::make_shared<identity>();
    who->id = "key_1";
    who->may = mcp_provider::scopes::all();
    who->models = std::move(models);
    return principal{std::move(who)};
}

} // namespace asking
