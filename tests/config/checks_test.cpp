#include "config/checks.hpp"

#include <initializer_list>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

using check = complaint (*)(std::string_view);

void accepts(check one, std::initializer_list<std::string_view> texts) {
    for (std::string_view const text : texts) {
        CAPTURE(text);
        auto const wrong = one(text);
        CAPTURE(wrong.value_or(""));
        CHECK_FALSE(wrong.has_value());
    }
}

void refuses(check one, std::initializer_list<std::string_view> texts) {
    for (std::string_view const text : texts) {
        CAPTURE(text);
        CHECK(one(text).has_value());
    }
}

} // namespace

TEST_CASE("listeners bind loopback and nothing else") {
    accepts(checks::loopback_host, {"127.0.0.1", "::1", "localhost"});
    refuses(checks::loopback_host, {"", "0.0.0.0", "::", "127.0.0.2", "192.168.1.1", "example.org",
                                    "localhost.", "[::1]"});
    CHECK(checks::loopback_host("0.0.0.0")->find("needs TLS and authentication") !=
          std::string::npos);
}

TEST_CASE("the bridge is reached unencrypted on loopback only") {
    accepts(checks::bridge_url,
            {"ws://127.0.0.1:8787", "ws://localhost:8787/link", "ws://[::1]:8787", "ws://127.0.0.9",
             "wss://bridge.example", "wss://10.0.0.1:443/link"});
    refuses(checks::bridge_url,
            {"", "127.0.0.1:8787", "http://127.0.0.1:8787", "ws://10.0.0.1:8787",
             "ws://example.org", "ws://127.0.0.1.example.org", "ws://u:p@127.0.0.1", "ws://",
             "ws://:80", "ws://127.0.0.1:0", "ws://127.0.0.1:65536", "ws://127.0.0.1:x",
             "ws://[::1", "ws://[::g]", "ws://[::1]x"});
}

TEST_CASE("an upstream is an http URL with a path") {
    accepts(checks::upstream_url, {"http://127.0.0.1:8080/v1", "https://api.openai.com/v1",
                                   "http://[::1]:8080/v1/", "https://example.org/api/openai/v1"});
    refuses(checks::upstream_url,
            {"", "api.openai.com/v1", "ftp://example.org/v1", "https://example.org",
             "https://example.org/", "https://example.org/v1?x=1", "https://example.org/v1#x",
             "https://u@example.org/v1", "https://example.org/v 1", "https://exa mple.org/v1",
             "https://ex\xC3\xA4mple.org/v1"});
}

TEST_CASE("a host is a name or an address, with a port or without") {
    accepts(checks::host_field, {"localhost", "127.0.0.1", "::1", "[::1]", "[::1]:11434",
                                 "host.docker.internal:11434", "my_host", "a-b.example"});
    refuses(checks::host_field,
            {"", "*", "*.example", "0.0.0.0", "0.0.0.0:11434", "::", "a/b", "a b", "a:0", "a:65536",
             "a:", ":80", "[::1", "[a]", "[::1]80", "http://a"});
}

TEST_CASE("an origin is what a browser would send, exactly") {
    accepts(checks::origin, {"https://example.org", "http://localhost:3000",
                             "https://example.org:8443", "http://[::1]:3000", "app://obsidian.md",
                             "vscode-webview://1abc", "tauri://localhost"});
    refuses(checks::origin,
            {"", "*", "null", "example.org", "https://*.example.org", "https://example.org/",
             "https://example.org/x", "https://example.org:443", "http://example.org:80",
             "HTTPS://example.org", "https://Example.org", "https://", "://x", "ht tp://x",
             "https://u@example.org"});
}

TEST_CASE("a media type has a type and a subtype") {
    accepts(checks::media_type,
            {"application/json", "text/event-stream", "application/vnd.api+json"});
    refuses(checks::media_type,
            {"", "json", "/json", "application/", "a/b/c", "text/plain; charset=utf-8", "*/*x y"});
}

TEST_CASE("a model is named by letters, digits and a few marks") {
    accepts(checks::model_name, {"gpt-4o", "qwen3:8b", "org/model@v1", "echo:latest"});
    refuses(checks::model_name, {"", "a b", "a,b", "a\"b", "\xC3\xA4"});
}

TEST_CASE("a command line names a program, and ends its quotes") {
    accepts(checks::command_line, {"cursor-agent acp", "/usr/bin/env 'a b' \"c\"", "a\\ b"});
    refuses(checks::command_line, {"", "  ", "''", "a 'b", "a \"b", "a\\"});
}

TEST_CASE("an MCP server has a URL without a query, and its tool a name") {
    accepts(checks::mcp_url,
            {"http://127.0.0.1:9000/mcp", "https://mcp.example", "http://[::1]:1/"});
    refuses(checks::mcp_url,
            {"", "ftp://x/mcp", "http://x/mcp?key=1", "http://a:b@x/mcp", "http://"});
    accepts(checks::tool_name, {"a", "ask_user", "files/read", "a-b.c", std::string(128, 'x')});
    refuses(checks::tool_name, {"", "a b", "a:b", "\xC3\xA4", std::string(129, 'x')});
}

TEST_CASE("a permission is a word, and a variable has a name") {
    accepts(checks::permission, {"refuse", "ask", "read", "mcp__files__read", "Bash"});
    refuses(checks::permission, {"", "a b", "*", "Bash(ls)"});
    accepts(checks::variable_name, {"A", "_a1", "AWS_PROFILE"});
    refuses(checks::variable_name, {"", "1A", "A=B", "A-B", "A*"});
}

TEST_CASE("an alias has a name and a model") {
    accepts(checks::alias, {"local=gpt-4o", "a = b", "codestral=qwen3:8b"});
    refuses(checks::alias, {"", "a", "=b", "a=", "a=b=c", "a b=c"});
}

TEST_CASE("a pattern is an expression that RE2 takes") {
    accepts(checks::pattern, {"", "^[a-z]+$", "AKIA[0-9A-Z]{16}"});
    refuses(checks::pattern, {"(", "[", "a{2,1}", "(?=a)", "\\1"});
}

TEST_CASE("a field's text is printable and has no space") {
    accepts(checks::field_text, {"sk-key", "!~"});
    refuses(checks::field_text, {"", "a b", "a\tb", "a\nb", "\x7f", "\xC3\xA4"});
}

TEST_CASE("a path is absolute") {
    accepts(checks::absolute_path, {"/", "/var/lib/x"});
    refuses(checks::absolute_path, {"", "x", "./x", "~/x"});
}
