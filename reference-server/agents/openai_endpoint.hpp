// An OpenAI-compatible upstream: where it is, how it is addressed, and how long it may take.
#pragma once

#include "agents/openai_body.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/net/http_client.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

struct openai_settings {
    std::string url;                 ///< base URL, mostly ending in /v1
    secret key;                      ///< sent as a bearer token; empty for none
    std::string ca_file;             ///< PEM file of authorities to trust; empty for the system's
    std::vector<std::string> models; ///< offered ones; empty for all that the upstream lists
    std::vector<std::pair<std::string, std::string>>
        aliases; ///< further names, each with the upstream's model
    std::chrono::milliseconds connect_time{5'000};
    std::chrono::milliseconds request_time{30'000}; ///< to the head of the answer
    std::chrono::milliseconds stream_time{60'000};  ///< between two deltas
    std::chrono::milliseconds refresh_time{60'000}; ///< between two looks at the list of models
    std::uint64_t context_tokens = 32'768;          ///< of models whose upstream does not say
    bool offers_insert = true; ///< whether the upstream's POST /completions takes a suffix
};

/// Immutable, shared by all workers and by all streams in flight.
class openai_endpoint {
public:
    /// *Errors*: throws `std::runtime_error` where the URL, the key or the certificate file is not usable.
    explicit openai_endpoint(openai_settings from);

    [[nodiscard]] openai_settings const& settings() const noexcept { return settings_; }
    [[nodiscard]] net::http_client const& client() const noexcept { return client_; }
    [[nodiscard]] openai_kind kind() const noexcept { return kind_; }

    [[nodiscard]] net::request_head const& chat() const noexcept { return chat_; }
    [[nodiscard]] net::request_head const& completions() const noexcept { return completions_; }
    [[nodiscard]] net::request_head const& embeddings() const noexcept { return embeddings_; }
    [[nodiscard]] net::request_head const& models() const noexcept { return models_; }

private:
    openai_settings settings_;
    net::http_client client_;
    openai_kind kind_;
    net::request_head chat_;
    net::request_head completions_;
    net::request_head embeddings_;
    net::request_head models_;
};

} // namespace mcp_provider::server::agents
