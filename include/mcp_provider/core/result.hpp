// A value, or the rejection that stands in its place; the names are those of std::expected.
#pragma once

#include "mcp_provider/core/rejection.hpp"

#include <cassert>
#include <concepts>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace mcp_provider {

template <class T = void>
class result;

namespace detail {
template <class U, class T>
concept value_of_result =
    std::constructible_from<T, U&&> && !std::same_as<std::remove_cvref_t<U>, result<T>> &&
    !std::same_as<std::remove_cvref_t<U>, rejection>;
} // namespace detail

/// Holds a `T`, or the `rejection` that says why there is none. Moving a `T` must not throw.
/// Not an alias of `std::expected`: two language standards in one program must agree on the type.
/// *Thread safety*: as `T`.
// A union and not a std::variant, which costs a compiler sixty functions a type: results are everywhere.
template <class T>
class [[nodiscard]] result {
public:
    using value_type = T;

    template <detail::value_of_result<T> U = T>
    result(U&& value) : value_(std::forward<U>(value)), has_value_{true} {}
    result(rejection why) noexcept : why_{std::move(why)}, has_value_{false} {}

    result(result&& from) noexcept : has_value_{from.has_value_} { take(std::move(from)); }
    result(result const& from) requires std::copy_constructible<T> : has_value_{from.has_value_} {
        if (has_value_)
            ::new (static_cast<void*>(std::addressof(value_))) T(from.value_);
        else
            ::new (static_cast<void*>(std::addressof(why_))) rejection(from.why_);
    }
    result& operator=(result from) noexcept {
        drop();
        has_value_ = from.has_value_;
        take(std::move(from));
        return *this;
    }
    ~result() { drop(); }

    [[nodiscard]] bool has_value() const noexcept { return has_value_; }
    explicit operator bool() const noexcept { return has_value_; }

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
    void take(result&& from) noexcept {
        static_assert(std::is_nothrow_move_constructible_v<T>, "a result would be left empty");
        if (has_value_)
            ::new (static_cast<void*>(std::addressof(value_))) T(std::move(from.value_));
        else
            ::new (static_cast<void*>(std::addressof(why_))) rejection(std::move(from.why_));
    }
    void drop() noexcept {
        if (has_value_)
            value_.~T();
        else
            why_.~rejection();
    }
    T* held() noexcept {
        assert(has_value_);
        return std::addressof(value_);
    }
    T const* held() const noexcept {
        assert(has_value_);
        return std::addressof(value_);
    }
    rejection* refusal() noexcept {
        assert(!has_value_);
        return std::addressof(why_);
    }
    rejection const* refusal() const noexcept {
        assert(!has_value_);
        return std::addressof(why_);
    }

    union {
        T value_;
        rejection why_;
    };
    bool has_value_;
};

/// Nothing, or the `rejection` that says why not: what a check returns.
template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;

    result() noexcept = default;
    result(rejection why) noexcept : why_{std::move(why)} {}

    [[nodiscard]] bool has_value() const noexcept { return !why_; }
    explicit operator bool() const noexcept { return !why_; }

    /// Precondition: `!has_value()`.
    [[nodiscard]] rejection& error() & noexcept {
        assert(why_);
        return *why_;
    }
    [[nodiscard]] rejection const& error() const& noexcept {
        assert(why_);
        return *why_;
    }
    [[nodiscard]] rejection&& error() && noexcept {
        assert(why_);
        return std::move(*why_);
    }

private:
    std::optional<rejection> why_;
};

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

} // namespace mcp_provider
