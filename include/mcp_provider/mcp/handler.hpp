// Handlers of any shape behind one type: plain functions and coroutines, with and without a way to refuse.
#pragma once

#include "mcp_provider/core/result.hpp"

#include <asio/awaitable.hpp>

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace mcp_provider::mcp {

class call;

namespace detail {

template <class T>
struct awaited {
    using type = T;
    static constexpr bool waits = false;
};
template <class T, class Executor>
struct awaited<asio::awaitable<T, Executor>> {
    using type = T;
    static constexpr bool waits = true;
};

/// Whether a handler's return value becomes a `result<T>`.
template <class Returned, class T>
concept gives = std::constructible_from < result<T>,
typename awaited<Returned>::type&& > ||
    std::constructible_from<T, typename awaited<Returned>::type&&>;

} // namespace detail

/// What can be registered for a `T`: called with `call&`, it returns a `T` or what becomes one, a `result` of it, or an
/// awaitable of either.
template <class F, class T>
concept handler_of =
    std::invocable<F const&, call&> && detail::gives<std::invoke_result_t<F const&, call&>, T>;

/// A handler whose type is forgotten. *Lifetime*: owns the function, which must outlive the coroutine it returns.
template <class T>
class handler {
public:
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, handler>)
    explicit handler(F function) {
        using returned = detail::awaited<std::invoke_result_t<F const&, call&>>;
        if constexpr (returned::waits)
            later_ = [function = std::move(function)](call& asked) {
                return convert(function(asked));
            };
        else
            now_ = [function = std::move(function)](call& asked) {
                return as_result(function(asked));
            };
    }

    /// Whether `later` is to be called, and not `now`.
    [[nodiscard]] bool waits() const noexcept { return static_cast<bool>(later_); }
    [[nodiscard]] result<T> now(call& asked) const { return now_(asked); }
    [[nodiscard]] asio::awaitable<result<T>> later(call& asked) const { return later_(asked); }

private:
    template <class Got>
    static result<T> as_result(Got&& got) {
        if constexpr (std::same_as<std::remove_cvref_t<Got>, result<T>>)
            return std::forward<Got>(got);
        else if constexpr (is_result<std::remove_cvref_t<Got>>) {
            if (!got) return std::forward<Got>(got).error();
            return result<T>{T{*std::forward<Got>(got)}};
        } else if constexpr (std::same_as<std::remove_cvref_t<Got>, rejection>)
            return std::forward<Got>(got);
        else
            return result<T>{T{std::forward<Got>(got)}};
    }
    template <class Got>
    static asio::awaitable<result<T>> convert(asio::awaitable<Got> pending) {
        Got got = co_await std::move(pending);
        co_return as_result(std::move(got));
    }

    std::function<result<T>(call&)> now_;
    std::function<asio::awaitable<result<T>>(call&)> later_;
};

} // namespace mcp_provider::mcp
