// Members that several requests of Ollama's API share, read one by one.
#pragma once

#include "dialect/rules.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/json/reader.hpp"
#include "ollama/wire.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::ollama {

/// Reads a duration as Go writes it ("5m", "1h30m", "-1ns", "0"), in seconds; nothing where it is none
/// (time.ParseDuration).
[[nodiscard]] std::optional<double> read_go_duration(std::string_view text) noexcept;

/// Whether `keep_alive` is 0. Complains of what is no number of seconds and no duration.
[[nodiscard]] bool reads_unload(json::reader keep_alive);

/// Whether a stream is asked for; complains where streams are switched off and one is asked for.
[[nodiscard]] bool reads_streamed(json::reader stream, generation_rules const& rules);

/// Reads `options` into `ask`. What cannot be passed on to an agent (`num_ctx`, `num_gpu`, …) is checked for its type.
void read_options(json::reader options, generation_rules const& rules, agent::conversation& ask);

/// Reads `think`; a level is noted as the effort of `ask`.
[[nodiscard]] thinking read_thinking(json::reader think, agent::conversation& ask);

void read_format(json::reader format, agent::conversation& ask);

/// Refuses what no agent answers with: log probabilities.
void refuse_logprobs(json::reader root);

/// Reads a list of images in base64.
[[nodiscard]] std::vector<agent::image> read_images(json::reader images);

/// Reads `messages`. Calls without an id are given one, and tools' answers that name no call are paired with theirs, since
/// many agents insist on ids that Ollama's clients do not send.
void read_messages(json::reader messages, generation_rules const& rules, agent::conversation& ask);

/// Reads `tools` and `tool_choice`.
void read_tools(json::reader root, agent::conversation& ask);

/// All text of the turns, in code points.
[[nodiscard]] std::size_t count_characters(std::vector<agent::message> const& messages) noexcept;

} // namespace mcp_provider::server::ollama
