// What chat and text completions have in common: how the answer is chosen, cut and sent.
#pragma once

#include "dialect/rules.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/json/reader.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::openai {

// Each function reads members of `in`, and complains there of what is out of range or cannot be honoured.

/// temperature, top_p, the two penalties and seed.
[[nodiscard]] agent::sampling read_sampling(json::reader in);

/// stop: one text, a list of texts, or nothing.
[[nodiscard]] std::vector<std::string> read_stop(json::reader in);

/// One of the limits of tokens, where it is given.
[[nodiscard]] std::optional<std::int64_t> read_token_limit(json::reader limit,
                                                           generation_rules const& allowed);

/// How the answer is sent.
struct delivery_wish {
    bool streamed = false;
    bool include_usage = false;
};

/// stream and stream_options.
[[nodiscard]] delivery_wish read_delivery(json::reader in, generation_rules const& allowed);

/// Complains unless `count` is absent or 1: several answers to one question are not offered.
void refuse_several(json::reader count);

/// Complains when `member` says anything: `why` goes on after "is not supported here".
void refuse_present(json::reader member, std::string_view why);

/// Complains when `member` is a non-empty object: logit_bias.
void refuse_members(json::reader member, std::string_view why);

/// Complains unless `at` is an object; whether it is.
[[nodiscard]] bool require_object(json::reader at);

/// Complains of an empty text; returns the text. It must be there.
[[nodiscard]] std::string_view read_name(json::reader at);

/// `; it is "…"` for a complaint, or nothing where the value is no short text.
[[nodiscard]] std::string it_is(json::reader at);

} // namespace mcp_provider::server::openai
