// Heads of responses: the answer does not depend on where the input was cut, and no framing is in doubt.
#include "../http/outcomes.hpp"
#include "expect.hpp"
#include "mcp_provider/http/response_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace http = mcp_provider::http;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    std::string_view const input{reinterpret_cast<char const*>(bytes), size};
    http::limits limits;
    limits.max_header_bytes = 500;
    limits.max_header_fields = 8;

    http::response_parser parser{limits};
    auto const state = parser.feed(input);
    if (!state) {
        expect(state.error().status() == 502 && state.error().closes_connection(),
               "a refusal is 502 and closes");
    } else if (*state == http::parse_state::done) {
        http::response_head head;
        parser.fill(head, input, false);
        expect(head.status >= 100 && head.status <= 599, "the status is one");
        expect(head.head_bytes <= 500 && head.fields.size() <= 8, "the limits hold");
        expect(input.substr(0, head.head_bytes).ends_with("\r\n\r\n"),
               "the head ends with an empty line");
        bool const chunked = head.field("transfer-encoding").has_value();
        bool const length = head.field("content-length").has_value();
        expect(!(chunked && length), "the framing is not in doubt");
        if (head.framing == http::response_framing::until_close)
            expect(!head.keep_alive && !chunked && !length, "the close ends it");
        parser.fill(head, input, true);
        expect(head.framing == http::response_framing::none, "HEAD has no body");
    }

    std::string const whole = outcomes::of_response(input, outcomes::whole(input), limits);
    std::size_t const at = size == 0 ? 0 : bytes[size - 1] % size;
    expect(outcomes::of_response(input, outcomes::cut_at(input, at), limits) == whole,
           "two pieces give the same");
    if (size < 600)
        expect(outcomes::of_response(input, outcomes::bytewise(input), limits) == whole,
               "single bytes give the same");
    return 0;
}
