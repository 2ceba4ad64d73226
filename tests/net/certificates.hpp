// Certificates of an authority that exists for one test only.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace mcp_provider::testing {

using key_pointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using certificate_pointer = std::unique_ptr<X509, decltype(&X509_free)>;

/// A certificate and its key.
class certificate {
public:
    /// Signs with the issuer's key, or with its own where there is none. `names` is a subjectAltName of OpenSSL
    /// (`DNS:localhost,IP:127.0.0.1`). Valid from `from` to `to`, seconds from now.
    certificate(std::string const& subject, std::string const& names, bool is_authority,
                certificate const* issuer, long from = -60, long to = 3600)
        : key_{EVP_EC_gen("P-256"), &EVP_PKEY_free}, made_{X509_new(), &X509_free} {
        static long serial = 0;
        X509* const x = made_.get();
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
        X509_gmtime_adj(X509_getm_notBefore(x), from);
        X509_gmtime_adj(X509_getm_notAfter(x), to);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                   reinterpret_cast<unsigned char const*>(subject.c_str()), -1, -1,
                                   0);
        X509* const by = issuer != nullptr ? issuer->made_.get() : x;
        X509_set_issuer_name(x, X509_get_subject_name(by));
        X509_set_pubkey(x, key_.get());
        if (is_authority) extend(NID_basic_constraints, "critical,CA:TRUE", by);
        if (!names.empty()) extend(NID_subject_alt_name, names.c_str(), by);
        if (X509_sign(x, issuer != nullptr ? issuer->key_.get() : key_.get(), EVP_sha256()) == 0)
            throw std::runtime_error{"cannot sign a certificate"};
    }

    [[nodiscard]] X509* x509() const noexcept { return made_.get(); }
    [[nodiscard]] EVP_PKEY* key() const noexcept { return key_.get(); }

    /// Writes the certificate as a PEM file.
    void write(std::filesystem::path const& path) const {
        std::unique_ptr<std::FILE, decltype(&std::fclose)> const file{std::fopen(path.c_str(), "w"),
                                                                      &std::fclose};
        if (!file || PEM_write_X509(file.get(), made_.get()) != 1)
            throw std::runtime_error{"cannot write a certificate"};
    }

private:
    void extend(int kind, char const* value, X509* issuer) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, made_.get(), nullptr, nullptr, 0);
        std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> const extension{
            X509V3_EXT_conf_nid(nullptr, &context, kind, value), &X509_EXTENSION_free};
        if (!extension || X509_add_ext(made_.get(), extension.get(), -1) != 1)
            throw std::runtime_error{"cannot extend a certificate"};
    }

    key_pointer key_;
    certificate_pointer made_;
};

/// A folder that goes with the test.
class scratch_folder {
public:
    scratch_folder() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "mcp-provider-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"cannot make a folder"};
        path_ = pattern;
    }
    scratch_folder(scratch_folder const&) = delete;
    scratch_folder& operator=(scratch_folder const&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

} // namespace mcp_provider::testing
