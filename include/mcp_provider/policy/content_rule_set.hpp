// What to look for in prompts, and what a match leads to.
#pragma once

#include "mcp_provider/policy/literal_matcher.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// What a match of a content rule leads to: a flag in the audit record, or a refusal.
enum class content_action : std::uint8_t { flag, reject };

/// One thing to look for: a literal text, or whatever `search` finds. A search must take linear time on any text and be
/// safe between threads (RE2's `PartialMatch` is).
struct content_rule {
    std::string name; ///< for audit records and refusals, without a comma
    content_action action = content_action::flag;
    std::string literal; ///< matched without regard to ASCII case; used if there is no `search`
    std::function<bool(std::string_view)> search;
};

/// The patterns that the seed's validation refuses, each with the same action.
[[nodiscard]] inline std::vector<content_rule> default_content_rules(content_action action) {
    return {{"script_tag", action, "<script", {}},
            {"php_tag", action, "<?php", {}},
            {"exec_call", action, "exec(", {}},
            {"eval_call", action, "eval(", {}},
            {"import_os", action, "import os", {}}};
}

/// Rules, ready to scan. Immutable after construction; share it between pipelines. *Thread safety*: safe.
class content_rule_set {
public:
    /// *Errors*: throws std::invalid_argument for a rule without a name or without anything to look for.
    explicit content_rule_set(std::vector<content_rule> rules)
        : rules_{std::move(rules)}, literals_{prepare()} {}

    [[nodiscard]] std::vector<content_rule> const& rules() const noexcept { return rules_; }

    /// Calls `found(rule)` for each match in `text`; a rule may be found more than once. *Complexity*: linear.
    template <class Found>
    void scan(std::string_view text, Found&& found) const {
        if (!of_literal_.empty())
            literals_.scan(text, [&](std::size_t i) { found(rules_[of_literal_[i]]); });
        for (std::size_t const i : searches_)
            if (rules_[i].search(text)) found(rules_[i]);
    }

private:
    literal_matcher prepare() {
        std::vector<std::string> words;
        for (std::size_t i = 0; i != rules_.size(); ++i) {
            content_rule const& one = rules_[i];
            if (one.name.empty() || one.name.find(',') != std::string::npos)
                throw std::invalid_argument{"a content rule needs a name without a comma"};
            if (one.search) {
                searches_.push_back(i);
            } else {
                words.push_back(one.literal);
                of_literal_.push_back(i);
            }
        }
        return literal_matcher{words};
    }

    std::vector<content_rule> rules_;
    std::vector<std::size_t> of_literal_; // word of the matcher -> rule
    std::vector<std::size_t> searches_;
    literal_matcher literals_; // made from the three above
};

} // namespace mcp_provider
