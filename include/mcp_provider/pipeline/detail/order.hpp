// Checks the order of a pipeline at compile time; every misuse has a struct whose name and arguments say it.
#pragma once

#include "mcp_provider/pipeline/detail/hooks.hpp"
#include "mcp_provider/pipeline/policy.hpp"

#include <cstddef>
#include <type_traits>

namespace mcp_provider::misuse {

template <class...>
inline constexpr bool never = false;

template <class NotAPolicy>
struct class_is_no_policy {
    static_assert(detail::has_name<NotAPolicy>,
                  "this class is no policy: it has no `static constexpr std::string_view name`");
    static_assert(
        detail::has_a_hook<NotAPolicy>,
        "this class is no policy: it has no hook (on_request, on_response or on_complete)");
};
template <class Policy>
struct hook_has_the_wrong_shape {
    static_assert(detail::request_hook_is_well_formed<Policy>(),
                  "on_request must be one function (no overloads, no template) that takes facts by "
                  "const reference and "
                  "returns result<T> or asio::awaitable<result<T>>");
    static_assert(detail::response_hook_is_well_formed<Policy>(),
                  "on_response must be `void on_response(http::request const&, http::response&, "
                  "Facts const*...)`");
    static_assert(
        detail::complete_hook_is_well_formed<Policy>(),
        "on_complete must be `void on_complete(exchange const&, Facts const*...) noexcept`");
};
template <class Policy, class Fact, class Provider>
struct fact_is_needed_before_it_is_provided {
    static_assert(never<Policy>,
                  "a policy needs a fact that a later policy provides: put the provider before it");
};
template <class Policy, class Fact>
struct fact_is_provided_by_nobody {
    static_assert(
        never<Policy>,
        "a policy needs a fact that no policy of this pipeline provides: add the policy that "
        "provides it, before this one");
};
template <class Policy, class Fact>
struct fact_is_provided_twice {
    static_assert(never<Policy>,
                  "two policies of this pipeline provide the same fact: keep one of them");
};
template <class Policy>
struct policy_must_be_outermost {
    static_assert(never<Policy>,
                  "this policy must be the first of its pipeline, so that it sees every refusal");
};
template <class Handler>
struct handler_has_the_wrong_shape {
    static_assert(never<Handler>, "a handler takes facts by const reference (no `auto`, no "
                                  "overloads) and returns http::response, "
                                  "result<http::response>, or an asio::awaitable of either");
};
template <class Handler, class Fact>
struct handler_asks_for_a_fact_that_nobody_provides {
    static_assert(
        never<Handler>,
        "the handler asks for a fact that no policy of this pipeline provides: add the policy "
        "(generation needs `audited`, which only audit_log provides)");
};

} // namespace mcp_provider::misuse

namespace mcp_provider::detail {

/// Facts that are there without a policy.
using given = types<http::request, http::body>;

template <class List, class T>
struct appended;
template <class... Ts, class T>
struct appended<types<Ts...>, T> {
    using type = types<Ts..., T>;
};

template <class P>
struct provided_by {
    using type = void;
};
template <has_on_request P>
struct provided_by<P> {
    using type = typename request_hook<P>::provided;
};
template <class P>
using provided_by_t = typename provided_by<P>::type;

/// All facts of a pipeline, in the order of its policies.
template <class List, class... Ps>
struct facts {
    using type = List;
};
template <class List, class P, class... Rest>
struct facts<List, P, Rest...> {
    using with =
        typename std::conditional_t<std::is_void_v<provided_by_t<P>>, std::type_identity<List>,
                                    appended<List, provided_by_t<P>>>::type;
    using type = typename facts<with, Rest...>::type;
};

/// The policy among `Ps` that provides `Fact`, or void.
template <class Fact, class... Ps>
struct provider_of {
    using type = void;
};
template <class Fact, class P, class... Rest>
struct provider_of<Fact, P, Rest...> {
    using type =
        typename std::conditional_t<std::is_same_v<provided_by_t<P>, Fact>, std::type_identity<P>,
                                    provider_of<Fact, Rest...>>::type;
};

template <class P, class Known, class Parameter, class... Later>
consteval bool need_is_met() {
    using fact = std::remove_cvref_t<Parameter>;
    if constexpr (contains<fact, Known>) {
        return true;
    } else {
        using provider = typename provider_of<fact, Later...>::type;
        if constexpr (std::is_void_v<provider>)
            return sizeof(misuse::fact_is_provided_by_nobody<P, fact>) == 0;
        else
            return sizeof(misuse::fact_is_needed_before_it_is_provided<P, fact, provider>) == 0;
    }
}

template <class P, class Known, class... Later, class... Parameters>
consteval bool needs_are_met(types<Parameters...>) {
    return (need_is_met<P, Known, Parameters, Later...>() && ...);
}

template <class Known, std::size_t Index>
consteval bool order_is_right() {
    return true;
}
template <class Known, std::size_t Index, class P, class... Rest>
consteval bool order_is_right() {
    if constexpr (!has_name<P> || !has_a_hook<P>) {
        return sizeof(misuse::class_is_no_policy<P>) == 0;
    } else if constexpr (!policy<P>) {
        return sizeof(misuse::hook_has_the_wrong_shape<P>) == 0;
    } else if constexpr (is_outermost<P> && Index != 0) {
        return sizeof(misuse::policy_must_be_outermost<P>) == 0;
    } else if constexpr (has_on_request<P>) {
        using hook = request_hook<P>;
        using provided = typename hook::provided;
        if constexpr (!needs_are_met<P, Known, Rest...>(typename hook::shape::parameters{})) {
            return false;
        } else if constexpr (std::is_void_v<provided>) {
            return order_is_right<Known, Index + 1, Rest...>();
        } else if constexpr (contains<provided, Known>) {
            return sizeof(misuse::fact_is_provided_twice<P, provided>) == 0;
        } else {
            return order_is_right<typename appended<Known, provided>::type, Index + 1, Rest...>();
        }
    } else {
        return order_is_right<Known, Index + 1, Rest...>();
    }
}

template <class T>
inline constexpr bool is_response =
    std::is_same_v<T, http::response> || std::is_same_v<T, result<http::response>>;

template <class Handler, class Known, class Fact>
consteval bool handler_need_is_met() {
    if constexpr (contains<Fact, Known>)
        return true;
    else
        return sizeof(misuse::handler_asks_for_a_fact_that_nobody_provides<Handler, Fact>) == 0;
}
template <class Handler, class Known, class... Parameters>
consteval bool handler_needs_are_met(types<Parameters...>) {
    return (handler_need_is_met<Handler, Known, std::remove_cvref_t<Parameters>>() && ...);
}

template <class Handler, class Known>
consteval bool handler_is_right() {
    using shape = handler_signature<Handler>;
    if constexpr (!shape::known) {
        return sizeof(misuse::handler_has_the_wrong_shape<Handler>) == 0;
    } else if constexpr (!is_response<typename unwrapped<typename shape::returned>::type> ||
                         !all_const_references<typename shape::parameters>) {
        return sizeof(misuse::handler_has_the_wrong_shape<Handler>) == 0;
    } else {
        return handler_needs_are_met<Handler, Known>(typename shape::parameters{});
    }
}

} // namespace mcp_provider::detail
