// Reads the shape of a policy's hooks and of a handler from their types.
#pragma once

#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/pipeline/exchange.hpp"

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace mcp_provider::detail {

template <class...>
struct types {};

template <class T, class List>
inline constexpr bool contains = false;
template <class T, class... Ts>
inline constexpr bool contains<T, types<Ts...>> = (std::is_same_v<T, Ts> || ...);

template <class T, class List>
inline constexpr std::size_t index_of = 0;
template <class T, class First, class... Rest>
inline constexpr std::size_t index_of<T, types<First, Rest...>> =
    std::is_same_v<T, First> ? 0 : 1 + index_of<T, types<Rest...>>;

/// The return type and parameters of a member function, function object or function pointer.
template <class F>
struct signature {
    static constexpr bool known = false;
};
template <class R, class... As>
struct signature_of {
    static constexpr bool known = true;
    using returned = R;
    using parameters = types<As...>;
};
template <class R, class C, class... As>
struct signature<R (C::*)(As...)> : signature_of<R, As...> {};
template <class R, class C, class... As>
struct signature<R (C::*)(As...) const> : signature_of<R, As...> {};
template <class R, class C, class... As>
struct signature<R (C::*)(As...) noexcept> : signature_of<R, As...> {};
template <class R, class C, class... As>
struct signature<R (C::*)(As...) const noexcept> : signature_of<R, As...> {};
template <class R, class... As>
struct signature<R (*)(As...)> : signature_of<R, As...> {};
template <class R, class... As>
struct signature<R (*)(As...) noexcept> : signature_of<R, As...> {};

template <class F>
concept function_object = requires {
    &F::operator();
};

template <class H>
struct handler_signature : signature<H> {};
template <function_object H>
struct handler_signature<H> : signature<decltype(&H::operator())> {};

/// `awaitable<T>` unwrapped.
template <class R>
struct unwrapped {
    static constexpr bool awaited = false;
    using type = R;
};
template <class T, class E>
struct unwrapped<asio::awaitable<T, E>> {
    static constexpr bool awaited = true;
    using type = T;
};

template <class T>
inline constexpr bool is_const_reference =
    std::is_lvalue_reference_v<T>&& std::is_const_v<std::remove_reference_t<T>>;
template <class T>
inline constexpr bool is_const_pointer =
    std::is_pointer_v<T>&& std::is_const_v<std::remove_pointer_t<T>>;

template <class List>
inline constexpr bool all_const_references = false;
template <class... As>
inline constexpr bool all_const_references<types<As...>> = (is_const_reference<As> && ...);

/// Finds hooks by name, whatever their shape: a name is ambiguous where a class has it besides this one. So an overloaded
/// or private hook is a hook of the wrong shape, and not one that is silently never called.
struct hook_names {
    void on_request();
    void on_response();
    void on_complete();
};
template <class P>
struct with_hook_names : P, hook_names {};
template <class P>
inline constexpr bool can_be_extended = std::is_class_v<P> && !std::is_final_v<P>;

template <class P>
concept has_one_on_request = requires {
    &P::on_request;
};
template <class P>
concept has_one_on_response = requires {
    &P::on_response;
};
template <class P>
concept has_one_on_complete = requires {
    &P::on_complete;
};

template <class P>
concept has_on_request = has_one_on_request<P> ||
    (can_be_extended<P> && !requires { &with_hook_names<P>::on_request; });
template <class P>
concept has_on_response = has_one_on_response<P> ||
    (can_be_extended<P> && !requires { &with_hook_names<P>::on_response; });
template <class P>
concept has_on_complete = has_one_on_complete<P> ||
    (can_be_extended<P> && !requires { &with_hook_names<P>::on_complete; });

/// What a policy's `on_request` needs and provides.
template <class P>
struct request_hook {
    using shape = signature<decltype(&P::on_request)>;
    using returned = unwrapped<typename shape::returned>;
    static constexpr bool awaited = returned::awaited;
    using provided = typename returned::type::value_type;
};

template <class P>
consteval bool request_hook_is_well_formed() {
    if constexpr (!has_on_request<P>) {
        return true;
    } else if constexpr (!has_one_on_request<P>) {
        return false;
    } else {
        using shape = signature<decltype(&P::on_request)>;
        if constexpr (!shape::known)
            return false;
        else
            return is_result<typename unwrapped<typename shape::returned>::type> &&
                   all_const_references<typename shape::parameters>;
    }
}

template <class List>
inline constexpr bool is_response_shape = false;
template <class... Optional>
inline constexpr bool is_response_shape<types<http::request const&, http::response&, Optional...>> =
    (is_const_pointer<Optional> && ...);

template <class P>
consteval bool response_hook_is_well_formed() {
    if constexpr (!has_on_response<P>) {
        return true;
    } else if constexpr (!has_one_on_response<P>) {
        return false;
    } else {
        using shape = signature<decltype(&P::on_response)>;
        if constexpr (!shape::known)
            return false;
        else
            return std::is_void_v<typename shape::returned> &&
                   is_response_shape<typename shape::parameters>;
    }
}

template <class List>
inline constexpr bool is_complete_shape = false;
template <class... Optional>
inline constexpr bool
    is_complete_shape<types<exchange const&, Optional...>> = (is_const_pointer<Optional> && ...);

template <class F>
inline constexpr bool is_noexcept_member = false;
template <class R, class C, class... As>
inline constexpr bool is_noexcept_member<R (C::*)(As...) noexcept> = true;
template <class R, class C, class... As>
inline constexpr bool is_noexcept_member<R (C::*)(As...) const noexcept> = true;

template <class P>
consteval bool complete_hook_is_well_formed() {
    if constexpr (!has_on_complete<P>) {
        return true;
    } else if constexpr (!has_one_on_complete<P>) {
        return false;
    } else {
        using shape = signature<decltype(&P::on_complete)>;
        if constexpr (!shape::known)
            return false;
        else
            return std::is_void_v<typename shape::returned> &&
                   is_complete_shape<typename shape::parameters> &&
                   is_noexcept_member<decltype(&P::on_complete)>;
    }
}

template <class P>
concept has_name = requires {
    { P::name } -> std::convertible_to<std::string_view>;
};

template <class P>
concept has_a_hook = has_on_request<P> || has_on_response<P> || has_on_complete<P>;

template <class P>
inline constexpr bool is_outermost = false;
template <class P>
    requires requires { P::outermost; }
inline constexpr bool is_outermost<P> = P::outermost;

} // namespace mcp_provider::detail
