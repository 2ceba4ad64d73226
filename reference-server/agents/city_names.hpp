// Finds the places that a question about the weather names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

/// Returns the cities of a question such as "What is the weather in Paris, New York and San Francisco, CA?", each once, in
/// order. Those after `in`, `for`, `at` or `of` count; without such a word, every capitalised name of the text does.
[[nodiscard]] std::vector<std::string> city_names(std::string_view question);

} // namespace mcp_provider::server::agents
