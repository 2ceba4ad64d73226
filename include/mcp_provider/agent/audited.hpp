// The proof that an exchange is being audited, and the place where generation notes what it did.
#pragma once

#include "mcp_provider/core/request_id.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider {

template <class Clock>
class audit_log;
namespace testing {
struct audited_access;
}

/// What generation adds to the audit record of its exchange.
struct generation_notes {
    std::string model;
    std::optional<std::array<std::uint8_t, 32>> prompt_hash; ///< SHA-256 of the prompt's text
    std::uint64_t prompt_tokens = 0;
    std::uint64_t completion_tokens = 0;
    std::string_view finish_reason; ///< a literal of the dialect; empty while unfinished
    std::string security_flags;     ///< comma-separated names of content rules that matched
};

/// Only `audit_log` can make one, and no agent can be asked without one: "generation without audit" does not compile.
/// *Thread safety*: used on the connection's thread only.
class audited {
public:
    audited(audited const&) = delete;
    audited& operator=(audited const&) = delete;
    audited(audited&&) noexcept = default;
    audited& operator=(audited&&) noexcept = default;

    /// Noting is no change of the fact, hence const.
    [[nodiscard]] generation_notes& notes() const noexcept { return notes_; }
    /// The id of the exchange, by which its records and events are found.
    [[nodiscard]] request_id const& request() const noexcept { return request_; }

private:
    template <class Clock>
    friend class audit_log;
    friend struct testing::audited_access;
    explicit audited(request_id const& of = {}) noexcept : request_{of} {}

    request_id request_;
    mutable generation_notes notes_;
};

} // namespace mcp_provider
