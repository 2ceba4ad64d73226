// Finds the token in a request, in each of the ways in which clients send one.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/request.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Whether a key is one that clients make up because their SDK insists on one. It counts as none.
[[nodiscard]] constexpr bool is_dummy_key(std::string_view token) noexcept {
    constexpr std::array<std::string_view, 5> dummies{"", "noop", "ollama", "unused",
                                                      "sk-no-key-required"};
    for (std::string_view const one : dummies)
        if (token == one) return true;
    return false;
}

/// The token of a request, or that there is none: `Authorization: Bearer` (RFC 6750 §2.1), `x-api-key`, or
/// `Authorization: Basic` (RFC 7617) with the token as password, or as user where the password is empty.
/// *Lifetime*: that of the request.
class credentials {
public:
    /// *Errors*: `unauthenticated` for a scheme or an encoding that cannot be read; `bad_request` where two credentials
    /// differ, for then no one can say who asks.
    [[nodiscard]] static result<credentials> of(http::request const& asked) {
        credentials found;
        for (http::field_view const& one : asked.fields()) {
            bool understood = true;
            bool agrees = true;
            if (http::equals_ignoring_case(one.name, "authorization"))
                understood = found.read_scheme(one.value, agrees);
            else if (http::equals_ignoring_case(one.name, "x-api-key"))
                agrees = found.take(http::trimmed(one.value));
            if (!understood)
                return rejection{rejection_code::unauthenticated,
                                 "the Authorization field must be `Bearer TOKEN`, or `Basic` with "
                                 "the token as password"}
                    .because("invalid_api_key")
                    .at("authorization")
                    .with_field("WWW-Authenticate", "Bearer");
            if (!agrees)
                return rejection{rejection_code::bad_request,
                                 "the request has two credentials that differ; send one"}
                    .because("ambiguous_credentials");
        }
        return found;
    }

    [[nodiscard]] std::string_view token() const noexcept {
        return decoded_.empty() ? token_ : decoded_.reveal();
    }
    [[nodiscard]] bool present() const noexcept { return !token().empty(); }

private:
    /// Remembers a token, or nothing for a dummy. Returns false if another one was there.
    bool take(std::string_view token) noexcept {
        if (is_dummy_key(token)) return true;
        if (present()) return this->token() == token;
        token_ = token;
        return true;
    }

    bool read_scheme(std::string_view value, bool& agrees) {
        value = http::trimmed(value);
        auto const space = value.find(' ');
        auto const scheme = value.substr(0, space);
        auto const rest = space == std::string_view::npos ? std::string_view{}
                                                          : http::trimmed(value.substr(space));
        if (http::equals_ignoring_case(scheme, "bearer")) {
            agrees = take(rest);
            return true;
        }
        if (http::equals_ignoring_case(scheme, "basic")) return read_basic(rest, agrees);
        return rest.empty() && is_dummy_key(scheme);
    }

    bool read_basic(std::string_view encoded, bool& agrees) {
        auto plain = crypto::base64_decode(encoded);
        if (!plain) return false;
        secret const holder{std::move(*plain)};
        std::string_view const text = holder.reveal();
        auto const colon = text.find(':');
        if (colon == std::string_view::npos) return false;
        auto const password = text.substr(colon + 1);
        auto const token = password.empty() ? text.substr(0, colon) : password;
        if (is_dummy_key(token)) return true;
        if (present())
            agrees = this->token() == token;
        else
            decoded_ = secret{std::string{token}};
        return true;
    }

    std::string_view token_;
    secret decoded_;
};

} // namespace mcp_provider
