// The request that every load program sends, and the mock upstream's answers to GET /stats.
#pragma once

#include "answer_reader.hpp"
#include "arguments.hpp"
#include "descriptor.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

namespace load {

/// POST /v1/chat/completions with `script` in the prompt, for the mock upstream to go by.
[[nodiscard]] inline std::string chat_request(std::string_view script, bool streamed,
                                              arguments const& given) {
    std::string body = R"({"model":")" + given.text("model") + R"(","stream":)" +
                       (streamed ? "true" : "false") +
                       R"(,"messages":[{"role":"user","content":"Tell me something about [)";
    body.append(script).append(R"(]"}]})");
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + given.text("port") +
           "\r\nAuthorization: Bearer " + given.text("key") +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

/// Reads until the answer is complete or `enough` says so of the body so far read. *Errors*: throws if the answer is
/// not a 200, is broken off or cannot be read.
template <class OnBody>
void receive_answer(descriptor const& socket, OnBody&& enough) {
    answer_reader reader;
    std::array<char, 65536> bytes{};
    bool is_enough = false;
    while (!reader.is_complete() && !is_enough) {
        ssize_t const got = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) throw std::runtime_error{"the connection ended before the answer"};
        reader.feed({bytes.data(), static_cast<std::size_t>(got)},
                    [&](std::string_view body) { is_enough = enough(body) || is_enough; });
        if (reader.has_failed() || (reader.status() != 0 && reader.status() != 200))
            throw std::runtime_error{"the answer is " + std::to_string(reader.status()) +
                                     ", or no HTTP"};
    }
}

/// What the mock upstream tells about itself.
class mock_stats {
public:
    explicit mock_stats(std::uint16_t port) {
        descriptor const socket = connect_to(port);
        send_all(socket, "GET /stats HTTP/1.1\r\nHost: mock\r\n\r\n");
        receive_answer(socket, [&](std::string_view body) {
            text_ += body;
            return false;
        });
    }

    /// 0 for what it does not tell.
    [[nodiscard]] std::int64_t operator[](std::string const& name) const {
        std::size_t at = ('\n' + text_).find('\n' + name + ' ');
        if (at == std::string::npos) return 0;
        at += name.size() + 1;
        return arguments::to_number(text_.substr(at, text_.find('\n', at) - at));
    }

private:
    std::string text_;
};

} // namespace load
