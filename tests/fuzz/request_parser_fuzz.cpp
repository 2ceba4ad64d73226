// Heads of requests: what is accepted keeps every rule, and the answer does not depend on where the input was cut.
#include "../http/accepted_request.hpp"
#include "../http/outcomes.hpp"
#include "expect.hpp"
#include "mcp_provider/http/request_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace http = mcp_provider::http;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    std::string_view const input{reinterpret_cast<char const*>(bytes), size};
    http::limits limits;
    limits.max_target_bytes = 100;
    limits.max_header_bytes = 500;
    limits.max_header_fields = 8;
    limits.max_body_bytes = 1000;

    http::request_parser parser{limits};
    auto const state = parser.feed(input);
    if (state && *state == http::parse_state::done) {
        http::request in;
        parser.fill(in, input);
        std::string const defect = accepted_request::defect(in, input, limits);
        expect(defect.empty(), "an accepted request is right in: " + defect);
        expect(parser.head_bytes() == in.head_bytes(), "the head has one size");
    }

    std::string const whole = outcomes::of_request(input, outcomes::whole(input), limits);
    std::size_t const at = size == 0 ? 0 : bytes[size - 1] % size;
    expect(outcomes::of_request(input, outcomes::cut_at(input, at), limits) == whole,
           "two pieces give the same");
    if (size < 600)
        expect(outcomes::of_request(input, outcomes::bytewise(input), limits) == whole,
               "single bytes give the same");
    return 0;
}
