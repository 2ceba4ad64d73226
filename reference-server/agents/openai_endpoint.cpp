#include "agents/openai_endpoint.hpp"

#include "mcp_provider/core/result.hpp"
#include "mcp_provider/net/origin.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server::agents {

namespace {

net::origin origin_of(openai_settings const& from) {
    auto parsed = net::origin::parse(from.url);
    if (!parsed) throw std::runtime_error{"AGENT_OPENAI_URL: " + parsed.error().message()};
    return *std::move(parsed);
}

net::http_client_options options_of(openai_settings const& from) {
    net::http_client_options options;
    options.connect_time = from.connect_time;
    options.ca_file = from.ca_file;
    return options;
}

openai_kind kind_of(net::origin const& to) {
    std::string_view const host = to.host();
    bool const original = host == "api.openai.com" || host.ends_with(".api.openai.com") ||
                          host.ends_with(".openai.azure.com");
    return original ? openai_kind::original : openai_kind::compatible;
}

net::request_head head_of(net::http_client const& client, openai_settings const& from,
                          std::string_view method, std::string_view path) {
    std::string fields =
        "User-Agent: mcp-local-provider\r\nAccept: application/json, text/event-stream\r\n";
    if (method == "POST") fields += "Content-Type: application/json\r\n";
    std::string_view const key = from.key.reveal();
    bool const is_clean =
        std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (!is_clean) throw std::runtime_error{"AGENT_OPENAI_KEY holds a character that no key has"};
    if (!key.empty()) fields.append("Authorization: Bearer ").append(key).append("\r\n");
    net::request_head made{client, method, path, fields};
    wipe(fields.data(), fields.size());
    return made;
}

} // namespace

openai_endpoint::openai_endpoint(openai_settings from)
    : settings_{std::move(from)}, client_{origin_of(settings_), options_of(settings_)},
      kind_{kind_of(client_.to())}, chat_{head_of(client_, settings_, "POST", "/chat/completions")},
      completions_{head_of(client_, settings_, "POST", "/completions")},
      embeddings_{head_of(client_, settings_, "POST", "/embeddings")}, models_{head_of(
                                                                           client_, settings_,
                                                                           "GET", "/models")} {}

} // namespace mcp_provider::server::agents
