// The state that a modern client carries between the rounds of one request: opaque to it, and not to be forged.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/constant_time.hpp"
#include "mcp_provider/crypto/hmac.hpp"
#include "mcp_provider/crypto/random.hpp"
#include "mcp_provider/json/write.hpp"

#include <charconv>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

namespace mcp_provider::mcp::detail {

/// Seals texts with HMAC-SHA-256 under a random key of the process, an end of life, and a binding: what the state belongs
/// to (the caller, the method, its parameters). A state of another server, or of this one before its restart, is refused.
/// Not encrypted: the client can read it. *Thread safety*: safe.
class state_seal {
public:
    state_seal() : key_{crypto::random_bytes<32>()} {}

    /// `expiry.payload.tag`, in base64url but for the expiry.
    [[nodiscard]] std::string seal(std::string_view payload, std::string_view binding,
                                   system_time until) {
        std::string out;
        json::append_number(
            out,
            std::chrono::duration_cast<std::chrono::seconds>(until.time_since_epoch()).count());
        (out += '.') += crypto::base64url_encode(payload);
        std::string const tag = tag_of(out, binding);
        return (out += '.') += tag;
    }

    /// The payload. *Errors*: `bad_request` with reason `invalid_state`; it does not say in which way.
    [[nodiscard]] result<std::string> open(std::string_view sealed, std::string_view binding,
                                           system_time now) {
        auto const refused = [] {
            return rejection{rejection_code::bad_request,
                             "requestState is not valid for this request; begin it again"}
                .because("invalid_state");
        };
        auto const last = sealed.rfind('.');
        if (last == std::string_view::npos) return refused();
        std::string_view const signed_part = sealed.substr(0, last);
        if (!crypto::constant_time_equal(tag_of(signed_part, binding), sealed.substr(last + 1)))
            return refused();
        auto const first = signed_part.find('.');
        std::int64_t expiry = 0;
        auto const read = std::from_chars(signed_part.data(), signed_part.data() + first, expiry);
        if (read.ec != std::errc{} || system_time{std::chrono::seconds{expiry}} <= now)
            return refused();
        auto payload = crypto::base64url_decode(signed_part.substr(first + 1));
        if (!payload) return refused();
        return *std::move(payload);
    }

private:
    [[nodiscard]] std::string tag_of(std::string_view text, std::string_view binding) {
        std::string bound = ".";
        bound += binding;
        std::lock_guard const hold{mutex_};
        crypto::digest const tag = key_.tag(text, bound);
        return crypto::base64url_encode(crypto::as_text(tag));
    }

    std::mutex mutex_;
    crypto::hmac_key key_;
};

} // namespace mcp_provider::mcp::detail
