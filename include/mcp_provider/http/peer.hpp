// The other end of a connection, as the policies may know it: no sockets here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mcp_provider::http {

/// Who is connected: address, port, and on loopback the local user that the kernel names.
/// One a connection; `net::connection` makes it. *Thread safety*: used on the connection's thread only.
class peer {
public:
    peer() noexcept = default;
    virtual ~peer() = default;
    peer(peer const&) = delete;
    peer& operator=(peer const&) = delete;

    /// The address as text (`127.0.0.1`, `::1`), an IPv4-mapped one in its IPv4 form.
    [[nodiscard]] std::string_view address() const noexcept {
        return {address_.data(), address_size_};
    }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// The port that the client connected to.
    [[nodiscard]] std::uint16_t local_port() const noexcept { return local_port_; }
    [[nodiscard]] bool is_loopback() const noexcept { return is_loopback_; }

    /// The user id that owns the other end of a loopback connection; nothing where the kernel does not say.
    /// *Complexity*: one netlink query at the first call of a connection, then constant.
    [[nodiscard]] std::optional<std::uint32_t> user() const {
        if (!asked_) {
            asked_ = true;
            if (is_loopback_) user_ = find_user();
        }
        return user_;
    }

protected:
    void set_address(std::string_view text, std::uint16_t port, std::uint16_t local_port,
                     bool loopback) noexcept {
        address_size_ = static_cast<std::uint8_t>(text.copy(address_.data(), address_.size()));
        port_ = port;
        local_port_ = local_port;
        is_loopback_ = loopback;
    }

private:
    [[nodiscard]] virtual std::optional<std::uint32_t> find_user() const { return std::nullopt; }

    std::array<char, 46> address_{};
    std::uint8_t address_size_ = 0;
    bool is_loopback_ = false;
    mutable bool asked_ = false;
    std::uint16_t port_ = 0;
    std::uint16_t local_port_ = 0;
    mutable std::optional<std::uint32_t> user_;
};

} // namespace mcp_provider::http
