#include "agents/openai_errors.hpp"

#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/write.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::server::agents {

namespace {

constexpr std::size_t max_message_bytes = 500;

std::string_view text_at(boost::json::object const& in, std::string_view name) noexcept {
    boost::json::value const* const found = in.if_contains({name.data(), name.size()});
    if (found == nullptr || !found->is_string()) return {};
    return {found->get_string().data(), found->get_string().size()};
}

/// What the body of a refusal says: OpenAI's form, Ollama's, vLLM's older one, FastAPI's.
struct told {
    std::string message;
    std::string code;
};

told read_body(std::string_view body) {
    told out;
    auto const parsed = json::parse(body);
    if (!parsed || !parsed->is_object()) return out;
    boost::json::object const& root = parsed->get_object();
    boost::json::value const* const error = root.if_contains("error");
    if (error != nullptr && error->is_object()) {
        out.message = text_at(error->get_object(), "message");
        out.code = text_at(error->get_object(), "code");
    }
    for (std::string_view const name : {"error", "message", "detail"})
        if (out.message.empty()) out.message = text_at(root, name);
    return out;
}

std::optional<std::chrono::seconds> read_retry_after(std::string_view value) {
    using std::chrono::seconds;
    long number = 0;
    auto const [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failure == std::errc{} && end == value.data() + value.size() && number >= 0)
        return seconds{number};
    tm date{};
    std::string const text{value};
    if (::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date) == nullptr)
        return std::nullopt;
    auto const wait =
        std::chrono::system_clock::from_time_t(::timegm(&date)) - std::chrono::system_clock::now();
    return std::max(seconds{0}, std::chrono::ceil<seconds>(wait));
}

} // namespace

std::string cleaned_message(std::string_view message, std::string_view key) {
    std::string out;
    while (!message.empty() && out.size() < max_message_bytes) {
        if (key.size() >= 4 && message.starts_with(key)) {
            out += "***";
            message.remove_prefix(key.size());
            continue;
        }
        std::size_t const length = json::utf8_sequence_length(message);
        auto const byte = static_cast<unsigned char>(message.front());
        if (length == 0)
            out += "\xEF\xBF\xBD";
        else if (byte < 0x20U || byte == 0x7fU)
            out += out.ends_with(' ') ? "" : " ";
        else if (out.size() + length <= max_message_bytes)
            out += message.substr(0, length);
        else
            break;
        message.remove_prefix(std::max<std::size_t>(length, 1));
    }
    if (!message.empty()) out += " ...";
    return out;
}

rejection upstream_rejection(std::uint16_t status, std::string_view body,
                             std::string_view retry_after, std::string_view key) {
    told const said = read_body(body);
    std::string const message = cleaned_message(said.message, key);
    auto const quoted = [&](std::string text) {
        return message.empty() ? text : text + ": " + message;
    };
    std::string const number = std::to_string(status);
    switch (status) {
    case 404:
    case 405:
        // Without an error of the API in its body it is no such API: the base URL is wrong.
        if (message.empty())
            return rejection{rejection_code::upstream_failed,
                             "the upstream has no such path (status " + number +
                                 "); AGENT_OPENAI_URL must be its base URL, mostly ending in /v1"};
        return rejection{rejection_code::not_found, message}.because("model_not_found");
    case 400:
    case 413:
    case 415:
    case 422:
        return rejection{rejection_code::bad_request, quoted("the upstream refused the request")}
            .because(said.code == "context_length_exceeded" ? "context_length_exceeded"
                                                            : "refused_by_upstream");
    case 401:
    case 403:
        // Not the upstream's words: they are about a key that the caller has never seen, and may quote it.
        return rejection{rejection_code::upstream_failed,
                         "the upstream refused the key of this gateway (status " + number +
                             "); check AGENT_OPENAI_KEY"};
    case 429: {
        rejection limited = rejection{rejection_code::rate_limited,
                                      quoted("the upstream limits the rate of requests")}
                                .because(said.code == "insufficient_quota" ? "insufficient_quota"
                                                                           : "rate_limit_exceeded");
        if (auto const wait = read_retry_after(retry_after))
            return std::move(limited).come_again_in(*wait);
        return limited;
    }
    case 408:
    case 504: return rejection{rejection_code::timed_out, quoted("the upstream ran out of time")};
    default: break;
    }
    if (status >= 300 && status < 400)
        return rejection{rejection_code::upstream_failed,
                         "the upstream answered with a redirect (status " + number +
                             "), which is not followed; check AGENT_OPENAI_URL"};
    return rejection{rejection_code::upstream_failed,
                     quoted("the upstream failed with status " + number)};
}

rejection stream_rejection(std::string_view message, std::string_view key) {
    std::string text = cleaned_message(message, key);
    return rejection{rejection_code::upstream_failed, text.empty()
                                                          ? "the upstream failed within its answer"
                                                          : "the upstream failed: " + text};
}

rejection with_advice(rejection why) {
    if (why.reason() != "upstream_unreachable") return why;
    return rejection{why.code(),
                     why.message() + "; is the upstream running, and is AGENT_OPENAI_URL right?"}
        .because("upstream_unreachable");
}

} // namespace mcp_provider::server::agents
