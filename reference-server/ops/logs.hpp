// The error log and the access log: what a person reads, beside the audit log that machines verify.
#pragma once

#include "config/config.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/policy.hpp"

#include <spdlog/logger.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace mcp_provider::server {

/// Sets up both logs: errors to ERROR_LOG_FILE or stderr, at LOG_LEVEL; accesses to ACCESS_LOG_FILE, if there is one.
/// Lines carry no token, no query and no prompt. *Thread safety*: safe, but for `reopen` against itself.
class logs {
public:
    /// *Errors*: throws `spdlog::spdlog_ex` for a file that cannot be opened.
    explicit logs(log_settings const& from);
    ~logs();
    logs(logs const&) = delete;
    logs& operator=(logs const&) = delete;

    /// The access log; null where there is none.
    [[nodiscard]] std::shared_ptr<spdlog::logger> access() const noexcept;
    /// Opens the files again, after logrotate has renamed them.
    void reopen();
    /// Logs at another level for a time; it ends at the first `end_raised_level` after that.
    void raise_level(log_level to, std::chrono::seconds length);
    void end_raised_level();

private:
    class file;
    std::unique_ptr<file> errors_;
    std::unique_ptr<file> accesses_;
    log_level usual_;
    std::mutex mutex_; // guards the rest
    std::chrono::steady_clock::time_point raised_until_ =
        std::chrono::steady_clock::time_point::max();
};

/// A line for each exchange, in the combined format of nginx with request id and time at the end, and one in the error
/// log for what a handler threw. *Thread safety*: safe.
class access_log {
public:
    static constexpr std::string_view name = "access_log";

    explicit access_log(std::shared_ptr<spdlog::logger> to) noexcept : to_{std::move(to)} {}

    void on_complete(exchange const& done, principal const* who) const noexcept;

private:
    std::shared_ptr<spdlog::logger> to_;
};

static_assert(policy<access_log>);

} // namespace mcp_provider::server
