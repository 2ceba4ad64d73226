// TLS of a client over a non-blocking socket: it never waits, it says what it waits for.
#pragma once

#include "mcp_provider/net/origin.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace mcp_provider::net::detail {

/// How far an attempt to read or write came.
enum class io_step : std::uint8_t { done, wants_read, wants_write, closed, failed };

/// The latest error of OpenSSL on this thread, as text; the queue is empty afterwards.
[[nodiscard]] inline std::string last_tls_error() {
    unsigned long const code = ERR_peek_last_error();
    ERR_clear_error();
    char const* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    return reason != nullptr ? reason : "the connection was closed";
}

/// Whom a client trusts, and what it accepts: TLS 1.2 or later, certificate and name checked.
/// *Thread safety*: safe, nothing changes after construction.
class tls_trust {
public:
    /// `ca_file` names a PEM file of authorities to trust instead of the system's; empty for the system's.
    /// *Errors*: throws `std::runtime_error` where they cannot be read.
    explicit tls_trust(std::string const& ca_file)
        : context_{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free} {
        if (!context_) throw std::runtime_error{"cannot set up TLS: " + last_tls_error()};
        SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
        SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                             SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                             SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_options(context_.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
        static constexpr std::array<unsigned char, 9> http_1_1 = {8,   'h', 't', 't', 'p',
                                                                  '/', '1', '.', '1'};
        SSL_CTX_set_alpn_protos(context_.get(), http_1_1.data(), http_1_1.size());
        int const loaded = ca_file.empty()
                               ? SSL_CTX_set_default_verify_paths(context_.get())
                               : SSL_CTX_load_verify_file(context_.get(), ca_file.c_str());
        if (loaded != 1)
            throw std::runtime_error{"cannot read the certificates of " +
                                     (ca_file.empty() ? std::string{"the system"} : ca_file) +
                                     ": " + last_tls_error()};
    }

    [[nodiscard]] SSL_CTX* context() const noexcept { return context_.get(); }

private:
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

/// A BIO over a socket that it does not own. Unlike OpenSSL's own it never raises SIGPIPE.
class quiet_socket_bio {
public:
    /// *Lifetime*: the BIO is freed with its SSL.
    [[nodiscard]] static BIO* make(int socket) {
        BIO* const bio = BIO_new(method());
        if (bio == nullptr) throw std::bad_alloc{};
        BIO_set_fd(bio, socket, BIO_NOCLOSE);
        return bio;
    }

private:
    static BIO_METHOD* method() {
        static std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> const made{build(),
                                                                                &BIO_meth_free};
        return made.get();
    }

    static BIO_METHOD* build() {
        BIO_METHOD* const made =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quiet socket");
        if (made == nullptr) throw std::bad_alloc{};
        BIO_meth_set_read(made, &read);
        BIO_meth_set_write(made, &write);
        BIO_meth_set_ctrl(made, &ctrl);
        return made;
    }

    static int socket_of(BIO* bio) noexcept {
        return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
    }

    static int read(BIO* bio, char* into, int size) {
        BIO_clear_retry_flags(bio);
        auto const got = ::recv(socket_of(bio), into, static_cast<std::size_t>(size), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
        return static_cast<int>(got);
    }

    static int write(BIO* bio, char const* from, int size) {
        BIO_clear_retry_flags(bio);
        auto const sent =
            ::send(socket_of(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
        return static_cast<int>(sent);
    }

    static long ctrl(BIO* bio, int command, long, void* argument) {
        switch (command) {
        case BIO_C_SET_FD:
            BIO_set_data(bio, reinterpret_cast<void*>(
                                  static_cast<std::intptr_t>(*static_cast<int*>(argument))));
            BIO_set_init(bio, 1);
            return 1;
        case BIO_CTRL_FLUSH:
        case BIO_CTRL_DUP: return 1;
        default: return 0;
        }
    }
};

/// One TLS connection over a socket that it does not own.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class tls_session {
public:
    tls_session(tls_trust const& trust, origin const& to, int socket)
        : ssl_{SSL_new(trust.context()), &SSL_free} {
        if (!ssl_) throw std::bad_alloc{};
        std::array<unsigned char, 16> address{};
        std::string const& host = to.host();
        bool const is_address = ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                                ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
        bool const ready = is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()),
                                                                      host.c_str()) == 1
                                      : SSL_set1_host(ssl_.get(), host.c_str()) == 1 &&
                                            SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) == 1;
        // Without the name any valid certificate would do, so that there must be no connection then.
        if (!ready) throw std::runtime_error{"cannot set up TLS: " + last_tls_error()};
        SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        BIO* const bio = quiet_socket_bio::make(socket);
        SSL_set_bio(ssl_.get(), bio, bio);
        SSL_set_connect_state(ssl_.get());
    }

    [[nodiscard]] io_step handshake() {
        ERR_clear_error();
        return step_of(SSL_do_handshake(ssl_.get()));
    }

    [[nodiscard]] io_step read(char* into, std::size_t size, std::size_t& got) {
        ERR_clear_error();
        return step_of(SSL_read_ex(ssl_.get(), into, size, &got));
    }

    /// Takes in what the peer sent for TLS itself; `done` says that it also sent something for us.
    [[nodiscard]] io_step peek() {
        char unused = 0;
        std::size_t got = 0;
        ERR_clear_error();
        return step_of(SSL_peek_ex(ssl_.get(), &unused, 1, &got));
    }

    [[nodiscard]] io_step write(std::string_view from, std::size_t& sent) {
        ERR_clear_error();
        return step_of(SSL_write_ex(ssl_.get(), from.data(), from.size(), &sent));
    }

    /// Why the last step failed, for a person.
    [[nodiscard]] std::string why() const {
        long const verdict = SSL_get_verify_result(ssl_.get());
        if (verdict == X509_V_OK) return last_tls_error();
        ERR_clear_error();
        return std::string{"its certificate is not good: "} +
               X509_verify_cert_error_string(verdict);
    }

private:
    [[nodiscard]] io_step step_of(int outcome) const noexcept {
        if (outcome == 1) return io_step::done;
        switch (SSL_get_error(ssl_.get(), outcome)) {
        case SSL_ERROR_WANT_READ: return io_step::wants_read;
        case SSL_ERROR_WANT_WRITE: return io_step::wants_write;
        case SSL_ERROR_ZERO_RETURN: return io_step::closed;
        default: return io_step::failed;
        }
    }

    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

} // namespace mcp_provider::net::detail
