// Turns the body of a request into the type that a route works with.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/pipeline/policy.hpp"


#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider {

namespace detail {
struct no_rules {};
template <class T>
struct rules_of {
    using type = no_rules;
};
template <class T>
    requires requires { typename T::rules; }
struct rules_of<T> {
    using type = typename T::rules;
};
} // namespace detail

/// Needs the body, provides `T`: parses JSON at most 32 deep and calls `T::from_json(document)`, or
/// `T::from_json(document, rules)` where there is a type `T::rules`. What `from_json` returns must not refer to the document.
/// *Errors*: `bad_request` for a missing body and for what is no JSON; those of `from_json`. *Thread safety*: safe.
template <class T>
class json_body {
    using rules = typename detail::rules_of<T>::type;
    static constexpr bool has_rules = !std::is_same_v<rules, detail::no_rules>;

public:
    static constexpr std::string_view name = "json_body";

    json_body() requires(!has_rules) = default;
    explicit json_body(std::shared_ptr<rules const> bounds) requires has_rules
        : rules_{std::move(bounds)} {}
    explicit json_body(rules bounds) requires has_rules
        : rules_{std::make_shared<rules const>(std::move(bounds))} {}

    result<T> on_request(http::body const& body) const {
        if (body.text.empty())
            return rejection{rejection_code::bad_request, "missing request body"};
        // The bound on bytes was the connection's. A common document fits the buffer, and costs no allocation.
        unsigned char buffer[8 * 1024];
        boost::json::monotonic_resource memory{buffer, sizeof buffer};
        json::parse_limits limits;
        limits.max_bytes = body.text.size();
        auto const document = json::parse(body.text, limits, &memory);
        if (!document) return document.error();
        if constexpr (has_rules)
            return T::from_json(*document, *rules_);
        else
            return T::from_json(*document);
    }

private:
    std::shared_ptr<rules const> rules_;
};

namespace detail {
struct any_document {
    static result<any_document> from_json(boost::json::value const&) { return any_document{}; }
};
} // namespace detail

static_assert(policy<json_body<detail::any_document>>);

} // namespace mcp_provider
