// What a server's error becomes for those who called.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/mcp/protocol.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp::detail {

/// The start of a server's text, fit for a message: one line of valid UTF-8.
[[nodiscard]] inline std::string excerpt(std::string_view text, std::size_t max_bytes = 400) {
    std::string out;
    while (!text.empty()) {
        std::size_t const length = std::max<std::size_t>(1, json::utf8_sequence_length(text));
        if (out.size() + length > max_bytes) return out + "…";
        auto const lead = static_cast<unsigned char>(text.front());
        if (lead < 0x20 || lead == 0x7f)
            out += ' ';
        else
            out += text.substr(0, length);
        text.remove_prefix(length);
    }
    return out;
}

/// A short name of a code, for machines.
[[nodiscard]] constexpr std::string_view reason_of(std::int64_t code) noexcept {
    switch (code) {
    case rpc::method_not_found: return "method_not_found";
    case rpc::invalid_params: return "invalid_params";
    case error_code::header_mismatch: return "header_mismatch";
    case error_code::missing_capability: return "missing_capability";
    case error_code::unsupported_version: return "unsupported_version";
    default: return "server_error";
    }
}

/// *Precondition*: the message is an error.
[[nodiscard]] inline rejection rejection_of(rpc::message const& error) {
    return rejection{rejection_code::upstream_failed, "the MCP server answered with error " +
                                                          std::to_string(error.error_code()) +
                                                          ": " + excerpt(error.error_message())}
        .because(reason_of(error.error_code()));
}

[[nodiscard]] inline rejection bad_answer(std::string_view why) {
    return rejection{rejection_code::upstream_failed,
                     "the MCP server's answer is not as it should be: " + std::string{why}}
        .because("bad_answer");
}

} // namespace mcp_provider::mcp::detail
