// Finds out who asks: by a token, or by the local user whom the kernel names.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/policy/credentials.hpp"
#include "mcp_provider/policy/end_time.hpp"
#include "mcp_provider/policy/local_caller.hpp"
#include "mcp_provider/policy/local_users.hpp"
#include "mcp_provider/policy/throttled.hpp"

#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Looks a token up: an identity, or null for a token that nobody has. Compares in constant time; safe between threads.
template <class K>
concept key_lookup = requires(K& keys, std::string_view token) {
    { keys.find(token) } -> std::convertible_to<std::shared_ptr<identity const>>;
};

/// Needs `throttled`, provides `principal`. A token decides alone where there is one; without one the owner of the
/// loopback connection is let in if it is on the list. That holds for browsers too: they run as the user, and
/// `local_origin` has admitted their page by its exact origin.
/// A missing or made-up key is no wrong token: it is refused without being counted.
/// *Errors*: `unauthenticated`; `forbidden` for a key that is blocked; see `credentials::of`.
/// *Thread safety*: safe, if `Keys` is.
template <key_lookup Keys, class Clock = real_clock>
class authenticate {
public:
    static constexpr std::string_view name = "authenticate";

    explicit authenticate(std::shared_ptr<Keys> keys,
                          std::shared_ptr<local_users const> users = nullptr, Clock clock = {})
        : keys_{std::move(keys)}, users_{std::move(users)}, clock_{std::move(clock)} {}

    /// Lets callers without a token in as `anonymous`, with the scopes of `may` only, unless they are browsers.
    [[nodiscard]] authenticate or_anonymous(scopes may = scope::discover) && {
        auto nobody = std::make_shared<identity>();
        nobody->id = "anonymous";
        nobody->may = may;
        anonymous_ = std::move(nobody);
        return std::move(*this);
    }

    result<principal> on_request(http::request const& asked, local_caller const& from,
                                 throttled const& caller) const {
        result<credentials> const sent = credentials::of(asked);
        if (!sent) return sent.error();
        if (sent->present()) return by_token(sent->token(), caller);
        if (users_)
            if (auto const uid = from.peer().user())
                if (auto who = users_->find(*uid)) return principal{std::move(who)};
        if (anonymous_ && !from.is_browser()) return principal{anonymous_};
        return refused("a token is needed: send the field `Authorization: Bearer TOKEN`");
    }

private:
    result<principal> by_token(std::string_view token, throttled const& caller) const {
        std::shared_ptr<identity const> who = keys_->find(token);
        if (!who) {
            auto const verdict = caller.note_failure(fingerprint(token));
            return refused("the token is not valid")
                .as_security_event(verdict == block_table::verdict::blocked ? "credential_stuffing"
                                                                            : "invalid_token");
        }
        if (who->expires && *who->expires <= clock_.system())
            return refused("the token has expired at " + utc_text(*who->expires));
        if (auto const left = caller.blocked_for(who->id))
            return shut_out("this key is blocked", *left, clock_.system())
                .because("blocked")
                .as_security_event("blocked_caller");
        return principal{std::move(who)};
    }

    static rejection refused(std::string message) {
        return rejection{rejection_code::unauthenticated, std::move(message)}
            .because("invalid_api_key")
            .with_field("WWW-Authenticate", "Bearer");
    }

    static std::uint64_t fingerprint(std::string_view token) noexcept {
        crypto::digest const whole = crypto::sha256(token);
        std::uint64_t part = 0;
        std::memcpy(&part, whole.data(), sizeof part);
        return part;
    }

    std::shared_ptr<Keys> keys_;
    std::shared_ptr<local_users const> users_;
    std::shared_ptr<identity const> anonymous_;
    [[no_unique_address]] Clock clock_;
};

namespace detail {
struct no_keys {
    static std::shared_ptr<identity const> find(std::string_view) noexcept { return nullptr; }
};
} // namespace detail

static_assert(policy<authenticate<detail::no_keys>>);

} // namespace mcp_provider
