// What a policy is: a class with a name and at least one hook. No base class, no registration.
#pragma once

#include "mcp_provider/pipeline/detail/hooks.hpp"

namespace mcp_provider {

/// A class that takes part in a pipeline.
///
/// | hook | when | rule |
/// |---|---|---|
/// | `result<T> on_request(Facts const&...)`, or an `awaitable` of it | in order | `T` becomes a fact; `result<>` provides none |
/// | `void on_response(http::request const&, http::response&, Facts const*...)` | in reverse, if it admitted | must not throw |
/// | `void on_complete(exchange const&, Facts const*...) noexcept` | last, always, once | in reverse |
///
/// One object serves all workers: a hook that changes its policy's state must do so in a way that is safe between threads.
/// A fact taken by pointer may be missing (null): the exchange was refused before it was provided.
/// `static constexpr bool outermost = true` makes any place but the first one an error.
/// End a policy's header with `static_assert(policy<X>);`.
template <class P>
concept policy = detail::has_name<P> && detail::has_a_hook<P> &&
    detail::request_hook_is_well_formed<P>() && detail::response_hook_is_well_formed<P>() &&
    detail::complete_hook_is_well_formed<P>();

} // namespace mcp_provider
