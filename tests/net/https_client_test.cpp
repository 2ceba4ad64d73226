#include "mcp_provider/net/http_client.hpp"
#include "net/certificates.hpp"
#include "net/http_asking.hpp"
#include "net/scripted_upstream.hpp"

#include <asio/detached.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::net;
using namespace std::chrono_literals;
using testing::certificate;

namespace {

using secure_socket = asio::ssl::stream<tcp::socket>;

/// A TLS server on a port of its own that reads a request and gives an answer, again and again.
class secure_upstream {
public:
    secure_upstream(asio::io_context& context, certificate const& own, std::string answer,
                    int highest_version = TLS1_3_VERSION)
        : tls_{asio::ssl::context::tls_server},
          acceptor_{context, tcp::endpoint{asio::ip::address_v4::loopback(), 0}}, answer_{std::move(
                                                                                      answer)} {
        SSL_CTX_use_certificate(tls_.native_handle(), own.x509());
        SSL_CTX_use_PrivateKey(tls_.native_handle(), own.key());
        SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(tls_.native_handle(), highest_version);
        SSL_CTX_set_security_level(tls_.native_handle(),
                                   0); // else OpenSSL itself would refuse TLS 1.1
        asio::co_spawn(context, accept(), asio::detached);
    }

    [[nodiscard]] std::string url(std::string const& host) const {
        return "https://" + host + ':' + std::to_string(acceptor_.local_endpoint().port());
    }
    [[nodiscard]] int connections() const noexcept { return connections_; }
    [[nodiscard]] int requests() const noexcept { return requests_; }
    [[nodiscard]] std::string const& asked_for() const noexcept { return asked_for_; }
    [[nodiscard]] bool client_left() const noexcept { return client_left_; }

private:
    asio::awaitable<void> accept() {
        for (;;) {
            std::error_code failure;
            tcp::socket socket =
                co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
            if (failure) co_return;
            ++connections_;
            asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), asio::detached);
        }
    }

    asio::awaitable<void> serve(tcp::socket socket) {
        secure_socket stream{std::move(socket), tls_};
        std::error_code failure;
        co_await stream.async_handshake(asio::ssl::stream_base::server,
                                        asio::redirect_error(asio::use_awaitable, failure));
        if (failure) co_return;
        if (char const* const name =
                SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name))
            asked_for_ = name;
        std::string request;
        std::array<char, 4096> bytes;
        for (;;) {
            std::size_t const got = co_await stream.async_read_some(
                asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
            if (failure) break;
            request.append(bytes.data(), got);
            if (!request.ends_with("\r\n\r\nx")) continue;
            request.clear();
            ++requests_;
            co_await asio::async_write(stream, asio::buffer(answer_),
                                       asio::redirect_error(asio::use_awaitable, failure));
        }
        client_left_ = true;
    }

    asio::ssl::context tls_;
    tcp::acceptor acceptor_;
    std::string answer_;
    std::string asked_for_;
    int connections_ = 0;
    int requests_ = 0;
    bool client_left_ = false;
};

/// An authority that the client trusts, and its certificates.
struct authority {
    certificate root{"Test authority", "", true, nullptr};
    certificate good{"good", "DNS:localhost,IP:127.0.0.1", false, &root};
    testing::scratch_folder folder;
    std::string file = (folder.path() / "ca.pem").string();

    authority() { root.write(file); }
};

outcome ask(authority const& trusted, certificate const& of_server,
            std::string const& host = "127.0.0.1", int highest_version = TLS1_3_VERSION) {
    asio::io_context context{1};
    secure_upstream upstream{context, of_server, ok, highest_version};
    http_client_options options;
    options.ca_file = trusted.file;
    http_client const client{*origin::parse(upstream.url(host)), options};
    outcome got;
    testing::run_on(context, call(client, "POST", "x", got));
    if (got.why) CHECK(upstream.requests() == 0);
    return got;
}

} // namespace

TEST_CASE("http_client talks TLS to an upstream with a good certificate, by address and by name") {
    authority const trusted;
    for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CHECK(ask(trusted, trusted.good, "127.0.0.1", version).body == "ok");
        CHECK(ask(trusted, trusted.good, "localhost", version).body == "ok");
    }
}

TEST_CASE("http_client sends nothing to an upstream whose certificate is not good, and says why") {
    authority const trusted;
    certificate const other_name{"other", "DNS:example.com", false, &trusted.root};
    certificate const expired{"expired", "DNS:localhost,IP:127.0.0.1", false, &trusted.root, -7200,
                              -3600};
    certificate const not_yet{"early", "DNS:localhost,IP:127.0.0.1", false, &trusted.root, 3600,
                              7200};
    certificate const self_signed{"self", "DNS:localhost,IP:127.0.0.1", false, nullptr};
    certificate const other_root{"Another authority", "", true, nullptr};
    certificate const untrusted{"untrusted", "DNS:localhost,IP:127.0.0.1", false, &other_root};
    certificate const only_common_name{"localhost", "", false, &trusted.root};

    struct row {
        certificate const& of_server;
        char const* host;
        char const* says;
    };
    for (row const& one :
         {row{other_name, "localhost", "hostname mismatch"},
          row{other_name, "127.0.0.1", "IP address mismatch"}, row{expired, "localhost", "expired"},
          row{not_yet, "localhost", "not yet valid"}, row{self_signed, "localhost", "self-signed"},
          row{untrusted, "localhost", "unable to get local issuer"}}) {
        CAPTURE(one.says);
        outcome const got = ask(trusted, one.of_server, one.host);
        REQUIRE(got.why);
        CHECK(got.why->code() == rejection_code::upstream_failed);
        CHECK(got.why->message().find(one.says) != std::string::npos);
    }
    CHECK(ask(trusted, only_common_name, "127.0.0.1").why);
}

TEST_CASE("http_client trusts no authority that it was not given") {
    authority const trusted;
    asio::io_context context{1};
    secure_upstream upstream{context, trusted.good, ok};
    http_client const client{*origin::parse(upstream.url("localhost"))}; // the system's authorities
    outcome got;
    testing::run_on(context, call(client, "POST", "x", got));
    REQUIRE(got.why);
    CHECK(upstream.requests() == 0);
}

TEST_CASE("http_client refuses TLS before 1.2") {
    authority const trusted;
    CHECK(ask(trusted, trusted.good, "localhost", TLS1_1_VERSION).why);
}

TEST_CASE("http_client names the server that it wants, but not by address") {
    authority const trusted;
    for (std::string const host : {"localhost", "127.0.0.1"}) {
        asio::io_context context{1};
        secure_upstream upstream{context, trusted.good, ok};
        http_client_options options;
        options.ca_file = trusted.file;
        http_client const client{*origin::parse(upstream.url(host)), options};
        outcome got;
        testing::run_on(context, call(client, "POST", "x", got));
        CHECK(upstream.asked_for() == (host == "localhost" ? "localhost" : ""));
    }
}

TEST_CASE("http_client uses a secure connection again, for bodies of any size") {
    authority const trusted;
    std::string const large =
        "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'y');
    asio::io_context context{1};
    secure_upstream upstream{context, trusted.good, large};
    http_client_options options;
    options.ca_file = trusted.file;
    http_client const client{*origin::parse(upstream.url("localhost")), options};
    for (int i = 0; i < 3; ++i) {
        outcome got;
        testing::run_on(context, call(client, "POST", "x", got));
        CHECK(got.body.size() == 300'000);
    }
    CHECK(upstream.connections() == 1);
}

TEST_CASE("http_client says that a plain server talks no TLS") {
    authority const trusted;
    asio::io_context context{1};
    testing::scripted_upstream::script const play =
        [](testing::upstream_side& side) -> asio::awaitable<void> {
        co_await side.say("HTTP/1.1 400 Bad Request\r\n\r\n");
    };
    testing::scripted_upstream upstream{context, play};
    http_client_options options;
    options.ca_file = trusted.file;
    http_client const client{*origin::parse("https://127.0.0.1:" + std::to_string(upstream.port())),
                             options};
    outcome got;
    testing::run_on(context, call(client, "POST", "x", got));
    REQUIRE(got.why);
    CHECK(got.why->reason() == "upstream_unreachable");
}

TEST_CASE("http_client gives up on a handshake that does not end") {
    authority const trusted;
    asio::io_context context{1};
    testing::scripted_upstream::script const play =
        [](testing::upstream_side& side) -> asio::awaitable<void> {
        co_await side.client_leaves();
    };
    testing::scripted_upstream upstream{context, play};
    http_client_options options;
    options.ca_file = trusted.file;
    options.connect_time = 50ms;
    http_client const client{*origin::parse("https://127.0.0.1:" + std::to_string(upstream.port())),
                             options};
    outcome got;
    testing::run_on(context, call(client, "POST", "x", got));
    REQUIRE(got.why);
    CHECK(got.why->code() == rejection_code::timed_out);
}

TEST_CASE("http_client does not start without the authorities that it was told to trust") {
    http_client_options options;
    options.ca_file = "/nonexistent/ca.pem";
    CHECK_THROWS_AS(http_client(*origin::parse("https://localhost"), options), std::runtime_error);
}
