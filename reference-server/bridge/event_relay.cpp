#include "bridge/event_relay.hpp"

#include "mcp_provider/events/event.hpp"

#include <asio/post.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::server::bridge {

namespace {

/// Listens to the adapter's feed. Used on the link's thread, but for the wake that a publisher calls.
class relay final : public std::enable_shared_from_this<relay> {
public:
    relay(std::shared_ptr<events::feed> from, std::weak_ptr<link_agent> to, asio::io_context& on)
        : from_{std::move(from)}, to_{std::move(to)}, context_{on} {}

    void listen(bool wanted) {
        listener_.reset();
        if (!wanted) return;
        listener_ = from_->listen(events::topics::all());
        pass_on();
    }

private:
    static constexpr std::size_t most_at_once = 256;

    void pass_on() {
        auto const to = to_.lock();
        while (listener_ && to) {
            std::vector<events::event_pointer> taken;
            auto const end = listener_->take(taken, most_at_once);
            for (events::event_pointer const& one : taken) to->publish('{' + one->rest() + '}');
            if (end == events::feed_end::closed) return listener_.reset();
            if (end == events::feed_end::too_slow) return listen(true);
            if (taken.size() == most_at_once) // the link's own work comes in between
                return asio::post(context_, [self = shared_from_this()] { self->pass_on(); });
            if (listener_->wait([weak = weak_from_this(), &on = context_] {
                    asio::post(on, [weak] {
                        if (auto const self = weak.lock()) self->pass_on();
                    });
                }))
                return;
        }
    }

    std::shared_ptr<events::feed> from_;
    std::weak_ptr<link_agent> to_;
    asio::io_context& context_;
    std::unique_ptr<events::listener> listener_;
};

} // namespace

void relay_events(std::shared_ptr<events::feed> from, std::shared_ptr<link_agent> to,
                  asio::io_context& on) {
    auto made = std::make_shared<relay>(std::move(from), to, on);
    to->on_listening([made = std::move(made)](bool wanted) { made->listen(wanted); });
}

void publish_relayed(events::feed& to, std::string_view event) {
    constexpr std::string_view head = R"({"type":")";
    if (!event.starts_with(head) || !event.ends_with('}')) return;
    std::string_view type = event.substr(head.size());
    type = type.substr(0, type.find('"'));
    auto const about = events::topic_of(type.substr(0, type.find('.')));
    constexpr std::size_t longest_type = 64;
    if (!about || type.size() > longest_type) return;
    to.publish(std::make_shared<events::event>(*about, type,
                                               std::string{event.substr(1, event.size() - 2)}));
}

} // namespace mcp_provider::server::bridge
