#include "bridge/link_server.hpp"

#include "bridge/link_session.hpp"
#include "bridge/link_wire.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/websocket_handshake.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace mcp_provider::server::bridge {

void open_links::add(std::shared_ptr<link_session> const& one) {
    std::lock_guard const lock{mutex_};
    open_.push_back(one);
    if (drains_) link_session::drain_soon(one);
}

void open_links::remove(link_session const& one) {
    std::lock_guard const lock{mutex_};
    std::erase_if(open_, [&one](auto const& held) { return held.get() == &one; });
    if (open_.empty()) all_gone_.notify_all();
}

void open_links::drain(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    drains_ = true;
    for (auto const& one : open_) link_session::drain_soon(one);
    all_gone_.wait_for(lock, patience, [this] { return open_.empty(); });
}

namespace {

/// What a connection runs: the session, once there is a connection.
class link_takeover final : public http::takeover {
public:
    link_takeover(std::shared_ptr<link_surroundings const> around, std::string who,
                  audited const& proof)
        : around_{std::move(around)}, who_{std::move(who)}, proof_{proof} {}

    asio::awaitable<end_cause> run(std::shared_ptr<http::duplex> on) override {
        session_ = std::make_shared<link_session>(around_, who_, proof_, std::move(on));
        if (drains_) session_->drain();
        around_->links->add(session_);
        end_cause const how = co_await session_->run();
        around_->links->remove(*session_);
        co_return how;
    }
    void drain() noexcept override {
        drains_ = true;
        if (session_) session_->drain();
    }

private:
    std::shared_ptr<link_surroundings const> around_;
    std::string who_;
    audited const& proof_;
    std::shared_ptr<link_session> session_;
    bool drains_ = false;
};

} // namespace

result<http::response> link_handler::operator()(http::request const& asked, principal const& who,
                                                audited const& proof) const {
    auto const offer = net::websocket_offer::of(asked);
    if (!offer) return offer.error();
    if (!offer->has_protocol(link_protocol))
        return rejection{rejection_code::bad_request,
                         "this path speaks the subprotocol " + std::string{link_protocol}}
            .at("sec-websocket-protocol");
    return offer->accept(std::make_unique<link_takeover>(around_, who.id(), proof), link_protocol);
}

} // namespace mcp_provider::server::bridge
