// Right requests, and random mutations of them that are the same in each run.
#pragma once

#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace valid_requests {

inline constexpr std::array<std::string_view, 8> requests = {
    "GET /api/tags HTTP/1.1\r\nHost: localhost:11434\r\n\r\n",
    "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:11434\r\naccept: application/json\r\n"
    "content-type: application/json\r\nuser-agent: OpenAI/JS 4.96.0\r\nauthorization: Bearer "
    "noop\r\n"
    "connection: keep-alive\r\ncontent-length: 2\r\n\r\n{}",
    "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nExpect: "
    "100-continue\r\n\r\n"
    "2\r\n{}\r\n0\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: [::1]:11434\r\nConnection: close\r\n\r\n",
    "GET http://localhost:11434/api/version?a=%20b HTTP/1.1\r\nHost: localhost:11434\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
    "HEAD //api//tags?x=y HTTP/1.1\r\nHost: localhost\r\nX-Obs: "
    "caf\xc3\xa9\tau\tlait\r\nX-Empty:\r\n\r\n",
    "\r\nDELETE /api/delete HTTP/1.1\r\nHost: host.docker.internal\r\nContent-Length: 0\r\n\r\n",
};

/// Makes mutations: bytes changed, inserted, cut out, doubled; pieces that matter in HTTP put in; two requests spliced.
class mutator {
public:
    explicit mutator(unsigned seed) : random_{seed} {}

    std::string next() {
        std::string text{requests[below(requests.size())]};
        for (std::size_t edits = 1 + below(3); edits != 0; --edits) edit(text);
        return text;
    }

    std::size_t below(std::size_t bound) { return random_() % bound; }

private:
    static constexpr std::array<std::string_view, 22> pieces = {"\r\n",
                                                                "\n",
                                                                "\r",
                                                                " ",
                                                                "\t",
                                                                ":",
                                                                ",",
                                                                "\r\n\r\n",
                                                                "\r\n ",
                                                                "/",
                                                                "%",
                                                                "%00",
                                                                "\r\nContent-Length: 2",
                                                                "chunked",
                                                                "\r\nTransfer-Encoding: chunked",
                                                                "\r\nHost: localhost",
                                                                "HTTP/1.0",
                                                                "0",
                                                                "close",
                                                                "\xff",
                                                                "\x7f",
                                                                "\r\nExpect: x"};

    void edit(std::string& text) {
        if (text.empty()) text = requests[0];
        std::size_t const at = below(text.size());
        switch (below(7)) {
        case 0: text[at] = static_cast<char>(below(256)); break;
        case 1: text[at] = static_cast<char>(text[at] ^ (1 << below(8))); break;
        case 2: text.erase(at, 1 + below(4)); break;
        case 3: text.insert(at, text.substr(at, 1 + below(20))); break;
        case 4: text.insert(at, pieces[below(pieces.size())]); break;
        case 5: text.insert(at, 1, static_cast<char>('!' + below(94))); break;
        default: {
            std::string_view const other = requests[below(requests.size())];
            text.replace(at, 1 + below(10), other.substr(below(other.size()), 1 + below(30)));
        }
        }
    }

    std::mt19937 random_;
};

} // namespace valid_requests
