// Which names this server goes by, and which web origins may use it.
#pragma once

#include "mcp_provider/http/fields.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// An exact allow-list of hosts and of origins. Nothing is resolved and nothing is a pattern: a name that an attacker
/// has rebound to 127.0.0.1 is not on the list. Immutable after construction; share it between pipelines.
class origin_rules {
public:
    /// `hosts` are `name` or `name:port`; the loopback names `127.0.0.1`, `localhost` and `::1` mean our own port only.
    /// `origins` are what browsers send, `scheme://host[:port]`, beside the server's own loopback origins.
    /// *Errors*: throws std::invalid_argument for the origins `*` and `null` and for empty entries.
    explicit origin_rules(std::vector<std::string> hosts = {"127.0.0.1", "localhost", "::1"},
                          std::vector<std::string> origins = {})
        : hosts_{std::move(hosts)}, origins_{std::move(origins)} {
        for (std::string& one : hosts_) {
            if (one.empty()) throw std::invalid_argument{"an allowed host is empty"};
            for (char& c : one) c = http::to_lower(c);
            if (one == "::1") one = "[::1]";
        }
        for (std::string const& one : origins_)
            if (one.empty() || one == "*" || one == "null")
                throw std::invalid_argument{
                    "an allowed origin must be scheme://host[:port], not '" + one + "'"};
    }

    /// Whether a Host field names this server, which listens on `port` (RFC 9110 §7.2).
    [[nodiscard]] bool allows_host(std::string_view host, std::uint16_t port) const noexcept {
        auto const [name, named_port] = split(host);
        bool const is_our_port = named_port.empty() ? port == 80 && name.size() == host.size()
                                                    : named_port == text(port).view();
        for (std::string const& one : hosts_) {
            if (is_our_port && http::equals_ignoring_case(name, one)) return true;
            if (!is_loopback_name(one) && http::equals_ignoring_case(host, one)) return true;
        }
        return false;
    }

    /// Whether a page of this origin may call. Compares byte by byte, as browsers serialise origins (RFC 6454 §6.2).
    [[nodiscard]] bool allows_origin(std::string_view origin, std::uint16_t port) const noexcept {
        for (std::string const& one : origins_)
            if (origin == one) return true;
        constexpr std::string_view scheme = "http://";
        if (!origin.starts_with(scheme)) return false;
        auto const [name, named_port] = split(origin.substr(scheme.size()));
        if (!is_loopback_name(name)) return false;
        if (port == 80) return name.size() + scheme.size() == origin.size();
        return named_port == text(port).view();
    }

private:
    class port_text {
    public:
        explicit port_text(std::uint16_t port) noexcept
            : size_{static_cast<std::size_t>(
                  std::to_chars(text_.data(), text_.data() + text_.size(), port).ptr -
                  text_.data())} {}
        [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

    private:
        std::array<char, 5> text_;
        std::size_t size_;
    };
    static port_text text(std::uint16_t port) noexcept { return port_text{port}; }

    static bool is_loopback_name(std::string_view name) noexcept {
        return name == "127.0.0.1" || name == "localhost" || name == "[::1]";
    }

    /// Name and port; the port is empty where there is none or nothing follows the colon.
    static std::pair<std::string_view, std::string_view> split(std::string_view host) noexcept {
        auto const from = host.starts_with('[') ? host.find(']') : 0;
        auto const colon = from == std::string_view::npos ? from : host.find(':', from);
        if (colon == std::string_view::npos) return {host, {}};
        return {host.substr(0, colon), host.substr(colon + 1)};
    }

    std::vector<std::string> hosts_;
    std::vector<std::string> origins_;
};

} // namespace mcp_provider
