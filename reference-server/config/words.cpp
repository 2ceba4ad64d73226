#include "config/words.hpp"

#include "mcp_provider/json/write.hpp"

namespace mcp_provider::server {

std::string_view unfit_text(std::string_view text) noexcept {
    while (!text.empty()) {
        auto const first = static_cast<unsigned char>(text.front());
        if (first == 0) return "contains a NUL byte";
        if ((first < 0x20 && first != '\t') || first == 0x7F) return "contains a control character";
        std::size_t const length = json::utf8_sequence_length(text);
        if (length == 0) return "is not valid UTF-8";
        text.remove_prefix(length);
    }
    return {};
}

} // namespace mcp_provider::server
