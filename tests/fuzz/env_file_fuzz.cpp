// The reader of .env, on any bytes.
#include "config/env_file.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(bytes), size};
    auto const lines = mcp_provider::server::read_env_file(text, ".env");
    std::set<std::string> keys;
    int last = 0;
    for (auto const& entry : lines.entries) {
        bool const sound = !entry.key.empty() && keys.insert(entry.key).second &&
                           entry.line > last && entry.value.text.find('\0') == std::string::npos;
        if (!sound) std::abort();
        last = entry.line;
    }
    for (auto const& problem : lines.problems)
        if (problem.message.empty() || problem.line <= 0 || !problem.value.empty()) std::abort();
    return 0;
}
