// A line of an agent: read as JSON-RPC, and then as everything that the protocol could mean by it.
#include "expect.hpp"
#include "mcp_provider/acp/session.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/net/line_buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace mcp_provider;

void read_line(std::string_view line) {
    json::parse_limits limits;
    limits.max_depth = 64;
    auto const document = json::parse(line, limits);
    if (!document) return;
    auto const message = rpc::read(*document);
    boost::json::value const* const params =
        message ? (message->params() != nullptr ? message->params() : message->result())
                : &*document;
    if (params == nullptr) return;
    acp::agent_facts const facts{*params};
    expect(facts.logins.size() <= 16, "facts.logins.size() <= 16");
    for (acp::config_option const& one : acp::read_options(*params)) {
        expect(!one.id.empty() && !one.choices.empty(), "!one.id.empty() && !one.choices.empty()");
        for (auto const& choice : one.choices)
            expect(one.has(choice.value), "one.has(choice.value)");
    }
    acp::permission_request const wish{*params};
    for (bool const allow : {false, true})
        if (auto const* const chosen = wish.chosen(allow))
            expect(std::any_of(wish.choices.begin(), wish.choices.end(),
                               [&](auto const& one) {
                                   return one.id == *chosen && one.kind != "allow_always";
                               }),
                   "std::any_of(wish.choices.begin(), wish.choices.end(), [&](au");
    acp::turn_result const ended{*params};
    expect(!ended.used_is_known || ended.used.completion_tokens < ~std::uint64_t{0},
           "!ended.used_is_known || ended.used.completion_tokens < ~std:");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(bytes), size};
    constexpr std::size_t max_line = 4'096;
    net::line_buffer buffer{max_line};
    std::string joined;
    bool is_over = false;
    for (std::size_t at = 0; at < text.size() && !is_over;) {
        // Pieces of 1 to 64 bytes, as the bytes themselves say.
        std::size_t const piece = std::min(text.size() - at, std::size_t{1} + bytes[at] % 64U);
        std::memcpy(buffer.room(), text.data() + at, piece);
        buffer.filled(piece);
        at += piece;
        for (std::string_view line;;) {
            auto const step = buffer.next(line);
            is_over = step == net::line_buffer::step::too_long;
            if (step != net::line_buffer::step::line) break;
            expect(line.size() <= max_line && line.find('\n') == std::string_view::npos,
                   "a line has no end in it");
            joined.append(line) += '\n';
            read_line(line);
        }
    }
    // What came out is what went in, but for the line ends.
    std::string wanted;
    std::string_view whole = text.substr(0, text.rfind('\n') + 1);
    while (!is_over && !whole.empty()) {
        std::size_t const end = whole.find('\n');
        std::string_view line = whole.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        wanted.append(line) += '\n';
        whole.remove_prefix(end + 1);
    }
    expect(is_over || joined == wanted, "is_over || joined == wanted");
    return 0;
}
