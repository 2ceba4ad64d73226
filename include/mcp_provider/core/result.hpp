// A value, or the rejection that stands in its place; the names are those of std::expected.
#pragma once

#include "mcp_provider/core/rejection.hpp"

#include <cassert>
#include <concepts>
#include <type_traits>
#include <utility>
#include <variant>

namespace mcp_provider {

/// Holds a `T`, or the `rejection` that says why there is none.
/// Not an alias of `std::expected`: two language standards in one program must agree on the type.
/// *Thread safety*: as `T`.
template <class T = void>
class [[nodiscard]] result {
public:
    using value_type = T;

    template <class U = T>
        requires std::constructible_from<T, U&&> &&
            (!std::same_as<std::remove_cvref_t<U>, result>)&&(
                !std::same_as<std::remove_cvref_t<U>, rejection>)result(U&& value)
            : state_{std::in_place_index<0>, std::forward<U>(value)} {}
        result(rejection why) : state_{std::in_place_index<1>, std::move(why)} {}

        [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
        explicit operator bool() const noexcept { return has_value(); }

        /// Precondition: `has_value()`.
        [[nodiscard]] T& value() & noexcept { return *held(); }
        [[nodiscard]] T const& value() const& noexcept { return *held(); }
        [[nodiscard]] T&& value() && noexcept { return std::move(*held()); }
        [[nodiscard]] T& operator*() & noexcept { return *held(); }
        [[nodiscard]] T const& operator*() const& noexcept { return *held(); }
        [[nodiscard]] T&& operator*() && noexcept { return std::move(*held()); }
        [[nodiscard]] T* operator->() noexcept { return held(); }
        [[nodiscard]] T const* operator->() const noexcept { return held(); }

        /// Precondition: `!has_value()`.
        [[nodiscard]] rejection& error() & noexcept { return *refusal(); }
        [[nodiscard]] rejection const& error() const& noexcept { return *refusal(); }
        [[nodiscard]] rejection&& error() && noexcept { return std::move(*refusal()); }

    private:
        T* held() noexcept {
            assert(has_value());
            return std::get_if<0>(&state_);
        }
        T const* held() const noexcept {
            assert(has_value());
            return std::get_if<0>(&state_);
        }
        rejection* refusal() noexcept {
            assert(!has_value());
            return std::get_if<1>(&state_);
        }
        rejection const* refusal() const noexcept {
            assert(!has_value());
            return std::get_if<1>(&state_);
        }

        std::variant<T, rejection> state_;
};

/// Nothing, or the `rejection` that says why not: what a check returns.
template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;

    result() noexcept = default;
    result(rejection why) : state_{std::in_place_index<1>, std::move(why)} {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// Precondition: `!has_value()`.
    [[nodiscard]] rejection& error() & noexcept { return *refusal(); }
    [[nodiscard]] rejection const& error() const& noexcept {
        assert(!has_value());
        return *std::get_if<1>(&state_);
    }
    [[nodiscard]] rejection&& error() && noexcept { return std::move(*refusal()); }

private:
    rejection* refusal() noexcept {
        assert(!has_value());
        return std::get_if<1>(&state_);
    }

    std::variant<std::monostate, rejection> state_;
};

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

} // namespace mcp_provider
