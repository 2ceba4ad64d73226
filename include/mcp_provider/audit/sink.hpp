// Where policies leave their audit records.
#pragma once

#include "mcp_provider/audit/record.hpp"

#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::audit {

/// Takes records. *Thread safety*: safe; every worker writes to the same sink.
class sink {
public:
    sink() = default;
    sink(sink const&) = delete;
    sink& operator=(sink const&) = delete;
    virtual ~sink() = default;

    /// Takes a copy of the record, or counts it as lost and returns false. Never waits, and neither touches the record
    /// nor the texts it views after it has returned.
    virtual bool try_write(record const& one) noexcept = 0;

    /// Whether new work may begin. A sink that must not lose records says no while it cannot keep up; `audit_log`
    /// then refuses with `overloaded`, so that nothing happens that would not be on record.
    [[nodiscard]] virtual bool accepting() const noexcept = 0;
};

/// Takes everything and keeps nothing: for an operator who has switched the audit off.
class null_sink final : public sink {
public:
    bool try_write(record const&) noexcept override { return true; }
    [[nodiscard]] bool accepting() const noexcept override { return true; }
};

/// Keeps each record as one JSON object, without a chain: for tests of policies and for embedders without a file.
/// Holds at most `capacity` records; then it is full.
class memory_sink final : public sink {
public:
    explicit memory_sink(std::size_t capacity = 1024) : capacity_{capacity} {}

    bool try_write(record const& one) noexcept override {
        std::lock_guard const lock{mutex_};
        if (lines_.size() >= capacity_) return false;
        std::string& line = lines_.emplace_back("{");
        append_members(line, one);
        line += '}';
        return true;
    }
    [[nodiscard]] bool accepting() const noexcept override {
        std::lock_guard const lock{mutex_};
        return lines_.size() < capacity_;
    }

    [[nodiscard]] std::vector<std::string> lines() const {
        std::lock_guard const lock{mutex_};
        return lines_;
    }
    /// Hands the lines out and is empty again.
    [[nodiscard]] std::vector<std::string> take() {
        std::lock_guard const lock{mutex_};
        return std::exchange(lines_, {});
    }

private:
    std::size_t capacity_;
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

} // namespace mcp_provider::audit
