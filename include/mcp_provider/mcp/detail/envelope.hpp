// The `_meta` of a modern request: which version it speaks, who asks, and what that client can do.
#pragma once

#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/mcp/detail/call_access.hpp"
#include "mcp_provider/mcp/detail/session.hpp"
#include "mcp_provider/mcp/protocol.hpp"
#include "mcp_provider/mcp/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp::detail {

/// Why a request is answered with an error before anything is looked up.
class protocol_error {
public:
    protocol_error(std::int64_t its_code, std::string its_message, std::string its_data = {})
        : code{its_code}, message{std::move(its_message)}, data{std::move(its_data)} {}

    std::int64_t code;
    std::string message;
    std::string data; ///< JSON text; empty for none
};

/// A view of the `_meta` of a request's params. *Lifetime*: that of the message's document.
class envelope {
public:
    explicit envelope(rpc::message const& message) noexcept
        : meta_{call_access::member(message.params(), "_meta")} {}

    /// Whether the request is of the modern era by what it says itself.
    [[nodiscard]] bool names_a_version() const noexcept {
        return member(meta_key::protocol_version) != nullptr;
    }
    /// The version that it names; empty where that is no text.
    [[nodiscard]] std::string_view version() const noexcept {
        return text(member(meta_key::protocol_version));
    }

    /// What is missing or of the wrong kind.
    [[nodiscard]] std::optional<protocol_error> incomplete() const {
        auto const* const named = member(meta_key::protocol_version);
        auto const* const can = member(meta_key::client_capabilities);
        bool const has_version = named != nullptr && named->is_string();
        bool const has_capabilities = can != nullptr && can->is_object();
        if (has_version && has_capabilities) return std::nullopt;
        std::string why = "params._meta needs";
        if (!has_version) (why += " the string ") += meta_key::protocol_version;
        if (!has_capabilities) (why += " the object ") += meta_key::client_capabilities;
        return protocol_error{rpc::invalid_params, std::move(why)};
    }
    [[nodiscard]] std::optional<protocol_error> unsupported() const {
        if (version() == name_of(latest_modern)) return std::nullopt;
        std::string data = R"({"supported":[")";
        (data += name_of(latest_modern)) += R"("],"requested":)";
        json::append_quoted(data, version());
        data += '}';
        return protocol_error{error_code::unsupported_version, "this version is not supported",
                              std::move(data)};
    }

    /// Precondition: neither incomplete nor unsupported.
    [[nodiscard]] client_facts from(std::string caller) const {
        client_facts out;
        out.spoken = latest_modern;
        out.caller = std::move(caller);
        json::reading pass{*member(meta_key::client_capabilities)};
        out.can = client_capabilities::read(pass.root());
        if (auto const* const who = member(meta_key::client_info)) {
            json::reading loose{*who}; // it need not be there, so it is no reason to refuse
            out.is = implementation::read(loose.root());
        }
        return out;
    }
    [[nodiscard]] std::optional<log_level> logged() const noexcept {
        return log_level_of(text(member(meta_key::log_level)));
    }

private:
    [[nodiscard]] boost::json::value const* member(std::string_view key) const noexcept {
        return call_access::member(meta_, key);
    }
    static std::string_view text(boost::json::value const* value) noexcept {
        auto const* const found = value != nullptr ? value->if_string() : nullptr;
        return found != nullptr ? std::string_view{found->data(), found->size()}
                                : std::string_view{};
    }

    boost::json::value const* meta_;
};

} // namespace mcp_provider::mcp::detail
