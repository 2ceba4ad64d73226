// What a security scan says: a finding, with how to mend it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::scan {

enum class severity : std::uint8_t { low, medium, high };

[[nodiscard]] constexpr std::string_view name_of(severity how_grave) noexcept {
    switch (how_grave) {
    case severity::low: return "low";
    case severity::medium: return "medium";
    case severity::high: return "high";
    }
    return "";
}

/// A rule that an installation is held to.
struct rule {
    std::string_view id; ///< `files.mode`, …: stable
    scan::severity severity;
    std::string_view title; ///< what a good installation has
    std::string_view mend;  ///< what to do where it does not
};

/// A place where an installation breaks a rule. No secret gets into it.
struct finding {
    scan::rule const* rule;
    std::string where; ///< a file, a configuration key, an address
    std::string what;
};

/// All that a scan found, and which rules it could look at.
class report {
public:
    void add(rule const& broken, std::string where, std::string what) {
        findings_.push_back({&broken, std::move(where), std::move(what)});
    }
    /// Says that something could not be looked at, and why: no finding, but nothing proven either.
    void skip(std::string what) { skipped_.push_back(std::move(what)); }

    [[nodiscard]] std::vector<finding> const& findings() const noexcept { return findings_; }
    [[nodiscard]] std::vector<std::string> const& skipped() const noexcept { return skipped_; }
    [[nodiscard]] std::size_t count(severity how_grave) const noexcept {
        std::size_t number = 0;
        for (finding const& one : findings_) number += one.rule->severity == how_grave ? 1 : 0;
        return number;
    }

private:
    std::vector<finding> findings_;
    std::vector<std::string> skipped_;
};

} // namespace mcp_provider::server::scan
