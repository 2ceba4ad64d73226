// Requests and peers out of thin air: for tests of policies and handlers, without a connection.
#pragma once

#include "mcp_provider/core/request_id.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/peer.hpp"
#include "mcp_provider/http/request.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::testing {

/// The other end of a connection that nobody opened.
class fake_peer final : public http::peer {
public:
    /// A local user on 127.0.0.1, connected to port 11434.
    explicit fake_peer(std::optional<std::uint32_t> user = 1000, std::uint16_t local_port = 11434)
        : user_{user} {
        set_address("127.0.0.1", 50'000, local_port, true);
    }
    /// Somebody elsewhere.
    explicit fake_peer(std::string_view address) { set_address(address, 50'000, 11434, false); }

    /// How often the kernel was asked for the user.
    [[nodiscard]] std::size_t questions() const noexcept { return questions_; }

private:
    std::optional<std::uint32_t> find_user() const override {
        ++questions_;
        return user_;
    }

    std::optional<std::uint32_t> user_;
    mutable std::size_t questions_ = 0;
};

/// A request that owns its text. Comes from `fake_peer{}` and names the host `127.0.0.1:11434`, unless told otherwise.
/// *Lifetime*: what `get` returns is good until the next call of anything but `get`, and while the peer lives.
class fake_request {
public:
    explicit fake_request(std::string_view method = "GET", std::string_view target = "/") {
        set_line(method, target);
        add("Host", "127.0.0.1:11434");
        made_.set_id(request_id::next());
        made_.set_peer(nobody_);
    }
    fake_request(fake_request const&) = delete;
    fake_request& operator=(fake_request const&) = delete;

    fake_request& with(std::string_view name, std::string_view value) {
        add(name, value);
        return *this;
    }
    fake_request& without(std::string_view name) {
        std::list<std::pair<std::string, std::string>> kept;
        std::swap(kept, fields_);
        made_.clear();
        set_line(method_, target_);
        for (auto const& [one, value] : kept)
            if (!http::equals_ignoring_case(one, name)) add(one, value);
        made_.set_framing(framing_);
        return *this;
    }
    fake_request& from(http::peer const& who) {
        made_.set_peer(who);
        return *this;
    }
    fake_request& announcing(http::body_framing framing) {
        framing_ = framing;
        made_.set_framing(framing);
        return *this;
    }

    [[nodiscard]] http::request const& get() const noexcept { return made_; }
    operator http::request const&() const noexcept { return made_; }

private:
    void set_line(std::string_view method, std::string_view target) {
        std::string method_text{method};
        std::string target_text{target};
        method_ = std::move(method_text);
        target_ = std::move(target_text);
        made_.set_line(method_, target_, 1);
    }
    void add(std::string_view name, std::string_view value) {
        auto const& kept = fields_.emplace_back(name, value);
        made_.add_field(kept.first, kept.second);
    }

    fake_peer nobody_;
    std::string method_;
    std::string target_;
    http::body_framing framing_;
    std::list<std::pair<std::string, std::string>> fields_; // whose elements stay where they are
    http::request made_;
};

} // namespace mcp_provider::testing
