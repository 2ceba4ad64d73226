// A response: status, fields, and a body that is text or a stream.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/body_stream.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/takeover.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::http {

/// What a handler returns. `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are the writer's business.
class response {
public:
    explicit response(std::uint16_t status = 200) : status_{status} {}
    response(std::uint16_t status, std::string_view content_type, std::string text)
        : status_{status}, content_type_{content_type}, text_{std::move(text)} {}
    /// `content_type` must outlive the response: pass a literal.
    response(std::uint16_t status, std::string_view content_type,
             std::unique_ptr<body_stream> stream)
        : status_{status}, content_type_{content_type}, stream_{std::move(stream)} {}
    /// 101: what speaks on the connection from here on. `Upgrade` and `Connection` are the caller's business.
    explicit response(std::unique_ptr<http::takeover> speaker)
        : status_{101}, takeover_{std::move(speaker)} {}

    [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
    [[nodiscard]] std::string_view content_type() const noexcept { return content_type_; }
    [[nodiscard]] http::fields& fields() noexcept { return fields_; }
    [[nodiscard]] http::fields const& fields() const noexcept { return fields_; }
    [[nodiscard]] std::string const& text() const noexcept { return text_; }
    [[nodiscard]] body_stream* stream() const noexcept { return stream_.get(); }
    /// With status 101; null otherwise.
    [[nodiscard]] http::takeover* takeover() const noexcept { return takeover_.get(); }
    /// Whether the connection ends after this response.
    [[nodiscard]] bool closes() const noexcept { return closes_; }
    void close() noexcept { closes_ = true; }

private:
    std::uint16_t status_;
    bool closes_ = false;
    std::string_view content_type_;
    http::fields fields_;
    std::string text_;
    std::unique_ptr<body_stream> stream_;
    std::unique_ptr<http::takeover> takeover_;
};

/// Turns a refusal into a response of a dialect. A plain function: it must not throw but for lack of memory.
using error_renderer = response (*)(rejection const&, request const&);

} // namespace mcp_provider::http
