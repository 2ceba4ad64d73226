#include "bridge/link_connection.hpp"

#include "mcp_provider/net/asio.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace mcp_provider::server::bridge {

net::websocket_limits limits_of_link() noexcept {
    net::websocket_limits out;
    out.max_message_bytes = most_link_message;
    out.ping_after = std::chrono::seconds{5};
    out.pong_within = std::chrono::seconds{5};
    return out;
}

link_connection::link_connection(std::shared_ptr<http::duplex> on, listener tell)
    : tell_{std::move(tell)}, executor_{on->executor()}, socket_{std::move(on),
                                                                 net::websocket::side::client,
                                                                 limits_of_link()} {}

asio::awaitable<void> link_connection::run() {
    append_hello(lines_);
    send_soon();
    while (auto const message = co_await socket_.read())
        if (!on_message(*message)) break;
    while (co_await socket_.read()) { // the bridge's goodbye
    }
    over_ = true;
    auto const left = std::exchange(requests_, {});
    for (auto const& [id, one] : left)
        one.channel->fail(
            rejection{rejection_code::upstream_failed, "the connection to the bridge broke"}
                .because("bridge_lost"));
    tell_.on_change();
}

void link_connection::begin(std::uint64_t id, std::string_view line,
                            std::shared_ptr<agents::delta_channel> channel) {
    requests_.emplace(id, request{std::move(channel)});
    send(line);
}

void link_connection::cancel(std::uint64_t id) {
    if (requests_.erase(id) == 0) return;
    append_cancel(lines_, id);
    send_soon();
    close_if_idle();
}

void link_connection::on_room(std::uint64_t id) {
    if (auto const found = requests_.find(id); found != requests_.end())
        give_credit(id, found->second);
}

void link_connection::send(std::string_view lines) {
    if (over_) return;
    lines_.append(lines);
    send_soon();
}

void link_connection::retire() {
    retires_ = true;
    close_if_idle();
}

void link_connection::close_if_idle() {
    if (!retires_ || !requests_.empty() || over_) return;
    socket_.close(net::close_code::normal, "replaced by a new link");
}

bool link_connection::on_message(net::websocket_message const& message) {
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
        socket_.close(understood.error().code() == rejection_code::version_unsupported
                          ? close_other_version
                          : close_not_understood,
                      understood.error().message());
        return false;
    }
    return true;
}

result<> link_connection::on_line(link_line& line) {
    if (line.word == link_word::piece) {
        on_piece(line);
        return {};
    }
    switch (line.word) {
    case link_word::hello:
        if (line.number != link_version)
            return rejection{rejection_code::version_unsupported,
                             "the bridge speaks version " + std::to_string(line.number) +
                                 " of the link, the adapter " + std::to_string(link_version)};
        return {};
    case link_word::models: {
        auto on_offer = models_in(line.document);
        if (!on_offer) return on_offer.error();
        tell_.on_models(*std::move(on_offer));
        if (std::exchange(greeted_, true)) return {};
        tell_.on_change();
        return {};
    }
    case link_word::vector: return on_vector(line);
    case link_word::failed:
        if (auto const found = requests_.find(line.id); found != requests_.end()) {
            found->second.channel->fail(rejection_in(line.document));
            requests_.erase(found);
            close_if_idle();
        }
        return {};
    case link_word::listening: tell_.on_listening(line.number != 0); return {};
    case link_word::draining:
        drains_ = true;
        tell_.on_change();
        return {};
    default: return rejection{rejection_code::bad_request, "only an adapter says that"};
    }
}

void link_connection::on_piece(link_line const& line) {
    auto const found = requests_.find(line.id);
    if (found == requests_.end()) return; // it was cancelled meanwhile
    request& one = found->second;
    one.channel->push(line.piece);
    if (line.piece.what == agent::delta::kind::finished) {
        requests_.erase(found);
        return close_if_idle();
    }
    one.credit -= cost_of(line.piece);
    if (one.credit < first_credit / 2 && one.channel->has_room()) give_credit(line.id, one);
}

result<> link_connection::on_vector(link_line const& line) {
    auto const vector = vector_in(line.document);
    if (!vector) return vector.error();
    agent::delta piece;
    piece.what = agent::delta::kind::text;
    piece.text = {reinterpret_cast<char const*>(vector->data()), vector->size() * sizeof(float)};
    link_line as_piece;
    as_piece.id = line.id;
    as_piece.piece = piece;
    on_piece(as_piece);
    return {};
}

void link_connection::give_credit(std::uint64_t id, request& one) {
    if (one.credit == first_credit) return; // given already, while the news of room was under way
    append_credit(lines_, id, first_credit - one.credit);
    one.credit = first_credit;
    send_soon();
}

void link_connection::send_soon() {
    if (std::exchange(sends_soon_, true)) return;
    asio::post(executor_, [self = shared_from_this()] {
        self->sends_soon_ = false;
        if (self->lines_.empty()) return;
        self->socket_.send_text_now(self->lines_);
        self->lines_.clear();
        if (self->lines_.capacity() > 256 * 1024) self->lines_.shrink_to_fit();
    });
}

} // namespace mcp_provider::server::bridge
