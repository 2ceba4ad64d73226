// How the parts of the server are doing, looked at on a schedule and told from memory.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/http/response.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::server {

enum class health : std::uint8_t { healthy, degraded, unhealthy };

/// How the disk of a folder is: degraded below 10 % or 1 GiB free, unhealthy below 1 % or 64 MiB, whichever is less.
[[nodiscard]] health disk_health(std::filesystem::path const& folder);

/// Looks after the parts. The endpoints only read what the last look found, so that a part that hangs cannot hang them.
/// *Thread safety*: `add` before the first look; `look` from one thread; the answers from any.
class health_monitor {
public:
    using probe = std::function<health()>;

    /// Adds a part. A probe that throws counts as unhealthy.
    void add(std::string name, probe look) { parts_.push_back({std::move(name), std::move(look)}); }
    /// Asks every part.
    void look();

    /// `/health`: the seed's HealthStatus as JSON; 200 for healthy and degraded, 503 for unhealthy. A look that is long
    /// overdue is itself unhealthy.
    [[nodiscard]] http::response answer() const;
    /// `/health/ready`: 200 unless unhealthy, without details.
    [[nodiscard]] http::response answer_ready() const;
    /// `/health/live`: 200 as long as anybody answers.
    [[nodiscard]] static http::response answer_live();

private:
    struct part {
        std::string name;
        probe ask;
        health found = health::unhealthy;
        std::uint64_t errors = 0;
        double latency_ms = 0;
        system_time when{};
    };

    [[nodiscard]] health overall() const;

    mutable std::mutex mutex_; ///< guards what `look` found
    std::vector<part> parts_;
    steady_time looked_{};
};

} // namespace mcp_provider::server
