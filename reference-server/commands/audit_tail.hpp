// Prints the end of the audit log and what is added to it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// `KEY=VALUE`: whether a record has a member of that name and value, or a list with that value in
/// it.
class record_filter {
public:
    /// Nothing where there is no `=`, or nothing before it.
    [[nodiscard]] static std::optional<record_filter> parse(std::string_view text);

    [[nodiscard]] bool matches(std::string_view line) const;

private:
    record_filter(std::string key, std::string value)
        : key_{std::move(key)}, value_{std::move(value)} {}

    std::string key_;
    std::string value_;
};

/// Reads a log that another process writes and rotates. A line is printed once it is whole.
/// *Thread safety*: shared objects unsafe.
class log_reader {
public:
    log_reader(std::filesystem::path path, std::vector<record_filter> filters);
    log_reader(log_reader const&) = delete;
    log_reader& operator=(log_reader const&) = delete;
    ~log_reader();

    /// Prints the last matching lines; false where the file cannot be read. *Complexity*: without
    /// filters only the end of the file is read; with them all of it.
    bool print_last(std::size_t lines, std::ostream& out);

    /// Prints the matching lines that came since. A file that was rotated away is read to its end
    /// before the new one.
    void print_new(std::ostream& out);

private:
    bool open();
    [[nodiscard]] bool matches(std::string_view line) const;
    void print_lines(std::ostream& out);
    [[nodiscard]] bool was_replaced() const;
    [[nodiscard]] off_t start_of_last(std::size_t lines) const;

    std::filesystem::path path_;
    std::vector<record_filter> filters_;
    int file_ = -1;
    off_t at_ = 0;
    std::string partial_;
};

} // namespace mcp_provider::server
