// Bodies of Ollama's API: every endpoint refuses a body or keeps its promises, and every line of an answer is JSON.
#include "../ollama/invariants.hpp"

#include <re2/re2.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace {

mcp_provider::server::generation_rules const& rules() {
    static mcp_provider::server::generation_rules const all = [] {
        mcp_provider::server::generation_rules made;
        made.model_pattern_text = "^[a-zA-Z0-9\\-_.:/]+$";
        made.model_pattern = std::make_shared<re2::RE2 const>(made.model_pattern_text);
        return made;
    }();
    return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(bytes), size};
    if (!ollama_tests::writes_valid_lines(text)) {
        std::fputs("a line is no JSON object\n", stderr);
        std::abort();
    }
    auto const document = mcp_provider::json::parse(text);
    if (!document) return 0;
    if (auto const broken = ollama_tests::broken_promise_of_any(*document, rules());
        !broken.empty()) {
        std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(broken.size()), broken.data());
        std::abort();
    }
    return 0;
}
