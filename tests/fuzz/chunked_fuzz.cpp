// Chunked bodies: the answer does not depend on where the input was cut, and what is decoded can be encoded again.
#include "../http/outcomes.hpp"
#include "expect.hpp"
#include "mcp_provider/http/chunked_decoder.hpp"
#include "mcp_provider/http/response_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace http = mcp_provider::http;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    std::string_view const input{reinterpret_cast<char const*>(bytes), size};
    http::limits limits;
    limits.max_body_bytes = 300;
    limits.max_chunk_line_bytes = 32;
    limits.max_trailer_bytes = 64;

    http::chunked_decoder decoder{limits};
    std::string body;
    auto const progress = decoder.feed(input, body);
    expect(body.size() <= limits.max_body_bytes, "the body keeps its limit");
    if (progress && progress->done) {
        expect(progress->consumed <= size, "no more is consumed than came");
        expect(input.substr(0, progress->consumed).ends_with("\r\n\r\n"),
               "a body ends with an empty line");
        expect(body.size() == decoder.body_bytes(), "the body is as long as its chunks say");
        std::string again;
        http::append_chunk(again, body);
        again += http::last_chunk;
        decoder.reset();
        std::string decoded;
        auto const second = decoder.feed(again, decoded);
        expect(second && second->done && decoded == body, "what was decoded is decoded again");
    } else if (progress) {
        expect(progress->consumed == size, "what does not end is consumed");
    }

    std::string const whole = outcomes::of_chunked(input, outcomes::whole(input), limits);
    std::size_t const at = size == 0 ? 0 : bytes[size - 1] % size;
    expect(outcomes::of_chunked(input, outcomes::cut_at(input, at), limits) == whole,
           "two pieces give the same");
    if (size < 600)
        expect(outcomes::of_chunked(input, outcomes::bytewise(input), limits) == whole,
               "single bytes give the same");
    return 0;
}
