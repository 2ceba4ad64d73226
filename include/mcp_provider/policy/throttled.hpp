// The proof that wrong tokens of a caller are counted, without which nobody may be asked for one.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/http/peer.hpp"
#include "mcp_provider/policy/block_table.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mcp_provider {

/// A caller that is not blocked, and whose failures are counted. Only `address_block` makes one, so an `authenticate`
/// without protection against guessing does not compile.
/// *Lifetime*: that of the exchange.
class throttled {
public:
    /// The unit of blocking: `uid:N` for a local user, else the address; empty where it would be the whole of loopback.
    [[nodiscard]] std::string_view caller() const noexcept { return {name_.data(), size_}; }

    /// Counts a wrong token; the fingerprint stands for the token and must not lead back to it.
    block_table::verdict note_failure(std::uint64_t fingerprint) const {
        return size_ == 0 ? block_table::verdict::counted
                          : blocks_->note_failure(caller(), fingerprint, now_);
    }
    /// Counts a refusal for rate, on the caller, or on `otherwise` (the id of a key) where the caller has no name.
    block_table::verdict note_refusal(std::string_view otherwise,
                                      std::chrono::nanoseconds window) const {
        return blocks_->note_refusal(size_ == 0 ? otherwise : caller(), window, now_);
    }
    /// How long the key of that id is still blocked.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> blocked_for(std::string_view id) const {
        return blocks_->blocked_for(id, now_);
    }

private:
    template <class Clock>
    friend class address_block;

    throttled(block_table& blocks, http::peer const& peer, steady_time now) noexcept
        : blocks_{&blocks}, now_{now} {
        auto const user = peer.is_loopback() ? peer.user() : std::nullopt;
        if (user) {
            char* const digits = name_.data() + std::string_view{"uid:"}.copy(name_.data(), 4);
            char* const end = std::to_chars(digits, name_.data() + name_.size(), *user).ptr;
            size_ = static_cast<std::uint8_t>(end - name_.data());
        } else if (!peer.is_loopback() || blocks.rules().whole_loopback) {
            size_ = static_cast<std::uint8_t>(peer.address().copy(name_.data(), name_.size()));
        }
    }

    block_table* blocks_;
    steady_time now_;
    std::array<char, 46> name_;
    std::uint8_t size_ = 0;
};

} // namespace mcp_provider
