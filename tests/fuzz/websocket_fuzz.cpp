// Frames of a WebSocket, read by the server's or the client's side: however the bytes are cut, the same messages and the
// same fault come out, and no text that is not UTF-8.
#include "expect.hpp"
#include "mcp_provider/net/websocket.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using mcp_provider::net::detail::frame_message;
using mcp_provider::net::detail::frame_reader;

struct outcome {
    std::vector<std::pair<unsigned, std::string>> messages;
    std::uint16_t fault = 0;
    bool operator==(outcome const&) const = default;
};

constexpr std::size_t most = 300;

outcome read(std::string bytes, std::size_t piece, bool is_server) {
    frame_reader reader{is_server, most};
    outcome out;
    for (std::size_t from = 0; from < bytes.size(); from += piece) {
        std::size_t const end = std::min(bytes.size(), from + piece);
        for (std::size_t at = from; at != end;) {
            at += reader.consume(bytes.data() + at, end - at);
            out.fault = reader.fault();
            if (out.fault != 0) return out;
            if (auto const message = reader.take())
                out.messages.emplace_back(static_cast<unsigned>(message->code), message->payload);
        }
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 2) return 0;
    bool const is_server = (data[0] & 1U) != 0;
    std::size_t const piece = 1 + data[1] % 17U;
    std::string const bytes{reinterpret_cast<char const*>(data) + 2, size - 2};
    if (bytes.empty()) return 0;

    outcome const whole = read(bytes, bytes.size(), is_server);
    outcome const parts = read(bytes, piece, is_server);

    expect(whole == parts, "the cut changes what is read");
    for (auto const& [code, payload] : whole.messages) {
        bool const is_control = code >= 8;
        expect(payload.size() <= (is_control ? 125 : most), "a message beyond its limit");
        if (code == frame_message::opcode::TEXT)
            expect(websocketpp::utf8_validator::validate(payload), "a text that is no UTF-8");
    }
    return 0;
}
