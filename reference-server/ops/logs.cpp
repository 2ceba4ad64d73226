#include "ops/logs.hpp"

#include <spdlog/fmt/chrono.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server {

namespace {

spdlog::level::level_enum level_of(log_level level) noexcept {
    switch (level) {
    case log_level::trace: return spdlog::level::trace;
    case log_level::debug: return spdlog::level::debug;
    case log_level::info: return spdlog::level::info;
    case log_level::warning: return spdlog::level::warn;
    case log_level::error: return spdlog::level::err;
    case log_level::critical: return spdlog::level::critical;
    }
    return spdlog::level::info;
}

/// What a client sent must not end a line or a quoted text.
std::string quoted(std::string_view text) {
    std::string out{text};
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '"' || c == '\\') c = '?';
    return out;
}

} // namespace

/// A logger on a file that can be opened again: the sink behind it is replaced.
class logs::file {
public:
    file(std::string name, std::filesystem::path path)
        : path_{std::move(path)}, front_{std::make_shared<spdlog::sinks::dist_sink_mt>()},
          logger_{std::make_shared<spdlog::logger>(std::move(name), front_)} {
        reopen();
    }
    void reopen() {
        auto back = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path_.string());
        logger_->flush();
        front_->set_sinks({std::move(back)});
        front_->set_formatter(formatter_->clone());
    }
    void set_pattern(std::string pattern) {
        formatter_ = std::make_unique<spdlog::pattern_formatter>(std::move(pattern),
                                                                 spdlog::pattern_time_type::utc);
        front_->set_formatter(formatter_->clone());
    }
    [[nodiscard]] std::shared_ptr<spdlog::logger> const& logger() const noexcept { return logger_; }

private:
    std::filesystem::path path_;
    std::unique_ptr<spdlog::formatter> formatter_ = std::make_unique<spdlog::pattern_formatter>();
    std::shared_ptr<spdlog::sinks::dist_sink_mt> front_;
    std::shared_ptr<spdlog::logger> logger_;
};

logs::logs(log_settings const& from) : usual_{from.level} {
    if (from.error_file.empty()) {
        spdlog::set_default_logger(std::make_shared<spdlog::logger>(
            "", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()));
    } else {
        errors_ = std::make_unique<file>("errors", from.error_file);
        errors_->logger()->flush_on(spdlog::level::info);
        spdlog::set_default_logger(errors_->logger());
    }
    spdlog::set_level(level_of(from.level));
    if (from.access_file.empty()) return;
    accesses_ = std::make_unique<file>("accesses", from.access_file);
    accesses_->set_pattern("%v");
    accesses_->logger()->set_level(spdlog::level::info);
    spdlog::register_logger(accesses_->logger());
    spdlog::flush_every(std::chrono::seconds{1});
}

logs::~logs() { spdlog::shutdown(); }

std::shared_ptr<spdlog::logger> logs::access() const noexcept {
    return accesses_ ? accesses_->logger() : nullptr;
}

void logs::reopen() {
    if (errors_) errors_->reopen();
    if (accesses_) accesses_->reopen();
}

void logs::raise_level(log_level to, std::chrono::seconds length) {
    std::lock_guard const hold{mutex_};
    raised_until_ = std::chrono::steady_clock::now() + length;
    spdlog::set_level(level_of(to));
    spdlog::warn("the log level is another one for {} s", length.count());
}

void logs::end_raised_level() {
    std::lock_guard const hold{mutex_};
    if (std::chrono::steady_clock::now() < raised_until_) return;
    raised_until_ = std::chrono::steady_clock::time_point::max();
    spdlog::set_level(level_of(usual_));
    spdlog::warn("the log level is the usual one again");
}

void access_log::on_complete(exchange const& done, principal const* who) const noexcept try {
    http::request const& asked = done.request();
    if (!done.fault().empty())
        spdlog::error("{} {} {}: {}", asked.id().text(), asked.method_name(), quoted(asked.path()),
                      done.fault());
    if (!to_) return;
    auto const agent = asked.field("user-agent");
    to_->info(R"({} - {} [{:%d/%b/%Y:%H:%M:%S} +0000] "{} {} HTTP/1.{}" {} {} "-" "{}" {} {:.3f})",
              asked.peer().address(), who != nullptr ? who->id() : "-",
              fmt::gmtime(std::chrono::system_clock::now()), quoted(asked.method_name()),
              quoted(asked.path()), unsigned{asked.minor_version()}, done.status(),
              done.response_bytes(), quoted(agent.value_or("-")), asked.id().text(),
              std::chrono::duration<double>(done.ended() - done.started()).count());
} catch (std::exception const&) {
    // A log that cannot be written must not fail an exchange; the audit log has its record.
    return;
}

} // namespace mcp_provider::server
