// What one request needs while it runs.
#pragma once

#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/request_parser.hpp"

#include <cstddef>
#include <string>

namespace mcp_provider::net {

/// Borrowed from the worker, so that an idle connection holds none of it.
struct workspace {
    explicit workspace(http::limits const& limits) : parser{limits} {}

    http::request_parser parser;
    http::request request;
    std::string in;    ///< the request's head, and what came with it
    std::string body;  ///< a body that did not come with its head, or came in chunks
    std::string out;   ///< head and framing of the response
    std::string piece; ///< a piece of a streamed body

    /// Forgets the content, and gives back storage that an unusually large request took.
    void clear() {
        constexpr std::size_t keep = 16 * 1024;
        request.clear();
        parser.reset();
        for (std::string* one : {&in, &body, &out, &piece}) {
            one->clear();
            if (one->capacity() > keep) one->shrink_to_fit();
        }
    }
};

} // namespace mcp_provider::net
