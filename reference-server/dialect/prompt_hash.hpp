// The digest under which a prompt stands in the audit log, where its text does not.
#pragma once

#include "mcp_provider/crypto/digest.hpp"

#include <string_view>

namespace mcp_provider::server {

/// Returns the SHA-256 of all texts of a request that the model gets to read, in order, with a NUL between two. So the
/// hash of a prompt that is one text is that of the text.
/// `Request` has `for_each_text(visit)`, which calls `visit(json_pointer, text)`.
template <class Request>
[[nodiscard]] crypto::digest prompt_hash(Request const& request) {
    thread_local crypto::sha256_stream texts; // every digest begins it anew
    bool first = true;
    request.for_each_text([&](std::string_view, std::string_view text) {
        if (!first) texts.update(std::string_view{"\0", 1});
        first = false;
        texts.update(text);
    });
    return texts.finish();
}

} // namespace mcp_provider::server
