#include "ops/health.hpp"

#include "mcp_provider/core/timestamp.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/version.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server {

namespace {

std::string_view name_of(health state) noexcept {
    switch (state) {
    case health::healthy: return "healthy";
    case health::degraded: return "degraded";
    case health::unhealthy: return "unhealthy";
    }
    return "unhealthy";
}

std::uint16_t status_of(health state) noexcept { return state == health::unhealthy ? 503 : 200; }

http::response in_json(health state, std::string text) {
    http::response out{status_of(state), "application/json", std::move(text)};
    out.fields().set("Cache-Control", "no-store");
    return out;
}

} // namespace

health disk_health(std::filesystem::path const& folder) {
    constexpr std::uintmax_t mebibyte = 1024 * 1024;
    std::filesystem::space_info const disk = std::filesystem::space(folder);
    if (disk.available < std::min(disk.capacity / 100, 64 * mebibyte)) return health::unhealthy;
    if (disk.available < std::min(disk.capacity / 10, 1024 * mebibyte)) return health::degraded;
    return health::healthy;
}

void health_monitor::look() {
    for (part& one : parts_) {
        auto const began = std::chrono::steady_clock::now();
        health found = health::unhealthy;
        try {
            found = one.ask();
        } catch (std::exception const&) {
            found = health::unhealthy;
        }
        auto const took = std::chrono::steady_clock::now() - began;
        std::lock_guard const lock{mutex_};
        one.found = found;
        one.errors += found == health::unhealthy ? 1 : 0;
        one.latency_ms = std::chrono::duration<double, std::milli>(took).count();
        one.when = std::chrono::system_clock::now();
        looked_ = std::chrono::steady_clock::now();
    }
}

health health_monitor::overall() const {
    constexpr std::chrono::seconds overdue{30};
    if (std::chrono::steady_clock::now() - looked_ > overdue) return health::unhealthy;
    health worst = health::healthy;
    for (part const& one : parts_) worst = std::max(worst, one.found);
    return worst;
}

http::response health_monitor::answer() const {
    std::lock_guard const lock{mutex_};
    health const state = overall();
    std::string out = R"({"service":"mcp-local-provider","version":)";
    json::append_quoted(out, version);
    out += R"(,"status":")";
    out += name_of(state);
    out += R"(","timestamp":")";
    append_timestamp(out, std::chrono::system_clock::now());
    out += R"(","components":[)";
    bool first = true;
    for (part const& one : parts_) {
        out += first ? R"({"name":)" : R"(,{"name":)";
        first = false;
        json::append_quoted(out, one.name);
        out += R"(,"status":")";
        out += name_of(one.found);
        out += R"(","last_check":")";
        append_timestamp(out, one.when);
        out += R"(","error_count":)" + std::to_string(one.errors) + R"(,"latency_ms":)";
        json::append_number(out, one.latency_ms);
        out += '}';
    }
    out += "]}";
    return in_json(state, std::move(out));
}

http::response health_monitor::answer_ready() const {
    std::lock_guard const lock{mutex_};
    health const state = overall();
    return in_json(state, state == health::unhealthy ? R"({"ready":false})" : R"({"ready":true})");
}

http::response health_monitor::answer_live() {
    return in_json(health::healthy, R"({"live":true})");
}

} // namespace mcp_provider::server
