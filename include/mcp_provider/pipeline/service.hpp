// A pipeline with its handler: takes one request from its head to its last byte, in one coroutine.
#pragma once

#include "mcp_provider/pipeline/detail/order.hpp"
#include "mcp_provider/pipeline/exchange.hpp"

#include <asio/awaitable.hpp>

#include <array>
#include <cassert>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace mcp_provider {

/// One run of a service: the facts of one request, and the promise that `on_complete` is called exactly once.
/// Lives in the frame of `service::serve`. Not for users.
template <class Handler, class... Policies>
class service_run {
    using known = typename detail::facts<detail::given, Policies...>::type;
    static constexpr std::size_t count = sizeof...(Policies);
    static constexpr std::array<std::string_view, count> names{Policies::name...};
    template <std::size_t I>
    using policy_at = std::tuple_element_t<I, std::tuple<Policies...>>;
    template <class Fact>
    static constexpr bool provided =
        !std::is_same_v<Fact, http::request> && !std::is_same_v<Fact, http::body> &&
        detail::contains<Fact, known>;

public:
    service_run(std::tuple<Policies...>& policies, Handler const& handler,
                http::error_renderer render, http::request const& asked, channel& io)
        : policies_{policies}, handler_{handler}, render_{render}, asked_{asked}, io_{io},
          exchange_{asked} {
        exchange_.started_ = io.started();
        exchange_.policies_ = names;
    }
    service_run(service_run const&) = delete;
    service_run& operator=(service_run const&) = delete;
    /// Also reached when the coroutine's frame is destroyed with its server: the exchange then ends as `drained`.
    ~service_run() {
        if (!completed_) complete();
    }

    /// Serves one request. One coroutine for all that is not seldom: each frame more costs more than a policy.
    static asio::awaitable<void> serve(std::tuple<Policies...>& policies, Handler const& handler,
                                       http::error_renderer render, http::request const& asked,
                                       channel& io) {
        service_run self{policies, handler, render, asked, io};
        self.template admit_from<0>();
        if constexpr (can_wait(std::index_sequence_for<Policies...>{}))
            while (self.waits_at_ < count) co_await self.wait_at(self.waits_at_);
        using shape = detail::handler_signature<Handler>;
        if constexpr (detail::contains<http::body const&, typename shape::parameters>) {
            if (!self.refused() && !io.body_is_here()) {
                result<> const read = co_await self.read_body("handler");
                assert(read || self.refused());
            }
            if (!self.refused()) self.body_ = io.body();
        }
        if (!self.refused()) {
            std::exception_ptr thrown;
            try {
                if constexpr (detail::unwrapped<typename shape::returned>::awaited) {
                    auto made = co_await self.call(typename shape::parameters{});
                    self.keep(std::move(made));
                } else {
                    self.keep(self.call(typename shape::parameters{}));
                }
            } catch (...) {
                thrown = std::current_exception();
            }
            if (thrown) self.broke_off("handler", thrown);
        }
        if (auto const why = io.cancelled_by()) {
            // From here on the coroutine must be able to wait again, to write the answer.
            co_await asio::this_coro::reset_cancellation_state(
                asio::enable_terminal_cancellation());
            if (!self.refused()) {
                self.answer_.reset();
                self.refuse("handler", rejection_for(*why));
            }
        }
        if (self.refused() && io.cancelled_by() != end_cause::client_gone)
            self.answer_.emplace(render(*self.exchange_.refusal_, asked));
        for (bool again = self.answer_.has_value(); again;) {
            self.prepare(std::index_sequence_for<Policies...>{});
            delivery sent = co_await io.deliver(*self.answer_);
            again = self.must_answer_again(sent);
        }
        self.complete();
    }

private:
    [[nodiscard]] bool refused() const noexcept { return exchange_.refusal_.has_value(); }
    void refuse(std::string_view by, rejection&& why) {
        exchange_.refused_by_ = by;
        exchange_.refusal_.emplace(std::move(why));
    }

    template <std::size_t I>
    static constexpr bool needs_body() {
        if constexpr (detail::has_on_request<policy_at<I>>)
            return detail::contains<http::body const&,
                                    typename detail::request_hook<policy_at<I>>::shape::parameters>;
        else
            return false;
    }
    template <std::size_t I>
    static constexpr bool is_awaited() {
        if constexpr (detail::has_on_request<policy_at<I>>)
            return detail::request_hook<policy_at<I>>::awaited;
        else
            return false;
    }
    template <std::size_t... Is>
    static constexpr bool can_wait(std::index_sequence<Is...>) {
        return ((needs_body<Is>() || is_awaited<Is>()) || ...);
    }

    /// Runs plain hooks from policy `I` on, until one refuses or has to wait; plain recursion that inlines to a straight line.
    template <std::size_t I>
    void admit_from() {
        waits_at_ = count;
        if constexpr (I < count) {
            if constexpr (is_awaited<I>()) {
                waits_at_ = I;
            } else {
                if constexpr (needs_body<I>())
                    if (!io_.body_is_here()) {
                        waits_at_ = I;
                        return;
                    }
                if constexpr (detail::has_on_request<policy_at<I>>)
                    if (!store<I>(ask<I>())) return;
                admitted_ = I + 1;
                admit_from<I + 1>();
            }
        }
    }

    /// Waits for what policy `index` waits for.
    template <std::size_t I = 0>
    asio::awaitable<void> wait_at(std::size_t index) {
        if constexpr (I + 1 < count)
            if (index != I) return wait_at<I + 1>(index);
        if constexpr (needs_body<I>() || is_awaited<I>())
            return wait_for<I>(*this);
        else
            return {};
    }
    /// Waits for the body and for an awaited hook of policy `I`, then goes on. After a refusal nothing is waited for.
    template <std::size_t I>
    static asio::awaitable<void> wait_for(service_run& self) {
        self.waits_at_ = count;
        if constexpr (needs_body<I>()) {
            if (!self.io_.body_is_here()) {
                result<> read = co_await self.read_body(policy_at<I>::name);
                if (!read) co_return;
            }
        }
        if constexpr (is_awaited<I>()) {
            std::exception_ptr thrown;
            bool stored = false;
            try {
                auto got = co_await self.template ask<I>();
                stored = self.template store<I>(std::move(got));
            } catch (...) {
                thrown = std::current_exception();
            }
            if (thrown) self.broke_off(policy_at<I>::name, thrown);
            if (!stored) co_return;
        } else if constexpr (detail::has_on_request<policy_at<I>>) {
            if (!self.template store<I>(self.template ask<I>())) co_return;
        }
        self.admitted_ = I + 1;
        self.template admit_from<I + 1>();
    }

    asio::awaitable<result<>> read_body(std::string_view for_whom) {
        std::exception_ptr thrown;
        result<> read;
        try {
            read = co_await io_.read_body();
        } catch (...) {
            thrown = std::current_exception();
        }
        if (thrown) {
            broke_off(for_whom, thrown);
            read = rejection{rejection_code::internal, std::string{}};
        } else if (!read) {
            refuse(for_whom, std::move(read).error());
            read = rejection{rejection_code::internal, std::string{}};
        }
        co_return std::move(read);
    }

    /// A fact that is known to be there: the order was checked when the pipeline was compiled.
    template <class Fact>
    Fact const& fact() const noexcept {
        if constexpr (std::is_same_v<Fact, http::request>)
            return asked_;
        else if constexpr (std::is_same_v<Fact, http::body>)
            return body_;
        else
            return *std::get<std::optional<Fact>>(facts_);
    }
    /// A fact that may be missing.
    template <class Fact>
    Fact const* maybe() const noexcept {
        if constexpr (provided<Fact>) {
            auto const& held = std::get<std::optional<Fact>>(facts_);
            return held ? &*held : nullptr;
        } else {
            return nullptr;
        }
    }

    template <std::size_t I>
    auto ask() {
        return ask_with<I>(typename detail::request_hook<policy_at<I>>::shape::parameters{});
    }
    template <std::size_t I, class... Parameters>
    auto ask_with(detail::types<Parameters...>) {
        if constexpr (needs_body<I>()) body_ = io_.body();
        return std::get<I>(policies_).on_request(fact<std::remove_cvref_t<Parameters>>()...);
    }
    template <std::size_t I, class T>
    bool store(result<T>&& got) {
        if (!got) {
            refuse(policy_at<I>::name, std::move(got).error());
            return false;
        }
        if constexpr (!std::is_void_v<T>) {
            auto& slot = std::get<std::optional<T>>(facts_);
            slot.emplace(*std::move(got));
            if constexpr (std::is_same_v<T, time_limits>) io_.set_time_limits(*slot);
            if constexpr (revocable<T>) io_.watch_revocation(slot->revoked_flag());
        }
        return true;
    }

    template <class... Parameters>
    auto call(detail::types<Parameters...>) {
        return handler_(fact<std::remove_cvref_t<Parameters>>()...);
    }
    void keep(http::response&& made) { answer_.emplace(std::move(made)); }
    void keep(result<http::response>&& made) {
        if (made)
            answer_.emplace(*std::move(made));
        else
            refuse("handler", std::move(made).error());
    }

    /// Something threw: a cancellation of ours, or a fault.
    void broke_off(std::string_view where, std::exception_ptr const& thrown) {
        if (auto const why = io_.cancelled_by()) {
            refuse(where, rejection_for(*why));
            return;
        }
        exchange_.fault_ = fault_of(thrown);
        refuse(where, rejection{rejection_code::internal, "internal error"});
    }

    /// Notes what became of the answer. True where there is another to be given in its place.
    bool must_answer_again(delivery& sent) {
        exchange_.cause_ = sent.cause;
        exchange_.first_byte_ = sent.first_byte;
        exchange_.response_bytes_ += sent.response_bytes;
        if (!sent.fault.empty()) exchange_.fault_ = std::move(sent.fault);
        if (sent.failure && !refused()) {
            refuse("handler", std::move(*sent.failure));
            if (sent.head_sent) return false;
            // The stream refused before its first byte: its refusal becomes a whole response.
            answer_.emplace(render_(*exchange_.refusal_, asked_));
            return true;
        }
        if (refused() && sent.cause == end_cause::completed)
            exchange_.cause_ = io_.cancelled_by().value_or(
                exchange_.refusal_->code() == rejection_code::internal ? end_cause::failed
                                                                       : end_cause::refused);
        return false;
    }
    template <std::size_t... Is>
    void prepare(std::index_sequence<Is...>) {
        exchange_.status_ = answer_->status();
        if (refused()) {
            for (auto const& [name, value] : exchange_.refusal_->fields())
                answer_->fields().set(name, value);
            if (exchange_.refusal_->closes_connection()) answer_->close();
        }
        (respond<count - 1 - Is>(), ...);
    }
    template <std::size_t I>
    void respond() {
        using P = policy_at<I>;
        if constexpr (detail::has_on_response<P>)
            if (I < admitted_)
                respond_with<I>(
                    typename detail::signature<decltype(&P::on_response)>::parameters{});
    }
    template <std::size_t I, class Request, class Response, class... Optional>
    void respond_with(detail::types<Request, Response, Optional...>) {
        std::get<I>(policies_).on_response(
            asked_, *answer_, maybe<std::remove_cv_t<std::remove_pointer_t<Optional>>>()...);
    }

    void complete() noexcept {
        completed_ = true;
        exchange_.ended_ = std::chrono::steady_clock::now();
        exchange_.request_bytes_ = io_.request_bytes();
        exchange_.admitted_ = admitted_;
        if (auto const why = io_.cancelled_by(); why && exchange_.cause_ == end_cause::drained)
            exchange_.cause_ = *why;
        if (exchange_.status_ == 0)
            exchange_.status_ = exchange_.cause_ == end_cause::client_gone ? 499 : 503;
        if (exchange_.first_byte_ == steady_time{}) exchange_.first_byte_ = exchange_.ended_;
        finish(std::index_sequence_for<Policies...>{});
    }
    template <std::size_t... Is>
    void finish(std::index_sequence<Is...>) noexcept {
        (finish_one<count - 1 - Is>(), ...);
    }
    template <std::size_t I>
    void finish_one() noexcept {
        using P = policy_at<I>;
        if constexpr (detail::has_on_complete<P>)
            finish_with<I>(typename detail::signature<decltype(&P::on_complete)>::parameters{});
    }
    template <std::size_t I, class Exchange, class... Optional>
    void finish_with(detail::types<Exchange, Optional...>) noexcept {
        std::get<I>(policies_).on_complete(
            exchange_, maybe<std::remove_cv_t<std::remove_pointer_t<Optional>>>()...);
    }

    template <class List>
    struct storage;
    template <class Request, class Body, class... Facts>
    struct storage<detail::types<Request, Body, Facts...>> {
        using type = std::tuple<std::optional<Facts>...>;
    };

    std::tuple<Policies...>& policies_;
    Handler const& handler_;
    http::error_renderer render_;
    http::request const& asked_;
    channel& io_;
    http::body body_{};
    typename storage<known>::type facts_;
    exchange exchange_;
    std::optional<http::response>
        answer_; // after the facts: a stream may refer to them until it is destroyed
    std::size_t admitted_ = 0;
    std::size_t waits_at_ = count;
    bool completed_ = false;
};

/// A pipeline whose handler is known. Immutable; copies share nothing but what their policies share.
/// *Thread safety*: `serve` is safe to call from several workers, if the policies' own state is.
template <class Handler, class... Policies>
class service {
    static_assert(detail::order_is_right<detail::given, 0, Policies...>());
    static_assert(detail::handler_is_right<
                  Handler, typename detail::facts<detail::given, Policies...>::type>());

public:
    service(std::tuple<Policies...> policies, Handler handler, http::error_renderer render)
        : policies_{std::move(policies)}, handler_{std::move(handler)}, render_{render} {}

    /// Serves one request, to the last byte. Never throws but for lack of memory.
    /// *Lifetime*: the service, `asked` and `io` must outlive the awaitable.
    [[nodiscard]] asio::awaitable<void> serve(http::request const& asked, channel& io) const {
        return service_run<Handler, Policies...>::serve(policies_, handler_, render_, asked, io);
    }

private:
    mutable std::tuple<Policies...>
        policies_; // hooks need not be const; their state must be safe between workers
    Handler handler_;
    http::error_renderer render_;
};

} // namespace mcp_provider
