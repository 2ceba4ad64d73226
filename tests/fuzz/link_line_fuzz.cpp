// Lines of the link: what reads quickly reads the same as what is parsed, and what is read can be written again.
#include "bridge/link_wire.hpp"
#include "expect.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/write.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bridge = mcp_provider::server::bridge;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    std::string_view const line{reinterpret_cast<char const*>(bytes), size};
    bridge::link_reader reader;
    bridge::link_line read;
    if (!reader.read(line, read)) return 0;

    switch (read.word) {
    case bridge::link_word::piece: {
        // The WebSocket beneath lets only UTF-8 through; a parser that checks it must agree with us then.
        auto const parsed = mcp_provider::json::parse(line);
        if (!parsed) {
            bool valid = true;
            for (std::string_view rest = line; valid && !rest.empty();) {
                std::size_t const length = mcp_provider::json::utf8_sequence_length(rest);
                valid = length != 0;
                rest.remove_prefix(valid ? length : 0);
            }
            expect(!valid, "a line that the parser refuses");
            return 0;
        }
        std::string again;
        bridge::append_piece(again, read.id, read.piece);
        std::string const text{read.piece.text};
        bridge::link_line second;
        again.pop_back();
        expect(reader.read(again, second).has_value(), "our own line is refused");
        expect(second.id == read.id && second.piece.text == text, "a line that changes");
        break;
    }
    case bridge::link_word::generate:
        if (auto const got = bridge::conversation_in(read.document)) {
            std::string again;
            bridge::append_generate(again, read.id, *got);
            again.pop_back();
            bridge::link_line second;
            expect(reader.read(again, second).has_value(), "our own request is refused");
        }
        break;
    case bridge::link_word::embed: (void)bridge::embedding_request_in(read.document); break;
    case bridge::link_word::models: (void)bridge::models_in(read.document); break;
    case bridge::link_word::vector: (void)bridge::vector_in(read.document); break;
    case bridge::link_word::failed: (void)bridge::rejection_in(read.document); break;
    default: break;
    }
    return 0;
}
