// Runs one coroutine to its end on a private io_context: what a test of an awaitable needs, without sockets.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace mcp_provider::testing {

/// How long `run` waits for a coroutine before it says that it hangs.
inline constexpr std::chrono::seconds patience{10};

/// Runs `work` on the calling thread until it ends, and throws what it throws. With `cancel_after`
/// the coroutine is cancelled (`terminal`) that long after its start, as a connection does when its
/// client has gone; what it throws then (`asio::error::operation_aborted`) comes out here.
/// *Errors*: `std::runtime_error` when `work` does not end within `patience`.
inline void run(asio::awaitable<void> work,
                std::optional<std::chrono::milliseconds> cancel_after = std::nullopt) {
    asio::io_context context{1};
    asio::cancellation_signal cancel;
    asio::steady_timer timer{context};
    std::exception_ptr failure;
    bool ended = false;
    auto const note_end = [&](std::exception_ptr thrown) {
        ended = true;
        failure = std::move(thrown);
        timer.cancel();
    };
    asio::co_spawn(context, std::move(work), asio::bind_cancellation_slot(cancel.slot(), note_end));
    if (cancel_after) {
        timer.expires_after(*cancel_after);
        timer.async_wait([&](std::error_code aborted) {
            if (!aborted) cancel.emit(asio::cancellation_type::terminal);
        });
    }
    context.run_for(patience);
    if (!ended) throw std::runtime_error{"the coroutine did not end in time"};
    if (failure) std::rethrow_exception(failure);
}

namespace detail {

// co_spawn wants results that can be made from nothing, which `result<T>` cannot.
template <class T>
asio::awaitable<void> keep(asio::awaitable<T> work, std::optional<T>& kept) {
    kept.emplace(co_await std::move(work));
}

} // namespace detail

/// As above, and returns what `work` returns.
template <class T>
T run(asio::awaitable<T> work,
      std::optional<std::chrono::milliseconds> cancel_after = std::nullopt) {
    std::optional<T> kept;
    run(detail::keep(std::move(work), kept), cancel_after);
    return std::move(*kept);
}

} // namespace mcp_provider::testing
