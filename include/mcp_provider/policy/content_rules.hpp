// Looks through what a prompt says before an agent sees it.
#pragma once

#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/policy/content_rule_set.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// The names of the content rules that a request matched, each once. *Lifetime*: that of the rules.
class content_flags {
public:
    [[nodiscard]] std::vector<std::string_view> const& names() const noexcept { return names_; }
    /// Adds a name; returns false if it was there.
    bool add(std::string_view name) {
        if (std::find(names_.begin(), names_.end(), name) != names_.end()) return false;
        names_.push_back(name);
        return true;
    }

private:
    std::vector<std::string_view> names_;
};

/// Needs `T`, whose `for_each_text(visit)` calls `visit(json_pointer, text)` for every text that carries a prompt, and
/// `audited`, in whose notes matches are recorded. Provides `content_flags`.
/// *Errors*: `bad_request`, a security event, for a match whose action is to reject. *Complexity*: linear in the texts;
/// no allocation without a match. *Thread safety*: safe.
template <class T>
class content_rules {
public:
    static constexpr std::string_view name = "content_rules";

    explicit content_rules(std::shared_ptr<content_rule_set const> rules) noexcept
        : rules_{std::move(rules)} {}

    result<content_flags> on_request(T const& asked, audited const& log) const {
        content_flags flags;
        content_rule const* refused = nullptr;
        std::string where;
        asked.for_each_text([&](std::string_view pointer, std::string_view text) {
            rules_->scan(text, [&](content_rule const& hit) {
                if (!flags.add(hit.name)) return;
                std::string& noted = log.notes().security_flags;
                if (!noted.empty()) noted += ',';
                noted += hit.name;
                if (hit.action != content_action::reject || refused != nullptr) return;
                refused = &hit;
                where = pointer;
            });
        });
        if (refused == nullptr) return flags;
        std::string message = "the text at " + where + " matches the content rule '" +
                              refused->name + "', and this server takes only texts without it";
        return rejection{rejection_code::bad_request, std::move(message)}
            .because("content_rejected")
            .at(std::move(where))
            .as_security_event("suspicious_content");
    }

private:
    std::shared_ptr<content_rule_set const> rules_;
};

namespace detail {
struct no_texts {
    template <class Visit>
    void for_each_text(Visit&&) const {}
};
} // namespace detail

static_assert(policy<content_rules<detail::no_texts>>);

} // namespace mcp_provider
