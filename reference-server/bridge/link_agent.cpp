#include "bridge/link_agent.hpp"

#include "agents/delta_channel.hpp"
#include "bridge/link_connection.hpp"
#include "bridge/link_token.hpp"
#include "bridge/link_wire.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/websocket_handshake.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::server::bridge {

namespace ag = mcp_provider::agent;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds patience{5'000}; ///< for a connection, its upgrade, and the bridge's hello

/// Pauses that double, up to a most, each half random: many adapters must not come back at the same moment.
class growing_pause {
public:
    [[nodiscard]] milliseconds next(milliseconds first, milliseconds most) {
        next_ = std::clamp(next_ * 2, first, most);
        std::uniform_int_distribution<milliseconds::rep> half{next_.count() / 2, next_.count()};
        return milliseconds{half(dice_)};
    }
    void reset() noexcept { next_ = milliseconds{0}; }

private:
    milliseconds next_{0};
    std::minstd_rand dice_{std::random_device{}()};
};

net::websocket_target target_of(config const& from) {
    auto target = net::websocket_target::parse(from.bridge.url);
    if (!target) throw std::invalid_argument{"MCP_BRIDGE_URL: " + target.error().message()};
    return *std::move(target);
}

} // namespace

/// What the link's coroutines share with the agent. Everything but the atomics, and what a mutex guards, is used on the
/// link's thread only.
class link_agent::core final : public std::enable_shared_from_this<core> {
public:
    explicit core(config const& from) : target_{target_of(from)}, token_{from} {
        if (target_.to().is_secure()) trust_.emplace("");
    }
    core(core const&) = delete;
    core& operator=(core const&) = delete;
    ~core() = default;

    // --- from any thread

    [[nodiscard]] ag::model_list models() const {
        std::lock_guard const lock{mutex_};
        return models_;
    }
    [[nodiscard]] bool linked() const noexcept { return linked_.load(); }
    [[nodiscard]] static rejection no_bridge() {
        return rejection{rejection_code::overloaded,
                         "the bridge is not connected; the log of the adapter says why"}
            .because("bridge_unavailable")
            .come_again_in(std::chrono::seconds{1});
    }

    /// Begins a request with a line made by `write(line, id)`; its pieces come through the channel.
    template <class Write>
    result<std::shared_ptr<agents::delta_channel>> ask(Write write) {
        if (!linked()) return no_bridge();
        std::uint64_t const id = next_id_.fetch_add(1);
        std::string line;
        write(line, id);
        if (line.size() > most_link_message)
            return rejection{rejection_code::too_large, "the request has more than " +
                                                            std::to_string(most_link_message) +
                                                            " bytes on its way to the bridge"};
        auto channel = std::make_shared<agents::delta_channel>(
            executor_,
            [weak = weak_from_this(), id] {
                if (auto const self = weak.lock()) self->on_room(id);
            },
            [weak = weak_from_this(), id] {
                if (auto const self = weak.lock()) self->cancel(id);
            });
        if (context_->get_executor().running_in_this_thread())
            begin(id, line, channel);
        else
            asio::post(*context_, [self = shared_from_this(), id, line = std::move(line), channel] {
                self->begin(id, line, channel);
            });
        return channel;
    }

    void publish(std::string event) {
        if (!linked() || waiting_events_.fetch_add(1) >= most_waiting_events) {
            if (linked()) waiting_events_.fetch_sub(1);
            dropped_events_.fetch_add(1);
            return;
        }
        asio::post(*context_, [self = shared_from_this(), event = std::move(event)] {
            self->waiting_events_.fetch_sub(1);
            self->send_event(event);
        });
    }
    [[nodiscard]] std::uint64_t dropped_events() const noexcept { return dropped_events_.load(); }

    // --- before the context runs

    void start(asio::io_context& on) {
        context_ = &on;
        executor_ = on.get_executor();
        changed_.emplace(on);
        asio::co_spawn(on, keep_linked(shared_from_this()), [](std::exception_ptr) {});
    }

    std::function<void(bool)> on_listening;

    // --- when the context does not run any more

    /// Lets go of what belongs to the context; its coroutines go with it.
    void stop() {
        stopped_ = true;
        linked_ = false;
        current_.reset();
        connections_.clear();
        changed_.reset();
        on_listening = nullptr;
    }

private:
    static constexpr int most_waiting_events = 1024;

    void begin(std::uint64_t id, std::string_view line,
               std::shared_ptr<agents::delta_channel> const& channel) {
        if (current_ && current_->accepts())
            current_->begin(id, line, channel);
        else
            channel->fail(no_bridge());
    }
    void on_room(std::uint64_t id) {
        for (auto const& one : connections_) one->on_room(id);
    }
    void cancel(std::uint64_t id) {
        // A link that ends because of it leaves the list later.
        for (auto const& one : connections_) one->cancel(id);
    }
    void send_event(std::string_view event) {
        if (!current_ || !current_->accepts()) {
            dropped_events_.fetch_add(1);
            return;
        }
        std::string line;
        append_event(line, event);
        current_->send(line);
    }

    /// Opens links for as long as the adapter runs. A new one is open before an old one goes, where the token changed.
    static asio::awaitable<void> keep_linked(std::shared_ptr<core> self) {
        growing_pause pause;
        while (!self->stopped_) {
            (void)self->token_.reload();
            auto line = co_await self->open();
            if (self->stopped_) co_return;
            if (!line) {
                self->tell_failure(line.error());
                bool const is_refused = line.error().code() != rejection_code::upstream_failed &&
                                        line.error().code() != rejection_code::timed_out;
                auto const wait = is_refused ? pause.next(milliseconds{500}, milliseconds{30'000})
                                             : pause.next(milliseconds{50}, milliseconds{5'000});
                co_await wait_for_change(self, wait, !is_refused);
                continue;
            }
            auto const one = self->run(*std::move(line));
            co_await greeted(self, one);
            if (!one->accepts()) {
                self->tell_failure(one->is_over() ? self->why_ended(*one)
                                                  : rejection{rejection_code::timed_out,
                                                              "the bridge did not say hello"});
                one->close(net::close_code::policy_violation, "no hello");
                co_await wait_for_change(self, pause.next(milliseconds{500}, milliseconds{30'000}),
                                         false);
                continue;
            }
            pause.reset();
            self->change_over(one);
            co_await ended_or_replaced(self, one);
            if (one->accepts()) continue; // another token: the next link first
            self->lose(one);
            if (self->stopped_) co_return;
            co_await wait_for_change(self, pause.next(milliseconds{20}, milliseconds{100}), true);
        }
    }

    asio::awaitable<result<std::shared_ptr<net::duplex_socket>>> open() {
        std::string field = "Authorization: Bearer ";
        field.reserve(field.size() + token_.reveal().size() + 2);
        field.append(token_.reveal()).append("\r\n");
        secret const fields{std::move(field)};
        auto line = co_await net::open_websocket(target_, trust_ ? &*trust_ : nullptr, link_path,
                                                 fields, link_protocol,
                                                 std::chrono::steady_clock::now() + patience);
        co_return std::move(line);
    }

    std::shared_ptr<link_connection> run(std::shared_ptr<http::duplex> line) {
        link_connection::listener tell;
        tell.on_models = [this](ag::model_list now) {
            std::lock_guard const lock{mutex_};
            models_ = std::move(now);
        };
        tell.on_listening = [this](bool anybody) {
            if (on_listening) on_listening(anybody);
        };
        tell.on_change = [this] {
            linked_ = current_ && current_->accepts();
            changed_->cancel();
        };
        auto one = std::make_shared<link_connection>(std::move(line), std::move(tell));
        connections_.push_back(one);
        asio::co_spawn(*context_, one->run(), [self = shared_from_this(), one](std::exception_ptr) {
            std::erase(self->connections_, one);
            self->changed_->cancel();
        });
        return one;
    }

    /// Waits until the bridge has said hello, or the link is over; not for ever.
    static asio::awaitable<void> greeted(std::shared_ptr<core> self,
                                         std::shared_ptr<link_connection> one) {
        auto const until = std::chrono::steady_clock::now() + patience;
        while (!one->accepts() && !one->is_over() && !self->stopped_ &&
               std::chrono::steady_clock::now() < until)
            co_await wait(self, until);
    }
    /// Waits until a link takes no requests any more, or must be replaced by one with another token.
    static asio::awaitable<void> ended_or_replaced(std::shared_ptr<core> self,
                                                   std::shared_ptr<link_connection> one) {
        while (one->accepts() && !self->stopped_) {
            co_await wait(self, std::chrono::steady_clock::now() + std::chrono::seconds{1});
            if (self->token_.reload()) co_return;
        }
    }
    /// Waits; a new token, and with `is_there` any change, ends the wait early.
    static asio::awaitable<void> wait_for_change(std::shared_ptr<core> self, milliseconds pause,
                                                 bool without_token) {
        auto const until = std::chrono::steady_clock::now() + pause;
        while (!self->stopped_ && std::chrono::steady_clock::now() < until) {
            auto const next = std::chrono::steady_clock::now() + milliseconds{250};
            co_await wait(self, std::min(until, next));
            if (!without_token && self->token_.reload()) co_return;
        }
    }
    static asio::awaitable<void> wait(std::shared_ptr<core> self, steady_time until) {
        std::error_code ignored;
        self->changed_->expires_at(until);
        co_await self->changed_->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

    void change_over(std::shared_ptr<link_connection> const& to) {
        auto const before = std::exchange(current_, to);
        linked_ = true;
        if (before) before->retire();
        told_.clear();
        spdlog::info("linked with the bridge at {}", target_.to().where());
    }
    void lose(std::shared_ptr<link_connection> const& one) {
        if (current_ == one) current_.reset();
        linked_ = false;
        if (on_listening) on_listening(false); // the next bridge says so again
        if (!one->is_over()) return;           // it drains, and ends when its requests have
        tell_failure(why_ended(*one));
    }
    [[nodiscard]] rejection why_ended(link_connection const& one) const {
        net::websocket_end const& end = one.end();
        std::string why = end.went_silent      ? "it went silent"
                          : end.reason.empty() ? "the connection broke"
                                               : end.reason;
        return rejection{rejection_code::upstream_failed,
                         target_.to().where() + " ended the link: " + std::move(why)};
    }
    /// Says why there is no link; not again and again.
    void tell_failure(rejection const& why) {
        std::string text;
        switch (why.code()) {
        case rejection_code::unauthenticated:
            text = "the bridge refuses the token of this adapter: MCP_BRIDGE_TOKEN must be the "
                   "same on both sides";
            break;
        case rejection_code::forbidden: text = "the bridge refuses this adapter"; break;
        case rejection_code::not_found:
        case rejection_code::upgrade_required:
            text = "there is no bridge of ours at MCP_BRIDGE_URL";
            break;
        default: text = "no link to the bridge"; break;
        }
        text += " (" + why.message() + ')';
        if (text == told_ || stopped_) return;
        told_ = text;
        spdlog::error("{}", text);
    }

    net::websocket_target target_;
    std::optional<net::detail::tls_trust> trust_;
    link_token token_;
    asio::io_context* context_ = nullptr;
    asio::any_io_executor executor_;
    std::optional<asio::steady_timer> changed_;                 ///< cancelled when a link changes
    std::shared_ptr<link_connection> current_;                  ///< that new requests go over
    std::vector<std::shared_ptr<link_connection>> connections_; ///< that run
    std::string told_;
    bool stopped_ = false;

    std::atomic<std::uint64_t> next_id_{1};
    std::atomic<bool> linked_{false};
    std::atomic<int> waiting_events_{0};
    std::atomic<std::uint64_t> dropped_events_{0};
    mutable std::mutex mutex_;
    ag::model_list models_ = std::make_shared<std::vector<ag::model> const>(); // guarded
};

link_agent::link_agent(config const& from) : core_{std::make_shared<core>(from)} {}
link_agent::~link_agent() = default;

void link_agent::start(asio::io_context& on) { core_->start(on); }
void link_agent::stop() { core_->stop(); }
health link_agent::state() const { return core_->linked() ? health::healthy : health::unhealthy; }
void link_agent::publish(std::string event) { core_->publish(std::move(event)); }
std::uint64_t link_agent::dropped_events() const { return core_->dropped_events(); }
void link_agent::on_listening(std::function<void(bool)> tell) {
    core_->on_listening = std::move(tell);
}
ag::model_list link_agent::models() const { return core_->models(); }

asio::awaitable<result<std::unique_ptr<ag::delta_stream>>>
link_agent::generate(ag::conversation const& ask, audited const& /*proof*/) {
    auto const write = [&ask](std::string& line, std::uint64_t id) {
        append_generate(line, id, ask);
    };
    auto channel = core_->ask(write);
    if (!channel) co_return std::move(channel).error();
    co_return (*channel)->stream();
}

asio::awaitable<result<ag::embeddings>> link_agent::embed(ag::embedding_request const& ask,
                                                          audited const& /*proof*/) {
    auto const write = [&ask](std::string& line, std::uint64_t id) { append_embed(line, id, ask); };
    auto channel = core_->ask(write);
    if (!channel) co_return std::move(channel).error();
    std::unique_ptr<ag::delta_stream> const stream = (*channel)->stream();
    ag::embeddings out;
    for (;;) {
        result<ag::delta> const piece = co_await stream->next();
        if (!piece) co_return piece.error();
        if (piece->what == ag::delta::kind::finished) {
            out.prompt_tokens = piece->used.prompt_tokens;
            co_return out;
        }
        std::vector<float> vector(piece->text.size() / sizeof(float));
        std::memcpy(vector.data(), piece->text.data(), vector.size() * sizeof(float));
        out.vectors.push_back(std::move(vector));
    }
}

} // namespace mcp_provider::server::bridge
