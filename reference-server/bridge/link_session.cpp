#include "bridge/link_session.hpp"

#include "bridge/link_connection.hpp"
#include "mcp_provider/net/asio.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::server::bridge {

link_session::link_session(std::shared_ptr<link_surroundings const> around, std::string who,
                           audited const& proof, std::shared_ptr<http::duplex> on)
    : around_{std::move(around)}, who_{std::move(who)}, proof_{proof}, executor_{on->executor()},
      socket_{std::move(on), net::websocket::side::server, limits_of_link()}, clock_{executor_},
      all_ended_{executor_, steady_time::max()}, gathering_{executor_} {}

asio::awaitable<end_cause> link_session::run() {
    append_hello(lines_);
    tell_models();
    send_soon();
    asio::co_spawn(executor_, look_around(shared_from_this()), [](std::exception_ptr) {});
    while (auto const message = co_await socket_.read())
        if (!on_message(*message)) break;
    // After a fault of the peer, its goodbye is still to be read.
    while (co_await socket_.read()) {
    }
    over_ = true;
    clock_.cancel();
    gathering_.cancel();
    std::vector<std::uint64_t> left;
    for (auto const& [id, one] : requests_) left.push_back(id);
    for (std::uint64_t const id : left) cancel(id);
    std::error_code ignored;
    while (!requests_.empty())
        co_await all_ended_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    net::websocket_end const& end = socket_.end();
    bool const was_wanted = end.by_peer || drains_;
    if (!was_wanted)
        spdlog::warn("the link of an adapter has ended: {}", end.went_silent ? "it went silent"
                                                             : end.reason.empty()
                                                                 ? "the connection broke"
                                                                 : end.reason);
    co_return was_wanted ? end_cause::completed : end_cause::client_gone;
}

void link_session::drain() {
    if (std::exchange(drains_, true)) return;
    append_draining(lines_);
    send_soon();
    close_if_drained();
}

void link_session::drain_soon(std::shared_ptr<link_session> const& self) {
    asio::post(self->executor_, [self] { self->drain(); });
}

void link_session::close_if_drained() {
    if (!drains_ || !requests_.empty() || over_) return;
    if (!lines_.empty()) socket_.send_text(std::exchange(lines_, {}));
    socket_.close(net::close_code::going_away, "the bridge stops");
}

bool link_session::on_message(net::websocket_message const& message) {
    if (!message.is_text) {
        socket_.close(net::close_code::unsupported_data, "the link speaks text");
        return false;
    }
    for (std::string_view rest = message.data; !rest.empty();) {
        std::string_view const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        result<> understood = reader_.read(line, line_);
        if (understood) understood = on_line(line_);
        if (understood) continue;
        spdlog::error("an adapter is not understood: {}", understood.error().message());
        socket_.close(understood.error().code() == rejection_code::version_unsupported
                          ? close_other_version
                          : close_not_understood,
                      understood.error().message());
        return false;
    }
    return true;
}

result<> link_session::on_line(link_line& line) {
    if (line.word == link_word::hello) {
        if (line.number != link_version)
            return rejection{rejection_code::version_unsupported,
                             "the bridge speaks version " + std::to_string(link_version) +
                                 " of the link, the adapter " + std::to_string(line.number)};
        greeted_ = true;
        return {};
    }
    if (!greeted_) return rejection{rejection_code::bad_request, "a link begins with hello"};
    switch (line.word) {
    case link_word::generate:
    case link_word::embed: return begin(line);
    case link_word::cancel: cancel(line.id); return {};
    case link_word::credit:
        if (auto const found = requests_.find(line.id); found != requests_.end()) {
            found->second->credit += line.number;
            found->second->wake.cancel();
        }
        return {};
    case link_word::event:
        if (around_->on_event) around_->on_event(line.text);
        return {};
    default: return rejection{rejection_code::bad_request, "only a bridge says that"};
    }
}

result<> link_session::begin(link_line& line) {
    auto one = std::make_shared<request>(line.id, executor_);
    if (drains_ || requests_.size() >= most_requests) {
        fail(*one, rejection{rejection_code::overloaded,
                             drains_ ? "the bridge stops" : "the bridge has too much to do"}
                       .come_again_in(std::chrono::seconds{1}));
        return {};
    }
    if (!requests_.emplace(line.id, one).second)
        return rejection{rejection_code::bad_request, "a request has the number of another"};
    auto const ended = [self = shared_from_this(), one](std::exception_ptr thrown) {
        if (thrown && !one->is_stopped) {
            spdlog::error("an agent has thrown: {}", fault_of(thrown));
            self->fail(*one, rejection{rejection_code::internal, "internal error"});
        }
        self->end(one->id);
    };
    if (line.word == link_word::generate) {
        auto ask = conversation_in(line.document);
        if (!ask) {
            requests_.erase(line.id);
            return ask.error();
        }
        asio::co_spawn(executor_,
                       answer(shared_from_this(), one,
                              std::make_shared<agent::conversation const>(*std::move(ask))),
                       asio::bind_cancellation_slot(one->stop.slot(), ended));
    } else {
        auto ask = embedding_request_in(line.document);
        if (!ask) {
            requests_.erase(line.id);
            return ask.error();
        }
        asio::co_spawn(executor_,
                       embed(shared_from_this(), one,
                             std::make_shared<agent::embedding_request const>(*std::move(ask))),
                       asio::bind_cancellation_slot(one->stop.slot(), ended));
    }
    return {};
}

void link_session::cancel(std::uint64_t id) {
    auto const found = requests_.find(id);
    if (found == requests_.end()) return; // it has ended meanwhile
    request_pointer const one = found->second;
    one->is_stopped = true;
    one->stop.emit(asio::cancellation_type::terminal);
}

void link_session::end(std::uint64_t id) {
    requests_.erase(id);
    close_if_drained();
    if (over_ && requests_.empty()) all_ended_.cancel();
}

asio::awaitable<void> link_session::answer(std::shared_ptr<link_session> self, request_pointer one,
                                           std::shared_ptr<agent::conversation const> ask) {
    auto stream = co_await self->around_->agent->generate(*ask, self->proof_);
    if (!stream) co_return self->fail(*one, stream.error());
    for (;;) {
        result<agent::delta> const piece = co_await (*stream)->next();
        if (one->is_stopped) co_return;
        if (!piece) co_return self->fail(*one, piece.error());
        append_piece(self->lines_, one->id, *piece);
        if (piece->what == agent::delta::kind::opened)
            self->send_at(std::chrono::steady_clock::now() + opening);
        else if (std::exchange(one->has_spoken, true))
            self->send_with_others();
        else
            self->send_soon();
        if (piece->what == agent::delta::kind::finished) co_return;
        one->credit -= cost_of(*piece);
        if (one->credit <= 0 || self->lines_.size() >= most_queued ||
            self->socket_.queued() >= most_queued)
            co_await self->may_go_on(one);
    }
}

asio::awaitable<void> link_session::embed(std::shared_ptr<link_session> self, request_pointer one,
                                          std::shared_ptr<agent::embedding_request const> ask) {
    auto const made = co_await self->around_->agent->embed(*ask, self->proof_);
    if (one->is_stopped) co_return;
    if (!made) co_return self->fail(*one, made.error());
    for (std::vector<float> const& vector : made->vectors) {
        append_vector(self->lines_, one->id, vector);
        self->send_soon();
        one->credit -= static_cast<std::int64_t>(vector.size() * sizeof(float) + cost_of_line);
        co_await self->may_go_on(one);
    }
    agent::delta last;
    last.what = agent::delta::kind::finished;
    last.used.prompt_tokens = made->prompt_tokens;
    append_piece(self->lines_, one->id, last);
    self->send_soon();
}

asio::awaitable<void> link_session::may_go_on(request_pointer one) {
    std::error_code ignored;
    while (one->credit <= 0 && !one->is_stopped)
        co_await one->wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (lines_.size() >= most_queued) socket_.send_text(std::exchange(lines_, {}));
    if (socket_.queued() >= most_queued) (void)co_await socket_.drained(few_queued);
}

void link_session::fail(request& one, rejection const& why) {
    if (one.is_stopped) return;
    append_failed(lines_, one.id, why);
    send_soon();
}

void link_session::send_at(steady_time when) {
    if (when >= due_) return;
    due_ = when;
    if (when == steady_time::min()) {
        asio::post(executor_, [self = shared_from_this()] { self->send_now(); });
        return;
    }
    gathering_.expires_at(when);
    gathering_.async_wait([self = shared_from_this()](std::error_code moved) {
        if (!moved) self->send_now();
    });
}

void link_session::send_with_others() {
    steady_time const next = sent_ + gather;
    if (due_ <= next) return;
    send_at(next <= std::chrono::steady_clock::now() ? steady_time::min() : next);
}

void link_session::send_now() {
    due_ = steady_time::max();
    if (lines_.empty()) return;
    sent_ = std::chrono::steady_clock::now();
    socket_.send_text_now(lines_);
    lines_.clear();
    if (lines_.capacity() > most_queued) lines_.shrink_to_fit();
}

asio::awaitable<void> link_session::look_around(std::shared_ptr<link_session> self) {
    std::error_code ignored;
    while (!self->over_) {
        self->clock_.expires_after(std::chrono::seconds{1});
        co_await self->clock_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        if (self->over_) break;
        self->tell_models();
        self->tell_listening();
        if (!self->around_->keys->still_accepts(self->who_) && !self->socket_.is_closing()) {
            spdlog::warn("an adapter still used a token that was replaced long ago");
            self->socket_.close(close_token_replaced, "the token was replaced");
        }
    }
}

void link_session::tell_models() {
    agent::model_list const now = around_->agent->models();
    if (now == told_) return;
    told_ = now;
    append_models(lines_, *now);
    send_soon();
}

void link_session::tell_listening() {
    bool const now = around_->is_heard && around_->is_heard();
    if (now == is_heard_) return;
    is_heard_ = now;
    append_listening(lines_, now);
    send_soon();
}

} // namespace mcp_provider::server::bridge
