// Bounds the head of a request, and says which bodies are welcome before one is read.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/policy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// Each limit is inclusive. Content types are compared without their parameters.
struct request_rules {
    std::size_t max_header_fields = 100;
    std::size_t max_query_params = 50;
    std::uint64_t max_body_bytes = 10 * 1024 * 1024;
    std::vector<std::string> content_types{"application/json", "text/event-stream"};
};

/// Needs nothing but the head. Outside a browser a body without a content type, or with one that curl and old clients
/// send without thinking (`text/plain`, `application/x-www-form-urlencoded`), is welcome too.
/// *Errors*: `header_too_large`, `bad_request`, `not_implemented` for CONNECT and TRACE, `too_large` where Content-Length
/// says so, `unsupported_media`. *Thread safety*: safe.
class request_limits {
public:
    static constexpr std::string_view name = "request_limits";

    explicit request_limits(std::shared_ptr<request_rules const> rules) noexcept
        : rules_{std::move(rules)} {}
    explicit request_limits(request_rules rules = {})
        : rules_{std::make_shared<request_rules const>(std::move(rules))} {}

    result<> on_request(http::request const& asked) const {
        if (asked.verb() == http::method::connect || asked.verb() == http::method::trace)
            return rejection{rejection_code::not_implemented,
                             "this server has no CONNECT and no TRACE"};
        if (!is_sane(asked))
            return rejection{rejection_code::bad_request,
                             "the path must begin with / and be printable ASCII"};
        if (asked.fields().size() > rules_->max_header_fields)
            return rejection{
                rejection_code::header_too_large,
                too_many("header fields", asked.fields().size(), rules_->max_header_fields)};
        if (auto const count = count_params(asked.query()); count > rules_->max_query_params)
            return rejection{rejection_code::bad_request,
                             too_many("query parameters", count, rules_->max_query_params)};
        if (!asked.framing().has_body()) return {};
        if (asked.framing().content_length > rules_->max_body_bytes)
            return rejection{rejection_code::too_large,
                             too_many("bytes in the body", asked.framing().content_length,
                                      rules_->max_body_bytes)};
        return check_content(asked);
    }

private:
    static std::string too_many(std::string_view what, std::uint64_t found, std::uint64_t most) {
        return "too many " + std::string{what} + ": " + std::to_string(found) + "; allowed are " +
               std::to_string(most);
    }

    static bool is_sane(http::request const& asked) noexcept {
        if (asked.verb() == http::method::options && asked.target() == "*") return true;
        return asked.path().starts_with('/') &&
               std::all_of(asked.target().begin(), asked.target().end(),
                           [](char c) { return c > 0x20 && c < 0x7F; });
    }

    static std::size_t count_params(std::string_view query) noexcept {
        std::size_t count = 0;
        bool inside = false;
        for (char const c : query) {
            if (c != '&' && !inside) ++count;
            inside = c != '&';
        }
        return count;
    }

    result<> check_content(http::request const& asked) const {
        std::string_view type;
        std::string_view coding;
        bool is_browser = false;
        for (http::field_view const& one : asked.fields()) {
            if (http::equals_ignoring_case(one.name, "content-type"))
                type = one.value;
            else if (http::equals_ignoring_case(one.name, "content-encoding"))
                coding = one.value;
            else if (http::equals_ignoring_case(one.name, "origin") ||
                     http::equals_ignoring_case(one.name, "sec-fetch-site"))
                is_browser = true;
        }
        if (!coding.empty() && !http::equals_ignoring_case(http::trimmed(coding), "identity"))
            return rejection{rejection_code::unsupported_media,
                             "the body must be sent without a content coding (identity)"}
                .at("content-encoding")
                .with_field("Accept-Encoding", "identity");
        type = http::trimmed(type.substr(0, type.find(';')));
        for (std::string const& one : rules_->content_types)
            if (http::equals_ignoring_case(type, one)) return {};
        if (!is_browser && (type.empty() || http::equals_ignoring_case(type, "text/plain") ||
                            http::equals_ignoring_case(type, "application/x-www-form-urlencoded")))
            return {};
        std::string message = "this content type is not accepted; allowed are";
        for (std::string const& one : rules_->content_types)
            message += (message.ends_with("are") ? " " : ", ") + one;
        return rejection{rejection_code::unsupported_media, std::move(message)}.at("content-type");
    }

    std::shared_ptr<request_rules const> rules_;
};

static_assert(policy<request_limits>);

} // namespace mcp_provider
