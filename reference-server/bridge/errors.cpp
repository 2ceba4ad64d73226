#include "bridge/errors.hpp"

#include "mcp_provider/json/write.hpp"

#include <string>
#include <utility>

namespace mcp_provider::server::bridge {

http::response render_error(rejection const& why, http::request const& /*asked*/) {
    std::string text = R"({"error":)";
    json::append_quoted(text, why.message());
    text += '}';
    http::response out{why.status(), "application/json", std::move(text)};
    if (auto const wait = why.retry_after())
        out.fields().set("Retry-After", std::to_string(wait->count()));
    return out;
}

} // namespace mcp_provider::server::bridge
