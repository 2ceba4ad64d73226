// Event streams and lines of JSON: what is read does not depend on where the input was cut, and keeps its limit.
#include "expect.hpp"
#include "mcp_provider/http/event_stream.hpp"
#include "mcp_provider/http/ndjson.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace http = mcp_provider::http;

namespace {

constexpr std::size_t limit = 64;

/// Feeds pieces of `step` bytes, each in memory that goes at once, and writes the events down.
std::string events_of(std::string_view input, std::size_t step) {
    http::event_stream_parser parser{limit};
    std::string out;
    for (; !input.empty(); input.remove_prefix(std::min(step, input.size()))) {
        std::vector<char> const copy(input.begin(),
                                     input.begin() +
                                         static_cast<std::ptrdiff_t>(std::min(step, input.size())));
        std::string_view piece{copy.data(), copy.size()};
        for (;;) {
            auto const event = parser.next(piece);
            if (!event) return out + "refused";
            if (!*event) break;
            http::server_sent_event const& one = **event;
            expect(one.data.size() <= limit, "an event keeps its limit");
            expect(one.name.find_first_of("\r\n") == std::string_view::npos, "a name is one line");
            std::string again;
            http::append_event(again, one.data, one.name);
            http::event_stream_parser second{4 * limit};
            std::string_view rest = again;
            auto const read = second.next(rest);
            if (one.data.find('\r') == std::string_view::npos &&
                one.name.find('\0') == std::string_view::npos)
                expect(read && *read && (**read).data == one.data && (**read).name == one.name,
                       "what is written is read");
            out.append(one.name).append("|").append(one.data).append("|").append(one.id).append(
                "\n\n");
        }
    }
    return out + (parser.within_event() ? "cut" : "");
}

std::string lines_of(std::string_view input, std::size_t step) {
    http::ndjson_splitter splitter{limit};
    std::string out;
    for (; !input.empty(); input.remove_prefix(std::min(step, input.size()))) {
        std::vector<char> const copy(input.begin(),
                                     input.begin() +
                                         static_cast<std::ptrdiff_t>(std::min(step, input.size())));
        std::string_view piece{copy.data(), copy.size()};
        for (;;) {
            auto const line = splitter.next(piece);
            if (!line) return out + "refused";
            if (!*line) break;
            expect(!(**line).empty() && (**line).size() <= limit,
                   "a line has text and keeps its limit");
            expect((**line).find('\n') == std::string_view::npos, "a line is one line");
            out.append(**line).append("\n");
        }
    }
    return out.append(splitter.rest());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    std::string_view const input{reinterpret_cast<char const*>(bytes), size};
    std::string const events = events_of(input, size + 1);
    std::string const lines = lines_of(input, size + 1);
    for (std::size_t step :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{64}}) {
        expect(events_of(input, step) == events, "events do not depend on the cut");
        expect(lines_of(input, step) == lines, "lines do not depend on the cut");
    }
    return 0;
}
