// Composes policies into a pipeline whose order the compiler checks.
#pragma once

#include "mcp_provider/pipeline/service.hpp"

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace mcp_provider {

/// Renders a refusal as `application/problem+json` (RFC 9457) would be too much for a library that has no JSON here:
/// one line of plain text. A dialect gives its own renderer.
[[nodiscard]] inline http::response plain_error(rejection const& why, http::request const&) {
    http::response out{why.status(), "text/plain; charset=utf-8", why.message() + '\n'};
    if (auto const wait = why.retry_after())
        out.fields().set("Retry-After", std::to_string(wait->count()));
    return out;
}

/// A list of policies, outermost first. The order is checked when a handler is given:
/// every fact must be provided before it is needed, and only once.
///
/// ```cpp
/// auto chat = pipeline(audit_log{sink}, local_origin{hosts}, address_block{blocks}, authenticate{keys},
///                      json_body<chat_request>{rules})
///                 .handle([](chat_request const& in) { return http::response{200, "text/plain", answer(in)}; });
/// ```
template <class... Policies>
class pipeline {
public:
    explicit pipeline(Policies... policies) : policies_{std::move(policies)...} {}

    /// Chooses how refusals look; `plain_error` otherwise.
    [[nodiscard]] pipeline errors(http::error_renderer render) && {
        render_ = render;
        return std::move(*this);
    }

    /// Ends the pipeline with its handler: a function object whose parameters are facts, and which returns an
    /// `http::response`, a `result` of it, or an awaitable of either. The service stores it.
    template <class Handler>
    [[nodiscard]] auto handle(Handler&& handler) && {
        return service<std::decay_t<Handler>, Policies...>{std::move(policies_),
                                                           std::forward<Handler>(handler), render_};
    }

private:
    std::tuple<Policies...> policies_;
    http::error_renderer render_ = &plain_error;
};

} // namespace mcp_provider
